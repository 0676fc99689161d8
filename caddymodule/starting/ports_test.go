package starting_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/starting"
)

// shared takes a port of loopback as Caddy does: another Caddy of this user may have it
// too.
func shared(t *testing.T) string {
	t.Helper()
	at := fmt.Sprintf("127.0.0.1:%d", gatewaytest.FreePort(t))
	address, err := caddy.ParseNetworkAddress(at)
	if err != nil {
		t.Fatal(err)
	}
	l, err := address.Listen(context.Background(), 0, net.ListenConfig{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.(io.Closer).Close() })
	return at
}

func free(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf("127.0.0.1:%d", gatewaytest.FreePort(t))
}

// Caddy would start, and every other request would come to the other one.
func TestAPortOfAnotherCaddyOfThisUserIsInUse(t *testing.T) {
	at := shared(t)
	said, code := gatewaytest.RunCaddy(t, t.TempDir(), "run", "--config", site(t, "off", at))
	lines := errorLines(said)
	if code != 1 || len(lines) != 1 || !strings.Contains(lines[0], "another program listens on "+at+" already: stop it") || !strings.Contains(lines[0], starting.ShareVariable+"=1") {
		t.Errorf("exits with %d and says %s", code, said)
	}
}

func TestAPortMayBeSharedByWhoMeansIt(t *testing.T) {
	t.Setenv(starting.ShareVariable, "1")
	starts(t, "", "--config", site(t, "off", shared(t)))
}

// Each has its sites, so both work.
func TestASharedAdminEndpointIsWarnedOf(t *testing.T) {
	const warning = "another Caddy has the address of the admin endpoint too"
	if said := starts(t, "", "--config", site(t, shared(t), free(t))); strings.Count(said, warning) != 1 {
		t.Errorf("it says %s; want once %q", said, warning)
	}
	if said := starts(t, "", "--config", site(t, free(t), free(t))); strings.Contains(said, warning) {
		t.Errorf("alone, it says %s", said)
	}
}

func TestAddressesThatAreFreeAreLeftAsTheyAre(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("SIDEGATE_TEST_RUN", t.TempDir())
	for name, file := range map[string]string{
		"any port":                     site(t, "off", "127.0.0.1:0"),
		"a socket in no folder":        site(t, "unix/@sidegate-test-"+strings.ReplaceAll(dir, "/", "-"), free(t)),
		"a socket":                     site(t, "unix/"+dir+"/admin.sock", free(t)),
		"a socket that was left there": site(t, "unix/"+left(t)+"|0200", free(t)),
		"a socket in a folder that a variable names": site(t, "unix/{env.SIDEGATE_TEST_RUN}/admin.sock", free(t)),
	} {
		t.Run(name, func(t *testing.T) { starts(t, "", "--config", file) })
	}
}

// left is a socket at which nobody listens any more.
func left(t *testing.T) string {
	t.Helper()
	name := t.TempDir() + "/left.sock"
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return name
}

// Caddy would put its own in the place of it, and fail later or not: nobody finds the one
// that runs any more.
func TestASocketThatSomebodyListensOnIsLeftToThem(t *testing.T) {
	name := t.TempDir() + "/admin.sock"
	l, err := net.Listen("unix", name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	said, code := gatewaytest.RunCaddy(t, t.TempDir(), "run", "--config", site(t, "unix/"+name, free(t)))
	lines := errorLines(said)
	if code != 1 || len(lines) != 1 || !strings.Contains(lines[0], "another program answers at the socket "+name) || !strings.Contains(lines[0], "caddy reload") {
		t.Errorf("exits with %d and says %s", code, said)
	}
	c, err := net.Dial("unix", name)
	if err != nil {
		t.Fatalf("who listened is not found any more: %v", err)
	}
	_ = c.Close()
}

// Nothing in the configuration speaks of that port.
func TestThePortOfRedirectsIsLookedAtAsWell(t *testing.T) {
	for name, c := range map[string]struct {
		global, site string
		refused      bool
	}{
		"a site by its name":              {"", "app.example.com", true},
		"one without redirects":           {"auto_https disable_redirects\n", "app.example.com", false},
		"one with certificates of nobody": {"auto_https off\n", "app.example.com", false},
		"a site at http:// alone":         {"", "http://app.example.com:%d", false},
	} {
		t.Run(name, func(t *testing.T) {
			taken, file := listener(t), t.TempDir()+"/Caddyfile"
			_, port, _ := strings.Cut(taken, ":")
			address := c.site
			if strings.Contains(address, "%d") {
				address = fmt.Sprintf(address, gatewaytest.FreePort(t))
			}
			gatewaytest.WriteFile(t, file, fmt.Sprintf("{\nadmin off\npersist_config off\nlocal_certs\nskip_install_trust\nhttp_port %s\nhttps_port %d\n%s}\n%s {\nbind 127.0.0.1\nrespond hello\n}\n",
				port, gatewaytest.FreePort(t), c.global, address))
			if !c.refused {
				starts(t, "", "--config", file, "--adapter", "caddyfile")
				return
			}
			said, code := gatewaytest.RunCaddy(t, t.TempDir(), "run", "--config", file, "--adapter", "caddyfile")
			lines := errorLines(said)
			if code != 1 || len(lines) != 1 || !strings.Contains(lines[0], "another program listens on "+taken+" already: stop it") {
				t.Errorf("exits with %d and says %s", code, said)
			}
		})
	}
}
