package siting_test

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// A matcher decides whether session_endpoints answers, and no configuration shows
// what it will say.
func TestPeopleWhoDoNotFindTheLoginPageAreInTheLogOnce(t *testing.T) {
	for _, c := range []struct {
		name, routes string
		header       string
		want         string
	}{
		{"session_auth refuses it", "@a header X-Inside yes\nsession_endpoints @a\nsession_auth\nreverse_proxy {upstream}", "", "session_auth refused it"},
		{"it is answered", "@a header X-Inside yes\nsession_endpoints @a\nsession_auth\nreverse_proxy {upstream}", "yes", ""},
		{"it is rewritten", "uri path_regexp /login$ /signin\nsession_endpoints\nsession_auth\nreverse_proxy {upstream}", "",
			"no session_endpoints answered it"},
		{"nobody answers", "@a header X-Inside yes\nroute {\nsession_endpoints @a\nsession_auth /app/*\nreverse_proxy /app/* {upstream}\nrespond 404\n}", "",
			"no session_endpoints answered it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			log := filepath.Join(t.TempDir(), "log")
			s := gatewaytest.Start(t, gatewaytest.Site{Routes: c.routes, Global: "log default {\noutput file " + log + "\nformat json\n}"})
			for range 2 {
				if status := navigate(t, s.URL+"/app/", c.header); status != http.StatusSeeOther {
					t.Fatalf("nobody is led to the login page: %d", status)
				}
				navigate(t, s.URL+"/auth/login", c.header)
			}
			told := func() int {
				raw, _ := os.ReadFile(log)
				return strings.Count(string(raw), "led to a login page that is not answered")
			}
			if c.want != "" {
				gatewaytest.Await(t, "it is in the log", func() bool { return told() > 0 })
			}
			raw, _ := os.ReadFile(log)
			if got := told(); got > 1 || c.want == "" && got > 0 || !strings.Contains(string(raw), c.want) {
				t.Errorf("it is told %d times: %s", got, raw)
			}
		})
	}
}

// A proxy that sends its upstream's name as Host, as nginx does on its own, gets
// Caddy's blank page. The reference says what to set, in the words of the example.
func TestAProxyThatSendsAnotherHostGetsABlankPage(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	for host, want := range map[string]int{"": http.StatusSeeOther, "upstream": http.StatusOK} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = host
		r.Header.Set("Accept", "text/html")
		r.Header.Set("Sec-Fetch-Mode", "navigate")
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		if resp.StatusCode != want || want == http.StatusOK && len(body) > 0 {
			t.Errorf("host %q: %d %q", host, resp.StatusCode, body)
		}
	}
	reference, err := os.ReadFile("../../deploy/REFERENCE.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile("../../deploy/caddyfiles/tls-in-front.Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"Host $http_host", "X-Forwarded-For $proxy_add_x_forwarded_for", "X-Forwarded-Proto $scheme"} {
		if line = "proxy_set_header " + line + ";"; !strings.Contains(string(reference), line) || !strings.Contains(string(example), line) {
			t.Errorf("not everywhere: %s", line)
		}
	}
}

// navigate asks as a browser does that a person has sent there.
func navigate(t *testing.T, url, inside string) (status int) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Sec-Fetch-Mode", "navigate")
	r.Header.Set("X-Inside", inside)
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}
