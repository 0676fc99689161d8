package apps_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// throughFastCGI leads to programs of CGI, who read REMOTE_USER: no client can
// set that, for its headers are HTTP_... there. Caddy itself makes it the
// person's number.
func throughFastCGI(t *testing.T, dir, program string) string {
	t.Helper()
	socket := filepath.Join(dir, "fcgiwrap.sock")
	gatewaytest.KeepRunning(t, exec.Command(debian(t, "fcgiwrap"), "-s", "unix:"+socket), syscall.SIGKILL, "unix", socket) // #nosec G204 -- of this test
	return strings.NewReplacer("unix//run/fcgiwrap.sock", "unix/"+socket, "/usr/lib/cgi-bin/hgweb.cgi", program).Replace(documented(t))
}

// documented is how the reference leads to such a program.
func documented(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../REFERENCE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n#### REMOTE_USER\n")
	_, block, _ := strings.Cut(section, "\nreverse_proxy ")
	block, _, found := strings.Cut(block, "```")
	if !found || !strings.Contains(block, "unix//run/fcgiwrap.sock") || !strings.Contains(block, "/usr/lib/cgi-bin/hgweb.cgi") {
		t.Fatalf("the reference has no such block: %s", block)
	}
	return "reverse_proxy " + block
}

// mercurial shows a repository to those whom `allow_read` names, and hides it
// from all others.
var mercurial = app{
	name: "Mercurial",
	start: func(t *testing.T, dir string) string {
		hg, config := debian(t, "hg"), filepath.Join(dir, "hgweb.config")
		paths := "[paths]\n"
		for name, reader := range repositories {
			repository := filepath.Join(dir, name)
			done(t, dir, hg, "init", repository)
			gatewaytest.WriteFile(t, filepath.Join(repository, ".hg", "hgrc"), "[web]\nallow_read = "+reader+"\n")
			paths += name + " = " + repository + "\n"
		}
		gatewaytest.WriteFile(t, config, paths)
		program := filepath.Join(dir, "hgweb.cgi")
		executable(t, program, fmt.Sprintf("#!%s\nfrom mercurial.hgweb import hgweb, wsgicgi\nwsgicgi.launch(hgweb(%q.encode()))\n", python, config))
		return throughFastCGI(t, dir, program)
	},
	auth:   "headers none",
	forged: []string{"Remote-User", "X-Remote-User"},
	who: func(b *gatewaytest.Browser, header ...string) string {
		// The list has what somebody may read, and each page takes a second of Python.
		list := b.Do(http.MethodGet, "/?style=raw", "", header...).Want(b.T, http.StatusOK).Body
		var readers []string
		for name, reader := range repositories {
			if strings.Contains(list, "/"+name+"/") {
				readers = append(readers, reader)
			}
		}
		return strings.Join(readers, " and ")
	},
	ada: gatewaytest.Ada, jürgen: jürgen,
	more: func(t *testing.T, with standing) {
		t.Run("what somebody may not read is refused, whatever the client says", func(t *testing.T) {
			a := with.jürgen.At(t, with.jürgen.Server).Do(http.MethodGet, "/hers?cmd=capabilities", "", "Remote-User", gatewaytest.Ada)
			if a.StatusCode != http.StatusUnauthorized || !strings.Contains(a.Body, "read not authorized") {
				t.Errorf("that is not Mercurial's word: %s %s", a.Status, a.Body)
			}
			with.ada.At(t, with.ada.Server).Do(http.MethodGet, "/hers?cmd=capabilities", "").Want(t, http.StatusOK)
		})
	},
}

// repositories are named by who may read them.
var repositories = map[string]string{"hers": gatewaytest.Ada, "his": jürgen}

// fossil knows the people that its repository has, and everybody else as nobody.
var fossil = app{
	name: "Fossil",
	start: func(t *testing.T, dir string) string {
		fossil, repository, program := debian(t, "fossil"), filepath.Join(dir, "project.fossil"), filepath.Join(dir, "fossil.cgi")
		done(t, dir, fossil, "init", repository, "-A", "operator")
		for _, name := range []string{gatewaytest.Ada, jürgen} {
			done(t, dir, fossil, "user", "new", name, "of the gateway", "a password that nobody needs", "-R", repository)
		}
		done(t, dir, fossil, "sql", "-R", repository, "REPLACE INTO config(name,value,mtime) VALUES('remote_user_ok','1',now())")
		executable(t, program, "#!"+fossil+"\nrepository: "+repository+"\n")
		return throughFastCGI(t, dir, program)
	},
	auth:   "headers none",
	forged: []string{"Remote-User", "X-Remote-User"},
	who: func(b *gatewaytest.Browser, header ...string) string {
		var answer struct{ Payload struct{ Name string } }
		b.Do(http.MethodGet, "/json/whoami", "", header...).Want(b.T, http.StatusOK).Decode(b.T, &answer)
		if answer.Payload.Name == "nobody" {
			return ""
		}
		return answer.Payload.Name
	},
	ada: gatewaytest.Ada, jürgen: jürgen,
}
