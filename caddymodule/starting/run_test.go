package starting_test

import (
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// site is a configuration with an admin endpoint and a site at an address.
func site(t *testing.T, admin, address string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "Caddyfile")
	host, port, _ := strings.Cut(address, ":")
	gatewaytest.WriteFile(t, file, fmt.Sprintf("{\n\tadmin %s\n\tpersist_config off\n}\n\nhttp://:%s {\n\tbind %s\n\trespond hello\n}\n", admin, port, host))
	return file
}

// listener takes a port of loopback.
func listener(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l.Addr().String()
}

// errorLines are those of a log that are errors.
func errorLines(said string) (found []string) {
	for line := range strings.Lines(said) {
		if strings.Contains(line, `"level":"error"`) {
			found = append(found, line)
		}
	}
	return found
}

func TestTheFirstErrorOfAStartThatFailsSaysWhatToDo(t *testing.T) {
	free := fmt.Sprintf("127.0.0.1:%d", gatewaytest.FreePort(t))
	taken, folder := listener(t), t.TempDir()
	empty, bare := filepath.Join(folder, "empty"), filepath.Join(folder, "bare")
	gatewaytest.WriteFile(t, empty, "")
	gatewaytest.WriteFile(t, bare, ":0 {\n\timport store.caddy\n}\n")
	for _, test := range []struct{ name, config, says string }{
		{"no configuration", filepath.Join(folder, "none", "Caddyfile"), "make it, or say with --config where it is"},
		{"a folder in the place of the configuration", folder, folder + ": it is a folder: name a file in it"},
		{"a configuration with nothing in it", empty, empty + " is empty: write the configuration into it"},
		{"the base of the pods without an overlay", bare, `"msg":"there is neither a snippet nor a file store.caddy: make one`},
		{"a port in use", site(t, "off", taken), "another program listens on " + taken + " already: stop it"},
		{"the admin endpoint's port in use", site(t, taken, free), "another program listens on " + taken + " already: stop it"},
		{"no folder for the admin socket", site(t, "unix/"+folder+"/run/admin.sock", free), "make the folder " + folder + "/run"},
		{"an address of another machine", site(t, "off", "192.0.2.1:80"), "no interface of this machine has the address of 192.0.2.1:80"},
	} {
		t.Run(test.name, func(t *testing.T) {
			said, code := gatewaytest.RunCaddy(t, t.TempDir(), "run", "--config", test.config, "--adapter", "caddyfile")
			lines := errorLines(said)
			if code != 1 || len(lines) == 0 || !strings.Contains(lines[0], test.says) {
				t.Errorf("exits with %d and says %s; want 1 and first of all %q", code, said, test.says)
			}
		})
	}
}

// What Caddy knows better is left to it, and told once.
func TestOtherMistakesAreToldByCaddyAsEver(t *testing.T) {
	folder := t.TempDir()
	for _, test := range []struct{ name, text, says string }{
		{"a word that there is none of", "{\n\tadmin off\n}\n\n:0 {\n\tnonsense\n}\n", "unrecognized directive: nonsense"},
		{"an address that is none", "{\n\tadmin off\n}\n\nhttp://:99999999 {\n\trespond hello\n}\n", "99999999"},
	} {
		t.Run(test.name, func(t *testing.T) {
			file := filepath.Join(folder, strings.ReplaceAll(test.name, " ", "-"))
			gatewaytest.WriteFile(t, file, test.text)
			said, code := gatewaytest.RunCaddy(t, t.TempDir(), "run", "--config", file, "--adapter", "caddyfile")
			if lines := errorLines(said); code != 1 || len(lines) != 1 || !strings.Contains(lines[0], test.says) {
				t.Errorf("exits with %d and says %s; want 1 and %q once", code, said, test.says)
			}
		})
	}
}

func TestAGatewayStartsAndSaysNothingTwice(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{})
	if n := strings.Count(p.Log.String(), "using config from file"); n != 1 {
		t.Errorf("it says %d times which configuration it uses:\n%s", n, p.Log.String())
	}
}
