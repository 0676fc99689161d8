package foresee_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/gatewaytest"
)

// told is the answer of GET /auth/why, as far as it is looked at here.
type told struct {
	SignedIn bool
	Path     *demand.Foreseen
}

func TestWhatIsForeseenIsWhatHappens(t *testing.T) {
	for _, c := range sites {
		t.Run(c.name, func(t *testing.T) {
			up := gatewaytest.NewRecorder(t)
			c.Upstream = up.Address()
			c.Options += "\nwhy"
			s := gatewaytest.StartEdited(t, c.Site, func(text string, port int) string {
				if c.named != "" {
					text += "&(guarded) {\n" + strings.ReplaceAll(c.named, "{upstream}", c.Upstream) + "\n}\n"
				}
				if c.other != "" {
					text += fmt.Sprintf("http://localhost:%d {\nbind 127.0.0.1\n%s\n}\n", port, strings.ReplaceAll(c.other, "{upstream}", c.Upstream))
				}
				return text
			})
			people := map[string]string{gatewaytest.Grace: s.WithCookie(t, gatewaytest.Grace).Cookie, gatewaytest.Ada: s.WithCookie(t, gatewaytest.Ada).Cookie}
			for _, a := range c.asks {
				for who, want := range map[string]string{gatewaytest.Grace: a.grace, gatewaytest.Ada: a.ada} {
					t.Run(fmt.Sprintf("%s %s as %s", a.method, a.target, who), func(t *testing.T) {
						host := s.Address()
						if a.other {
							host = strings.Replace(host, "127.0.0.1", "localhost", 1)
						}
						foreseen := ofPath(t, s, host, people[who], a)
						before := up.Count()
						status := send(t, s, host, people[who], a.method, a.target).StatusCode
						compare(t, foreseen, want, status, up.Since(before))
						if a.note != "" && who == gatewaytest.Grace && !strings.Contains(strings.Join(foreseen.Notes, "\n"), a.note) {
							t.Errorf("nothing is noted of %q: %q", a.note, foreseen.Notes)
						}
					})
				}
			}
		})
	}
}

// ofPath asks what would become of the request, and that it does not come to be.
func ofPath(t *testing.T, s *gatewaytest.Server, host, cookie string, a ask) *demand.Foreseen {
	t.Helper()
	query := url.Values{"path": {a.target}, "method": {a.method}}
	answer := send(t, s, host, cookie, "GET", "/auth/why?"+query.Encode())
	var said told
	body := json.NewDecoder(answer.Body)
	if err := body.Decode(&said); err != nil || answer.StatusCode != http.StatusOK || said.Path == nil {
		t.Fatalf("it is answered %d, %v: %+v", answer.StatusCode, err, said)
	}
	return said.Path
}

// compare holds what was foreseen against the request itself.
func compare(t *testing.T, f *demand.Foreseen, want string, status int, got []*http.Request) {
	t.Helper()
	if is := f.Decision + ":" + f.By; is != want {
		t.Errorf("it is foreseen as %s, want %s: %+v", is, want, f)
	}
	reached := slices.ContainsFunc(got, func(r *http.Request) bool { return r.URL.Path != "/may" })
	hangs := slices.ContainsFunc(f.Notes, func(note string) bool { return strings.Contains(note, "is not run") })
	switch refuses := f.Decision == demand.WouldBeRefused; {
	case hangs: // it says on what
	case reached != (f.By == "reverse_proxy"):
		t.Errorf("the app was reached: %v, foreseen is %+v", reached, f)
	case refuses && f.Status != status && !slices.ContainsFunc(f.Notes, func(note string) bool { return strings.Contains(note, "error routes") }):
		t.Errorf("it was answered %d, foreseen is %+v", status, f)
	case refuses && status < http.StatusBadRequest:
		t.Errorf("it was answered %d, foreseen is %+v", status, f)
	case !refuses && slices.Contains([]int{400, 401, 403}, status) && f.Decision != demand.WouldBeAnswered:
		t.Errorf("it was answered %d, foreseen is %+v", status, f)
	}
}

// send sends a request in the words that are given.
func send(t *testing.T, s *gatewaytest.Server, host, cookie, method, target string) *http.Response {
	t.Helper()
	conn, err := net.Dial("tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(gatewaytest.Patience))
	lines := []string{method + " " + target + " HTTP/1.1", "Host: " + host, "Cookie: " + cookie}
	if _, err := conn.Write([]byte(strings.Join(lines, "\r\n") + "\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	return answer
}
