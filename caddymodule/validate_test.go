package caddymodule_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// caddy validate runs beside a live server and in build pipelines.
func TestValidatingLeavesNothingBehind(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var calls atomic.Int32
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			calls.Add(1)
			conn.Close()
		}
	}()
	data := t.TempDir()
	t.Setenv("XDG_DATA_HOME", data)
	secret := filepath.Join(t.TempDir(), "secret")
	gatewaytest.WriteFile(t, secret, strings.Repeat("f", 32)+"\n")
	t.Setenv("SIDEGATE_TEST_SECRET", strings.Repeat("e", 32))
	t.Setenv("SIDEGATE_TEST_REDIS", "redis://"+listener.Addr().String())
	t.Setenv("SIDEGATE_TEST_NAME", "sidegate")
	for _, c := range []struct {
		name string
		site gatewaytest.Site
	}{
		{"of the least configuration", gatewaytest.Site{Options: "# store of the default\n"}},
		{"of the default store at its default place", gatewaytest.Site{Options: "store embedded"}},
		{"of the memory store", gatewaytest.Site{Options: "store memory"}},
		{"of every option at once", everything(t, "redis://"+listener.Addr().String())},
		{"of a redis behind a socket that is not there", gatewaytest.Site{Options: secretLine + "store redis unix:///nonexistent/redis.sock?db=1"}},
		{"of a redis that speaks TLS", gatewaytest.Site{Options: secretLine + "store redis rediss://" + listener.Addr().String()}},
		{"of a cookie for a whole domain", gatewaytest.Site{Cookie: "domain .example.com"}},
		{"of values that lie in the environment and in files", gatewaytest.Site{Options: "secret {env.SIDEGATE_TEST_SECRET} {file." + secret + "}\n" +
			"store redis {env.SIDEGATE_TEST_REDIS} {\nusername {env.SIDEGATE_TEST_NAME}\npassword {file." + secret + "}\n}"}},
		{"of a password with escaped braces", gatewaytest.Site{Options: secretLine + "store redis redis://127.0.0.1:1 {\npassword \"a\\{b\\}\"\n}"}},
		{"of Ed25519 keys", gatewaytest.Site{Options: "token {\nalgorithm EdDSA\n}"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, config := adapted(t, c.site)
			if err := validate(t, config); err != nil {
				t.Fatal(err)
			}
			wantOnly(t, s.Dir, "users.yaml")
			wantOnly(t, data)
		})
	}
	listener.Close()
	<-done
	if n := calls.Load(); n != 0 {
		t.Errorf("redis was called %d times", n)
	}
}

// wantOnly demands that the folder holds these files and nothing else.
func wantOnly(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if len(names) != 1 || e.Name() != names[0] {
			t.Errorf("%s was left behind", e.Name())
		}
	}
}

// A gateway that runs has its sessions' file locked; validating must not wait for it.
func TestValidatingWorksBesideARunningServer(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	c := s.Client(t)
	c.SignIn(gatewaytest.Ada)
	_, config := adapted(t, gatewaytest.Site{Dir: s.Dir})
	if err := validate(t, config); err != nil {
		t.Fatal(err)
	}
	c.Get("/auth/session").Want(t, 200)
}
