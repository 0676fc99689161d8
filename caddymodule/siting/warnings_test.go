package siting_test

import (
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/siting"
)

func TestAnAppThatIsGuardedHereAndOpenThere(t *testing.T) {
	const own = "session_endpoints\n"
	for _, c := range []struct{ name, config, want string }{
		{"a handle beside", at + own + "handle /health {\nreverse_proxy app:80\n}\nhandle {\nsession_auth\nreverse_proxy app:80\n}\n}",
			"guarded:every path open:path /health site:site app.example.com upstream:app:80"},
		{"a path before", at + own + "route {\nreverse_proxy /open/* app:80\nsession_auth\nreverse_proxy app:80\n}\n}", "open:path /open/*"},
		{"a session_auth for one path of one handle", at + own + "handle /a/* {\nsession_auth\nreverse_proxy app:80\n}\nhandle {\nreverse_proxy app:80\n}\n}",
			"guarded:path /a/* open:every path"},
		{"one way, guarded by a matcher", at + own + "session_auth /admin/*\nreverse_proxy app:80\n}", ""},
		{"another app", at + own + "handle /health {\nreverse_proxy other:80\n}\nhandle {\nsession_auth\nreverse_proxy app:80\n}\n}", ""},
		{"the guard that another way asks", at + own + "handle /x/* {\nforward_auth app:80 {\nuri /asks\n}\nreverse_proxy other:80\n}\nhandle {\nsession_auth\nreverse_proxy app:80\n}\n}", ""},
		{"another site", at + own + "session_auth\nreverse_proxy app:80\n}\nopen.example.com {\nreverse_proxy app:80\n}", ""},
		{"a way that another guard is on", at + own + "handle /api/* {\nbasic_auth {\na $2a$14$Zkx19XLiW6VYouLHR5NmfOFU0z2GTNmpkT/5qqR7hx4IjWJPDhjvG\n}\n" +
			"reverse_proxy app:80\n}\nhandle {\nsession_auth\nreverse_proxy app:80\n}\n}", ""},
		{"a way for a network of one's own", at + own + "@in remote_ip private_ranges\nhandle @in {\nreverse_proxy app:80\n}\nhandle {\nsession_auth\nreverse_proxy app:80\n}\n}", ""},
		{"a way for who is signed in", at + own + "@in session\nhandle @in {\nreverse_proxy app:80\n}\nhandle {\nsession_auth\nreverse_proxy app:80\n}\n}", ""},
		{"endpoints beside", at + "handle /auth/* {\nsession_endpoints\n}\nhandle {\nsession_auth\nreverse_proxy app:80\n}\n}", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, warned, err := look(t, c.config, siting.Options{InFrontTLS: true})
			if err != nil || len(warned) > 1 || c.want == "" && len(warned) > 0 || !strings.Contains(strings.Join(warned, ""), c.want) {
				t.Errorf("%q, %v", warned, err)
			}
		})
	}
}

// Browsers keep no Secure cookie that comes by plain http (RFC 6265bis section
// 5.7), but of their own machine.
func TestPlainHTTPWhereNobodyStaysSignedIn(t *testing.T) {
	const own = " {\nsession_endpoints\nsession_auth\nreverse_proxy app\n}"
	for _, c := range []struct {
		name, config string
		o            siting.Options
		want         string
	}{
		{"a name", "http://app.example.com:8080" + own, siting.Options{}, "hosts:[app.example.com]"},
		{"an address of the network", "http://192.0.2.1:8080, http://127.0.0.1:8080" + own, siting.Options{}, "hosts:[192.0.2.1]"},
		{"endpoints alone", "http://app.example.com {\nsession_endpoints\nrespond OK\n}", siting.Options{}, "hosts:[app.example.com]"},
		{"this machine, by all its names", "http://localhost:8080, http://a.localhost:8080, http://127.0.0.2:8080, http://[::1]:8080" + own, siting.Options{}, ""},
		{"any host", ":8080" + own, siting.Options{}, "hosts:[any] listen:[:8080]"},
		{"any host, at the port of http", "http://" + own, siting.Options{}, "hosts:[any] listen:[:80]"},
		{"any host, for an API", ":8080 {\nsession_auth {\nno_redirect\n}\nreverse_proxy app\n}", siting.Options{}, "hosts:[any]"},
		{"any host, for this machine alone", ":8080 {\nbind 127.0.0.1 ::1\nsession_endpoints\nsession_auth\nreverse_proxy app\n}", siting.Options{}, ""},
		{"any host, by a socket", ":8080 {\nbind unix//run/caddy.sock\nsession_endpoints\nsession_auth\nreverse_proxy app\n}", siting.Options{}, ""},
		{"any host, where TLS ends in front", ":8080" + own, siting.Options{InFrontTLS: true}, ""},
		{"any host, with an insecure cookie", ":8080" + own, siting.Options{Insecure: true}, "cookie { insecure }"},
		{"any host, over TLS at a port of its own", ":8443 {\ntls internal {\non_demand\n}\nsession_endpoints\nsession_auth\nreverse_proxy app\n}", siting.Options{}, ""},
		{"a host that is not known yet", "http://{env.NAME}:8080" + own, siting.Options{}, ""},
		{"TLS in front", "http://app.example.com:8080" + own, siting.Options{InFrontTLS: true}, ""},
		{"an insecure cookie", "http://app.example.com:8080" + own, siting.Options{Insecure: true}, "cookie { insecure }"},
		{"TLS here", "{\nauto_https off\n}\napp.example.com:8443 {\ntls a.pem b.pem\nsession_endpoints\nsession_auth\nreverse_proxy app\n}", siting.Options{}, ""},
		{"a site of others", "http://app.example.com:8080 {\nreverse_proxy app\n}\nhttp://localhost:8080" + own, siting.Options{}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, warned, err := look(t, c.config, c.o)
			if err != nil || len(warned) > 1 || c.want == "" && len(warned) > 0 || !strings.Contains(strings.Join(warned, ""), c.want) {
				t.Errorf("%q, %v", warned, err)
			}
		})
	}
}

// Over plain HTTP whoever listens has the cookie.
func TestAnInsecureCookieBeyondLoopbackIsWarnedAbout(t *testing.T) {
	for _, c := range []struct{ name, bind, want string }{
		{"on all addresses", "", "listen:[:8080]"},
		{"on all addresses, written out", "bind 0.0.0.0 [::]", "listen:[0.0.0.0:8080 [::]:8080]"},
		{"on an address of the network", "bind 127.0.0.1 192.0.2.1", "listen:[192.0.2.1:8080]"},
		{"under a name", "bind app.example.com", "listen:[app.example.com:8080]"},
		{"on loopback", "bind 127.0.0.1 [::1] localhost 127.0.0.2", ""},
		{"on a unix socket", "bind unix//run/app.sock", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := "http://:8080 {\n" + c.bind + "\nsession_endpoints\n}"
			_, warned, err := look(t, config, siting.Options{Insecure: true})
			if err != nil || c.want == "" && len(warned) > 0 || !strings.Contains(strings.Join(warned, ""), c.want) {
				t.Errorf("%q, %v", warned, err)
			}
			if _, warned, _ := look(t, config, siting.Options{}); strings.Contains(strings.Join(warned, ""), "insecure }") {
				t.Errorf("with a cookie that is Secure: %q", warned)
			}
		})
	}
}
