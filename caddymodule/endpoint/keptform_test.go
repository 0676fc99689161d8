package endpoint_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// tooLate is how a browser sends a form of this site's.
var tooLate = []string{"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin", "Accept", "text/html", "Content-Type", gatewaytest.AsForm}

// lateWith is tooLate with a header in the place of another; empty leaves it out.
func lateWith(name, value string, more ...string) []string {
	var header []string
	for i := 0; i < len(tooLate); i += 2 {
		if tooLate[i] != name {
			header = append(header, tooLate[i], tooLate[i+1])
		}
	}
	if value != "" {
		header = append(header, name, value)
	}
	return append(header, more...)
}

func TestAFormThatComesTooLateIsKept(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: up.Address(), Options: "cors https://partner.example"})
	old := s.WithCookie(t, gatewaytest.Ada).Cookie
	left := s.With(t, old, "")
	left.Post("/auth/logout").Want(t, http.StatusNoContent)
	const body = "note=one%0D%0Atwo&password=hunter2&tag=a&tag=b"
	for _, c := range []struct {
		name, method, path, body string
		header                   []string
		status                   int
		kept                     bool
	}{
		{"of this site, as the browser says", "POST", "/notes?of=7", body, tooLate, 401, true},
		{"of this site, by Origin", "POST", "/notes?of=7", body, lateWith("Sec-Fetch-Site", "", "Origin", s.URL), 401, true},
		{"of this site, by Origin, of an older browser", "POST", "/notes?of=7", body, []string{"Origin", s.URL, "Accept", "text/html", "Content-Type", gatewaytest.AsForm}, 401, true},
		{"in UTF-8, as it says itself", "POST", "/notes?of=7", body, lateWith("Content-Type", gatewaytest.AsForm+"; charset=UTF-8"), 401, true},
		{"of another site", "POST", "/notes?of=7", body, lateWith("Sec-Fetch-Site", "cross-site", "Origin", s.URL), 401, false},
		{"of a site beside", "POST", "/notes?of=7", body, lateWith("Sec-Fetch-Site", "same-site"), 401, false},
		{"of a listed origin", "POST", "/notes?of=7", body, lateWith("Sec-Fetch-Site", "", "Origin", "https://partner.example"), 401, false},
		{"of a sandboxed frame", "POST", "/notes?of=7", body, lateWith("Sec-Fetch-Site", "", "Origin", "null"), 401, false},
		{"of nobody knows whom", "POST", "/notes?of=7", body, lateWith("Sec-Fetch-Site", ""), 401, false},
		{"with files", "POST", "/notes?of=7", body, lateWith("Content-Type", "multipart/form-data; boundary=x"), 401, false},
		{"as plain text", "POST", "/notes?of=7", body, lateWith("Content-Type", "text/plain"), 401, false},
		{"in another charset", "POST", "/notes?of=7", body, lateWith("Content-Type", gatewaytest.AsForm+"; charset=windows-1252"), 401, false},
		{"packed", "POST", "/notes?of=7", body, append([]string{"Content-Encoding", "gzip"}, tooLate...), 401, false},
		{"too large", "POST", "/notes?of=7", "note=" + strings.Repeat("x", 1<<20), tooLate, 401, false},
		{"to an address that is another host's to some", "POST", "//evil.example/notes", body, tooLate, 401, false},
		{"of a script", "POST", "/notes?of=7", body, lateWith("Sec-Fetch-Mode", "cors"), 401, false},
		{"by another method", "PUT", "/notes?of=7", body, tooLate, 303, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := s.Client(t).Do(c.method, c.path, c.body, append([]string{"Cookie", old}, c.header...)...).Want(t, c.status)
			isPage := c.status == http.StatusUnauthorized && !strings.Contains(a.Header.Get("Content-Type"), "json")
			if kept := strings.Contains(a.Body, `name="note" value="one`); kept != c.kept || strings.Contains(a.Body, "hunter2") || strings.Contains(a.Body, "xxxxx") {
				t.Errorf("it is kept: %t\n%.2000s", kept, a.Body)
			}
			if isPage {
				a.WantHeader(t, "WWW-Authenticate", "Bearer")
				if !strings.Contains(a.Body, "Nothing was sent") || !strings.HasPrefix(a.Header.Get("Cache-Control"), "no-store") || a.Header.Get("X-Login-Url") == "" {
					t.Errorf("%v\n%.500s", a.Header, a.Body)
				}
			}
			if c.kept && (!strings.Contains(a.Body, `action="/notes?of=7"`) || !strings.Contains(a.Body, "<li>password</li>") || strings.Count(a.Body, `name="tag"`) != 2) {
				t.Errorf("the form is\n%s", a.Body)
			}
		})
	}
	if n := up.Count(); n > 0 {
		t.Errorf("%d arrived at the app", n)
	}
	s.WithCookie(t, gatewaytest.Ada).Do("POST", "/notes?of=7", body, tooLate...).Want(t, http.StatusOK)
}

// What an operator has said of refusals holds for forms as well.
func TestAFormIsNotKeptWhereNobodyIsLedToTheLoginPage(t *testing.T) {
	for _, auth := range []string{"no_redirect", "handle_errors"} {
		s := gatewaytest.Start(t, gatewaytest.Site{Auth: auth})
		if a := s.Client(t).Do("POST", "/notes", "note=hunter2", tooLate...).Want(t, http.StatusUnauthorized); strings.Contains(a.Body, "hunter2") {
			t.Errorf("%s: it is kept:\n%s", auth, a.Body)
		}
	}
}

// One leads back to the page that the form was on, if that is of this site.
func TestWhoSignsInForAKeptFormComesToThePageOfIt(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	for from, want := range map[string]string{
		s.URL + "/edit?of=7": "/auth/login?return_to=" + "http%3A%2F%2F127.0.0.1", "https://evil.example/x": `"/auth/login"`, "": `"/auth/login"`,
	} {
		a := s.Client(t).Do("POST", "/notes", "note=one", append([]string{"Referer", from}, tooLate...)...).Want(t, http.StatusUnauthorized)
		if !strings.Contains(a.Body, want) {
			t.Errorf("from %q:\n%s", from, a.Body)
		}
	}
}

// A body that does not come, or that a handler before has read, is not half a form.
func TestHalfAFormIsNotKept(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	head := "POST /notes HTTP/1.1\nHost: " + s.Address() + "\nSec-Fetch-Mode: navigate\nSec-Fetch-Site: same-origin\nContent-Type: " + gatewaytest.AsForm + "\n"
	whole := s.Exchange(t, head+"Transfer-Encoding: chunked\n\n5\nnote=\n3\none\n0\n\n")
	if !strings.Contains(whole.Body, `name="note" value="one"`) {
		t.Errorf("one in pieces is not kept:\n%s", whole.Body)
	}
	broken := s.Exchange(t, head+"Transfer-Encoding: chunked\n\n5\nnote=\nzz\n")
	if strings.Contains(broken.Body, "<form") {
		t.Errorf("one that breaks off is kept:\n%s", broken.Body)
	}
}

// stalled is a form of that client's, as a proxy says, of which no more than begun comes.
// It returns when the gateway waits for it: then it asks for the body.
func stalled(t *testing.T, s *gatewaytest.Server, client, begun string) {
	t.Helper()
	conn, err := net.Dial("tcp", s.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	fmt.Fprintf(conn, "POST /notes HTTP/1.1\r\nHost: %s\r\nX-Forwarded-For: %s\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: same-origin\r\nContent-Type: %s\r\n"+
		"Content-Length: 100\r\nExpect: 100-continue\r\n\r\n", s.Address(), client, gatewaytest.AsForm)
	if line, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(line, "100 Continue") {
		t.Fatalf("it is answered %q: %v", line, err)
	}
	fmt.Fprint(conn, begun)
}

// The page is in memory until its client has taken it.
func TestAFormIsHeldUntilItsPageIsTaken(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	body := "note=" + strings.Repeat("%22", 300<<10) // in HTML that is more than the kernel takes for a client
	head := fmt.Sprintf("POST /notes HTTP/1.1\r\nHost: %s\r\nX-Forwarded-For: 203.0.113.1\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: same-origin\r\nContent-Type: %s\r\n"+
		"Content-Length: %d\r\n\r\n", s.Address(), gatewaytest.AsForm, len(body))
	var takers []net.Conn
	for range 8 {
		conn, err := net.Dial("tcp", s.Address())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.(*net.TCPConn).SetReadBuffer(2048)
		fmt.Fprint(conn, head+body)
		takers = append(takers, conn)
	}
	kept := func() bool {
		a := s.Client(t).Do("POST", "/notes", "note=one", append([]string{"X-Forwarded-For", "203.0.113.1"}, tooLate...)...).Want(t, http.StatusUnauthorized)
		return strings.Contains(a.Body, `name="note" value="one"`)
	}
	gatewaytest.Await(t, "they have their share", func() bool { return !kept() })
	for _, conn := range takers {
		conn.Close()
	}
	gatewaytest.Await(t, "their places are there again", kept)
}

// A head costs nothing to who sends it, and a share is no more than that.
func TestFormsThatDoNotComeTakeNobodyElsesPlace(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	kept := func(client string) bool {
		a := s.Client(t).Do("POST", "/notes", "note=one", append([]string{"X-Forwarded-For", client}, tooLate...)...).Want(t, http.StatusUnauthorized)
		return strings.Contains(a.Body, `name="note" value="one"`)
	}
	for range 40 {
		stalled(t, s, "203.0.113.1", "")
	}
	if !kept("203.0.113.1") {
		t.Error("heads take places")
	}
	for range 40 {
		stalled(t, s, "203.0.113.1", "n")
	}
	gatewaytest.Await(t, "they have their share", func() bool { return !kept("203.0.113.1") }, func() string { return "they have not" })
	for _, other := range []string{"203.0.113.2", "2001:db8::1"} {
		if !kept(other) {
			t.Errorf("nothing is left for %s", other)
		}
	}
}
