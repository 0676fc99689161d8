package healthcommand_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

func TestMain(m *testing.M) { gatewaytest.Main(m) }

// asked runs the command.
func asked(t *testing.T, address string) (said string, code int) {
	t.Helper()
	return gatewaytest.RunCaddy(t, t.TempDir(), "sidegate-health", address)
}

func TestTheCommandTellsWhetherTheStoreAnswers(t *testing.T) {
	server := redistest.Start(t)
	port := gatewaytest.FreePort(t)
	gatewaytest.StartProcess(t, gatewaytest.Site{
		Hasty:   true,
		Options: fmt.Sprintf("secret %s\nstore redis %s", strings.Repeat("s", 32), server.URL()),
		Routes:  fmt.Sprintf("session_endpoints\nsession_auth\nreverse_proxy {upstream}\n}\nhttp://:%d {\nbind 127.0.0.1\nsession_health /healthz", port),
	})
	address := fmt.Sprintf("http://127.0.0.1:%d/healthz", port)
	if said, code := asked(t, address); code != 0 || !strings.Contains(said, "the session store answers") {
		t.Errorf("with a store it exits with %d: %s", code, said)
	}
	server.Kill()
	gatewaytest.Await(t, "it exits with 1", func() bool {
		said, code := asked(t, address)
		return code == 1 && strings.Contains(said, "does not answer")
	})
}

// TestABlank200IsNoAnswerOfASessionHealth: Caddy gives one to every host that is none of
// its sites.
func TestABlank200IsNoAnswerOfASessionHealth(t *testing.T) {
	for _, test := range []struct {
		name   string
		answer http.HandlerFunc
		says   string
	}{
		{"a blank 200", func(http.ResponseWriter, *http.Request) {}, "no answer of a session_health"},
		{"an app's 200", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("OK")) }, "no answer of a session_health"},
		{"another JSON", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"store":"?"}`)) }, "no answer of a session_health"},
		{"a 401", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(401) }, "401"},
		{"a redirect to a good one", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/good", http.StatusFound) }, "302"},
		{"a 503", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, "does not answer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			mux := http.NewServeMux()
			mux.Handle("/healthz", test.answer)
			mux.HandleFunc("/good", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"store":"answers"}`)) })
			server := httptest.NewServer(mux)
			defer server.Close()
			if said, code := asked(t, server.URL+"/healthz"); code != 1 || !strings.Contains(said, test.says) {
				t.Errorf("exits with %d and says %q; want 1 and %q", code, said, test.says)
			}
		})
	}
}

func TestWhatCannotBeAskedSaysWhatToDo(t *testing.T) {
	nobody := fmt.Sprintf("http://127.0.0.1:%d/healthz", gatewaytest.FreePort(t))
	for _, test := range []struct{ name, address, says string }{
		{"nobody listens", nobody, "is the gateway running"},
		{"no scheme", "127.0.0.1:8081/healthz", "give one such as http://"},
		{"a path alone", "/healthz", "give one such as http://"},
		{"a certificate that nobody trusts", selfSigned(t), "SSL_CERT_FILE"},
		{"no TLS where it is asked by https", strings.Replace(plain(t), "http:", "https:", 1), "ask by http://"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if said, code := asked(t, test.address); code != 1 || !strings.Contains(said, test.says) {
				t.Errorf("exits with %d and says %q; want 1 and %q", code, said, test.says)
			}
		})
	}
	if said, code := gatewaytest.RunCaddy(t, t.TempDir(), "sidegate-health"); code == 0 {
		t.Errorf("without an address it exits with 0 and says %q", said)
	}
}

func selfSigned(t *testing.T) string {
	t.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	return server.URL + "/healthz"
}

func plain(t *testing.T) string {
	t.Helper()
	server := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(server.Close)
	return server.URL + "/healthz"
}

// TestASlowAnswerSaysWhatToDo: it begins in time, and does not end in it.
func TestASlowAnswerSaysWhatToDo(t *testing.T) {
	for name, answer := range map[string]func(http.ResponseWriter){
		"no answer at all":      func(http.ResponseWriter) {},
		"a body without an end": func(w http.ResponseWriter) { _, _ = w.Write([]byte("{")); w.(http.Flusher).Flush() },
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				answer(w)
				<-r.Context().Done()
			}))
			defer server.Close()
			said, code := gatewaytest.RunCaddy(t, t.TempDir(), "sidegate-health", "--timeout", "300ms", server.URL+"/healthz")
			if code != 1 || !strings.Contains(said, "--timeout 10s") || !strings.Contains(said, "the gateway's log") {
				t.Errorf("exits with %d and says %q", code, said)
			}
		})
	}
}

// A health check's output goes into logs, and to whoever may see containers.
func TestNoPasswordOfAnAddressIsPrinted(t *testing.T) {
	host := strings.TrimPrefix(plain(t), "http://")
	nobody := fmt.Sprintf("127.0.0.1:%d/healthz", gatewaytest.FreePort(t))
	for _, address := range []string{"http://user:s3cret@[::1", "http://user:s3cret@", "ftp://user:s3cret@127.0.0.1/", "user:s3cret@127.0.0.1/healthz",
		"/user:s3cret@127.0.0.1", "http://user:s3cret@127.0.0.1:port/", "http://user:s3cret@" + host, "http://user:s3cret@" + nobody} {
		if said, code := asked(t, address); code != 1 || strings.Contains(said, "s3cret") {
			t.Errorf("of %s it exits with %d and says %q", address, code, said)
		}
	}
}
