package upgrading_test

import (
	"net"
	"os"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

func TestMain(m *testing.M) { gatewaytest.Main(m) }

// proxied has processes of the test reach the network through an address at which
// somebody listens who counts.
func proxied(t *testing.T) (calls func() int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	called := make(chan struct{}, 100)
	go func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			called <- struct{}{}
			_ = conn.Close()
		}
	}()
	t.Setenv("HTTPS_PROXY", "http://"+l.Addr().String())
	return func() int { return len(called) }
}

// This binary is what would be replaced.
func binary(t *testing.T) os.FileInfo {
	t.Helper()
	info, err := os.Stat(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	return info
}

func TestNoCommandOfCaddysReplacesTheBinary(t *testing.T) {
	calls := proxied(t)
	before := binary(t)
	for _, args := range [][]string{
		{"upgrade"}, {"upgrade", "--keep-backup"},
		{"add-package", "github.com/caddy-dns/cloudflare"}, {"add-package", "-k", "github.com/caddy-dns/cloudflare"},
		{"remove-package", "example.com/sidegate"}, {"add-package"}, {"remove-package"},
	} {
		said, code := gatewaytest.RunCaddy(t, t.TempDir(), args...)
		if code == 0 {
			t.Errorf("%v: exits with 0", args)
		}
		for _, part := range []string{"refused: caddy " + args[0], "no Sidegate", "./xcaddy.sh", "xcaddy build --with"} {
			if !strings.Contains(said, part) {
				t.Errorf("%v says %q; want %q", args, said, part)
			}
		}
	}
	if n := calls(); n != 0 {
		t.Errorf("the network was asked %d times", n)
	}
	if after := binary(t); !os.SameFile(before, after) || after.Size() != before.Size() || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("the binary was %v and is %v", before, after)
	}
}

func TestNoWordBehindTheCommandIsLeftUnread(t *testing.T) {
	if said, code := gatewaytest.RunCaddy(t, t.TempDir(), "sidegate-upgrade", "now"); code == 0 || strings.Contains(said, "./xcaddy.sh") {
		t.Errorf("it exits with %d and says %q", code, said)
	}
}

func TestOtherCommandsAreCaddysAsEver(t *testing.T) {
	for _, test := range []struct {
		args []string
		says string
	}{
		{[]string{"version"}, "sidegate"},
		{[]string{"list-modules"}, "sidegate.stores.redis"},
		{[]string{"run", "--help"}, "Caddy"},
		{[]string{"upgrade", "--help"}, "keep-backup"},
		{[]string{"help", "add-package"}, "Downloads an updated Caddy binary with the specified packages"},
		{[]string{"sidegate-map", "--help"}, "Maps a sample"},
		{[]string{"sidegate-upgrade"}, "./xcaddy.sh"},
	} {
		if said, code := gatewaytest.RunCaddy(t, t.TempDir(), test.args...); code != 0 || !strings.Contains(said, test.says) {
			t.Errorf("%v exits with %d and says %q; want %q", test.args, code, said, test.says)
		}
	}
}
