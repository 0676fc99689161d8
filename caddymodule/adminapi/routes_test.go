package adminapi_test

import (
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/adminapi"
	"example.com/sidegate/caddymodule/gatewaytest"
)

func TestWhatIsAskedWronglyIsAnsweredWithTheNextStep(t *testing.T) {
	s, o := start(t, gatewaytest.Site{Options: "store memory"})
	c := s.WithCookie(t, gatewaytest.Ada)
	id := gatewaytest.IDOf(t, c)
	const sessions = "/sidegate/sessions"
	for _, c := range []struct {
		name, method, path string
		status             int
		words              []string
	}{
		{"no filter", "GET", sessions, 400, []string{"user=<id>", "all=true"}},
		{"an end without a filter", "DELETE", sessions, 400, []string{"user=<id>", "all=true"}},
		{"two filters", "GET", sessions + "?user=1&all=true", 400, []string{"user and all are both given"}},
		{"two filters of an end", "DELETE", sessions + "?login=users&email=ada@example.com", 400, []string{"both given"}},
		{"a filter twice", "GET", sessions + "?user=1&user=2", 400, []string{"given 2 times"}},
		{"an empty filter", "DELETE", sessions + "?email=", 400, []string{"email is empty"}},
		{"an unknown parameter", "GET", sessions + "?user=1&offset=2", 400, []string{"no parameter", "offset", "cursor"}},
		{"a page of an end", "DELETE", sessions + "?user=1&limit=2", 400, []string{"no parameter", "limit"}},
		{"a parameter where there are none", "GET", "/sidegate/count?user=1", 400, []string{"takes none"}},
		{"a query that is none", "GET", sessions + "?user=%zz", 400, []string{"percent-encode"}},
		{"a semicolon", "GET", sessions + "?user=1;all=true", 400, []string{"percent-encode"}},
		{"a query beyond all use", "GET", sessions + "?login=" + strings.Repeat("a", 5000), 400, []string{"too long"}},
		{"nobody's number", "GET", sessions + "?user=0", 400, []string{"from 1 to 9007199254740991"}},
		{"a number below all", "GET", sessions + "?user=-1", 400, []string{"from 1 to"}},
		{"a number beyond all", "DELETE", sessions + "?user=9007199254740992", 400, []string{"from 1 to"}},
		{"a number of more digits than there are", "GET", sessions + "?user=99999999999999999999999", 400, []string{"from 1 to"}},
		{"a number with a sign", "GET", sessions + "?user=%2B1", 400, []string{"from 1 to"}},
		{"a number with noughts", "GET", sessions + "?user=01", 400, []string{"from 1 to"}},
		{"a number that is none", "GET", sessions + "?user=ada", 400, []string{"email=<address>"}},
		{"an address that is none", "GET", sessions + "?email=ada", 400, []string{"no address"}},
		{"an address with a line break", "DELETE", sessions + "?email=ada%0D%0A@example.com", 400, []string{"no address"}},
		{"all of another word", "DELETE", sessions + "?all=1", 400, []string{"all=true"}},
		{"all in capitals", "DELETE", sessions + "?all=TRUE", 400, []string{"all=true"}},
		{"no limit", "GET", sessions + "?user=1&limit=0", 400, []string{"from 1 to 1000"}},
		{"a limit beyond all", "GET", sessions + "?user=1&limit=1001", 400, []string{"from 1 to 1000"}},
		{"a limit that is no number", "GET", sessions + "?user=1&limit=ten", 400, []string{"from 1 to 1000"}},
		{"a cursor that is none", "GET", sessions + "?user=1&cursor=abc", 400, []string{"leave it out"}},
		{"a cursor beyond all use", "GET", sessions + "?user=1&cursor=" + strings.Repeat("A", 4000), 400, []string{"leave it out"}},
		{"an id that is too short", "GET", sessions + "/abc", 400, []string{"16 letters"}},
		{"an id of other letters", "DELETE", sessions + "/" + strings.Repeat("*", 16), 400, []string{"16 letters"}},
		{"an id with a line break", "DELETE", sessions + "/" + strings.Repeat("A", 15) + "%0A", 400, []string{"16 letters"}},
		{"an id with NUL", "GET", sessions + "/" + strings.Repeat("A", 15) + "%00", 400, []string{"16 letters"}},
		{"an id beyond all use", "GET", sessions + "/" + strings.Repeat("A", 4000), 400, []string{"16 letters"}},
		{"no id", "DELETE", sessions + "/", 400, []string{"16 letters"}},
		{"an id that nobody has", "GET", sessions + "/AAAAAAAAAAAAAAAA", 404, []string{"no session AAAAAAAAAAAAAAAA", "all=true"}},
		{"the end of an id that nobody has", "DELETE", sessions + "/AAAAAAAAAAAAAAAA", 404, []string{"no session", "all=true"}},
		{"an id that somebody else has", "GET", sessions + "/" + id + "?user=2", 404, []string{"no session"}},
		{"the end of one that somebody else has", "DELETE", sessions + "/" + id + "?user=2", 404, []string{"no session"}},
		{"an id with a wrong person", "DELETE", sessions + "/" + id + "?user=x", 400, []string{"from 1 to"}},
		{"something below an id", "GET", sessions + "/" + id + "/x", 404, []string{"GET /sidegate/sessions/{id}"}},
		{"no route", "GET", "/sidegate/", 404, []string{"GET /sidegate/count", "DELETE /sidegate/sessions"}},
		{"an unknown route", "DELETE", "/sidegate/everything", 404, []string{"there are: "}},
		{"a route in capitals", "GET", "/sidegate/COUNT", 404, []string{"there are: "}},
		{"a route with a slash behind", "GET", "/sidegate/count/", 404, []string{"there are: "}},
		{"a post", "POST", sessions + "?user=1", 405, []string{"asked with DELETE or GET or HEAD"}},
		{"a change of one", "PATCH", sessions + "/" + id, 405, []string{"asked with"}},
		{"the end of the count", "DELETE", "/sidegate/count", 405, []string{"asked with GET or HEAD"}},
		{"options", "OPTIONS", "/sidegate/live", 405, []string{"asked with"}},
		{"a method that is none", "BREW", "/sidegate/live", 405, []string{"asked with"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := o.in(t)
			a := o.do(c.method, c.path)
			if allow := a.Header.Get("Allow"); (c.status == 405) != (allow != "") || strings.Contains(allow, c.method) {
				t.Errorf("allowed is %q", allow)
			}
			o.wantFault(a, c.status, c.words...)
			a.WantHeader(t, "Cache-Control", "no-store")
			a.WantHeader(t, "Content-Type", "application/json")
		})
	}
	c.In(t).Get("/auth/session").Want(t, http.StatusOK) // nothing of that has ended it
}

func TestABodyIsRefused(t *testing.T) {
	s, o := start(t, gatewaytest.Site{Options: "store memory"})
	c := s.WithCookie(t, gatewaytest.Ada)
	for name, body := range map[string]func() io.Reader{
		"short": func() io.Reader { return strings.NewReader(`{"all": true}`) }, "endless": func() io.Reader { return io.LimitReader(endless{}, 1<<40) },
	} {
		for _, method := range []string{"GET", "DELETE"} {
			t.Run(method+" "+name, func(t *testing.T) {
				o := o.in(t)
				req, err := http.NewRequestWithContext(t.Context(), method, "http://"+o.address+"/sidegate/sessions?all=true", body())
				if err != nil {
					t.Fatal(err)
				}
				resp, err := gatewaytest.NoRedirects.Do(req)
				if err != nil && gatewaytest.IsReset(err) {
					return // it was closed while the client was sending
				}
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				text, _ := io.ReadAll(resp.Body)
				o.wantFault(gatewaytest.Answer{Response: resp, Body: string(text)}, http.StatusBadRequest, "no body")
			})
		}
	}
	c.Get("/auth/session").Want(t, http.StatusOK)
}

type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

// A HEAD is answered as a GET is, without what it says.
func TestAHeadIsAGetWithoutAnAnswer(t *testing.T) {
	_, o := start(t, gatewaytest.Site{Options: "store memory"})
	for _, path := range adminapi.Paths() {
		path, ok := strings.CutPrefix(path, "GET ")
		if !ok || strings.Contains(path, "{id}") || strings.HasPrefix(path, "/sidegate/store/") { // which is for a file
			continue
		}
		if strings.HasSuffix(path, "/sessions") {
			path += "?all=true"
		}
		a := o.do(http.MethodHead, path).Want(t, http.StatusOK)
		a.WantHeader(t, "Cache-Control", "no-store")
		if a.Body != "" {
			t.Errorf("HEAD %s is answered with %s", path, a.Body)
		}
	}
}

func TestNoAnswerHoldsACredential(t *testing.T) {
	s, o := start(t, gatewaytest.Site{Options: "store memory\nsecret \"" + gatewaytest.PresentSecret + "\""})
	c := s.WithCookie(t, gatewaytest.Ada)
	token := s.WithToken(t, gatewaytest.Grace).Bearer
	_, secret, _ := strings.Cut(c.Cookie, "=")
	secrets := []string{secret, token, strings.Split(token, ".")[2], gatewaytest.PresentSecret}
	for _, path := range []string{"sessions?all=true", "sessions/" + gatewaytest.IDOf(t, c), "sessions?user=1", "count", "keys", "config", "ready", "live", "nothing"} {
		said := o.do(http.MethodGet, "/sidegate/"+path).Body
		if i := slices.IndexFunc(secrets, func(secret string) bool { return strings.Contains(said, secret) }); i >= 0 {
			t.Errorf("%s tells credential %d: %s", path, i, said)
		}
	}
}
