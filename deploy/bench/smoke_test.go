package main

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// tiny is a run that takes seconds and tells nothing but that all works.
func tiny(t *testing.T, only string) config {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return config{
		rounds: 1, seconds: 0.2, connections: 4, only: regexp.MustCompile(only), caddy: exe,
		live: []int{2, 20}, heavy: 20, csv: filepath.Join(t.TempDir(), "samples.csv"),
	}
}

func TestTheRigRunsEndToEnd(t *testing.T) {
	c := tiny(t, "")
	c.oauth2Proxy, c.apache = fakePeer(t), hasApache(os.DirFS("/"))
	t.Setenv("TMPDIR", t.TempDir())
	var out strings.Builder
	if err := run(t.Context(), c, &out); err != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	t.Run("every arm has its line, in the table and in the samples", func(t *testing.T) {
		samples, err := os.ReadFile(c.csv)
		if err != nil {
			t.Fatal(err)
		}
		r := &rig{config: c}
		growing, _ := r.growth()
		for _, a := range append(append(arms(nil), r.peers()...), growing...) {
			if !strings.Contains(out.String(), "\n"+a.name+" ") || !strings.Contains(string(samples), "\n"+a.name+",1,") {
				t.Errorf("%s is missing", a.name)
			}
		}
	})
	t.Run("every goal has its verdict", func(t *testing.T) {
		for _, g := range goals {
			if !c.apache && (g.arm == armOpenIDC || g.against == armApache) {
				continue // nobody misses it: it has no bound
			}
			line := regexp.MustCompile(regexp.QuoteMeta(g.what) + ` +` + g.arm + ` +` + g.against + ` +(-|-?[0-9]+\.[0-9]{3}) .*`).FindString(out.String())
			if line == "" || g.atMost > 0 && !strings.HasSuffix(line, "met") && !strings.HasSuffix(line, "toss") && (c.apache || g.against != armOpenIDC && g.against != armOpenIDCStatic) {
				t.Errorf("%s of %s against %s: %q", g.what, g.arm, g.against, line)
			}
		}
		for _, what := range []string{"in Redis", "in the near cache, with its headers ", "growth: CPU"} {
			if !strings.Contains(out.String(), "\n"+what) {
				t.Errorf("%s is missing", what)
			}
		}
	})
	t.Run("where Apache httpd is missing it says how to install it", func(t *testing.T) {
		if strings.Contains(out.String(), apacheHint) == c.apache {
			t.Errorf("installed: %v", c.apache)
		}
	})
	t.Run("nothing is left behind", func(t *testing.T) {
		if left, err := filepath.Glob(filepath.Join(os.TempDir(), "sidegate-bench-*")); err != nil || len(left) > 0 {
			t.Errorf("%v, %v", left, err)
		}
	})
	if t.Failed() {
		t.Log(out.String())
	}
}

func TestTheRigRefusesABinaryThatIsNoCaddy(t *testing.T) {
	c := tiny(t, "")
	c.caddy = "/bin/false"
	var out strings.Builder
	if err := run(t.Context(), c, &out); err == nil || !strings.Contains(err.Error(), "exited before") {
		t.Errorf("error %v", err)
	}
}

func TestAProfileNamesFunctions(t *testing.T) {
	c := tiny(t, "")
	c.profile = armCookie
	names := func(out string) bool {
		return strings.Contains(out, "flat%") && strings.Contains(out, "cum%") && strings.Contains(out, "net/http")
	}
	// On a machine that is busy a short profile may have next to no samples.
	for _, seconds := range []float64{1, 4, 16, 32} {
		c.seconds = seconds
		var out strings.Builder
		err := run(t.Context(), c, &out)
		if err == nil && names(out.String()) {
			return
		}
		t.Logf("a profile of %v seconds: %v\n%s", seconds, err, out.String())
	}
	t.Error("no profile names functions")
}

// roleFakePeer is a stand-in for oauth2-proxy that has its flags and its
// sign-in, and everybody who signed in is person 1.
const roleFakePeer = "fake-peer"

// fakePeer is a program that is one, whatever its environment.
func fakePeer(t *testing.T) string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "oauth2-proxy")
	script := fmt.Sprintf("#!/bin/sh\n%s exec '%s' \"$@\"\n", as(roleFakePeer), exe)
	if err := os.WriteFile(file, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}

func playPeer(args []string) {
	flags := make(map[string]string)
	for _, arg := range args {
		name, value, _ := strings.Cut(strings.TrimPrefix(arg, "--"), "=")
		flags[name] = value
	}
	to, err := url.Parse(flags["upstream"])
	if err != nil {
		panic(err)
	}
	htpasswd, err := os.ReadFile(flags["htpasswd-file"])
	if err != nil || !strings.HasPrefix(string(htpasswd), peerName+":{SHA}") {
		panic("no htpasswd file")
	}
	server := &http.Server{Addr: flags["http-address"], Handler: peer(to), ReadHeaderTimeout: time.Minute}
	panic(server.ListenAndServe())
}

func peer(to *url.URL) http.Handler {
	proxy := httputil.NewSingleHostReverseProxy(to)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := r.Cookie("_oauth2_proxy")
		switch {
		case r.URL.Path == "/oauth2/sign_in" && r.PostFormValue("password") == peerPassword:
			http.SetCookie(w, &http.Cookie{Name: "_oauth2_proxy", Value: "session"})
			w.WriteHeader(http.StatusFound)
		case err != nil:
			w.WriteHeader(http.StatusForbidden)
		case r.URL.Path == "/oauth2/auth":
			w.Header().Set("X-Auth-Request-User", peerName)
			w.WriteHeader(http.StatusAccepted)
		default:
			r.Header.Set("X-Forwarded-User", peerName)
			proxy.ServeHTTP(w, r)
		}
	})
}
