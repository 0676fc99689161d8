package attacks_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore"
)

// ask sends a request past the sockets.
func ask(h http.Handler, s *gatewaytest.Server, method, path, body string, header http.Header) *httptest.ResponseRecorder {
	req := httptest.NewRequest(method, s.URL+path, strings.NewReader(body))
	req.Header = header
	w := httptest.NewRecorder()
	h.ServeHTTP(w, req)
	return w
}

// issuedTo is a person's session and what it may be asked for with.
type issuedTo struct{ cookie, token string }

func issue(t testing.TB, s *gatewaytest.Server) (live, dead issuedTo) {
	t.Helper()
	for _, to := range []*issuedTo{&live, &dead} {
		c := s.Client(t)
		to.token = c.SignIn(gatewaytest.Ada).Token
		to.cookie = c.Cookie
	}
	c := s.Client(t)
	c.Cookie = dead.cookie
	c.Post("/auth/logout").Want(t, http.StatusNoContent)
	return live, dead
}

// FuzzSessionCookie sends any Cookie header. Only the very secret that was
// issued is let in, alone or beside others, and whatever is sent is answered in order.
func FuzzSessionCookie(f *testing.F) {
	s, h := gatewaytest.InProcess(f, gatewaytest.Site{Routes: "session_endpoints\nsession_auth\nrespond {http.request.header.X-Session-Email}"})
	live, dead := issue(f, s)
	_, secret, _ := strings.Cut(live.cookie, "=")
	// LIVE stands for the secret, which is another in every process.
	for _, seed := range []string{"sidegate=LIVE", "a=b; sidegate=LIVE; c=d", dead.cookie, "sidegate=", "sidegate", "sidegate=\"LIVE\"",
		"sidegate=LIVE; sidegate=LIVE", "sidegate=x; sidegate=LIVE", "sidegate=" + strings.Repeat("A", 46) + "; sidegate=LIVE", "SIDEGATE=LIVE", "sidegate=LIVE=", "sidegate=LIVEA", "sidegate=\x00", "sidegate=%4c", ";;;=", "sidegate=LIVE,x",
		"sidegate =LIVE", "sidegate=LIVE\r\nX-Session-Email: forged", "\xff=\xfe", "sidegate=" + strings.Repeat("A", 46)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		line = strings.ReplaceAll(line, "LIVE", secret)
		for _, path := range []string{"/auth/session", "/app"} {
			w := ask(h, s, http.MethodGet, path, "", http.Header{"Cookie": {line}, "X-Session-Email": {"forged"}})
			wantAnswered(t, w, holds(line, "sidegate", secret))
		}
	})
}

// holds reads a Cookie header as RFC 6265 section 4.2.1 has it, and reports
// whether it has a cookie of that name with that value, and so few others that
// may be of a session that it is looked at.
func holds(line, name, value string) bool {
	secrets := make(map[sessionstore.Secret]bool)
	found := false
	for _, pair := range strings.Split(line, ";") {
		n, v, _ := strings.Cut(pair, "=")
		if strings.Trim(n, " \t\r\n") != name {
			continue
		}
		v = strings.Trim(v, " \t\r\n")
		if v == `"`+value+`"` {
			v = value
		}
		found = found || v == value
		if secret, err := sessionstore.ParseSecret(v); err == nil {
			secrets[secret] = true
		}
	}
	return found && len(secrets) <= 4
}

func wantAnswered(t *testing.T, w *httptest.ResponseRecorder, entitled bool) {
	t.Helper()
	body, err := io.ReadAll(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	switch {
	case w.Code >= 500:
		t.Fatalf("answered %d: %s", w.Code, body)
	case entitled && (w.Code != http.StatusOK || !strings.Contains(string(body), gatewaytest.Ada)):
		t.Fatalf("a good credential was answered %d: %s", w.Code, body)
	case !entitled && w.Code != http.StatusUnauthorized:
		t.Fatalf("let in: answered %d: %s", w.Code, body)
	}
}

// FuzzBearer sends any Authorization header. Only the very tokens that were
// issued are let in.
func FuzzBearer(f *testing.F) {
	s, h := gatewaytest.InProcess(f, gatewaytest.Site{Routes: "session_endpoints\nsession_auth\nrespond {http.request.header.X-Session-Email}"})
	live, dead := issue(f, s)
	for _, seed := range []string{"Bearer LIVE", "bearer LIVE", "Bearer  LIVE", "Bearer\tLIVE", "BearerLIVE", "Bearer LIVE ", "Bearer LIVE LIVE", "Bearer LIVE.",
		"Bearer " + dead.token, "Bearer", "Bearer ", "Basic LIVE", "Bearer ..", "Bearer eyJhbGciOiJub25lIn0.e30.", "Bearer \x00", "Bearer LIVE\r\nCookie: x", "Bearer LIVE=",
		"Digest Bearer LIVE", "Bearer " + strings.Repeat("A.", 5000)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, line string) {
		line = strings.ReplaceAll(line, "LIVE", live.token)
		scheme, token, _ := strings.Cut(strings.ReplaceAll(line, "\t", " "), " ")
		entitled := strings.EqualFold(scheme, "Bearer") && strings.TrimLeft(token, " ") == live.token
		for _, path := range []string{"/auth/session", "/app"} {
			w := ask(h, s, http.MethodGet, path, "", http.Header{"Authorization": {line}, "X-Session-Email": {"forged"}})
			wantAnswered(t, w, entitled)
		}
	})
}

// FuzzReturnTo signs out by a form with any return_to, and reads the Location
// as a browser does.
func FuzzReturnTo(f *testing.F) {
	s, h := gatewaytest.InProcess(f, gatewaytest.Site{Options: "return_to https://docs.example.com"})
	for _, seed := range []string{"/", "/app?a=b#c", "https://docs.example.com/x", "http://OWN/app", "//evil.example", `/\evil.example`, `\\evil.example`, "/%09/evil.example",
		"/\t/evil.example", "\t//evil.example", "///evil.example", "http:/\\evil.example", "http:evil.example", "https:evil.example", "https:///evil.example", "https://docs.example.com@evil.example",
		"https://docs.example.com.evil.example", "https://docs.example.com\\@evil.example", "https://evil.example\\.docs.example.com", "javascript:alert(1)", "JavaScript://docs.example.com/%0aalert(1)", "data:text/html,x",
		"/\r\nLocation: https://evil.example", "/%0d%0aSet-Cookie:%20a=b", "/\x00", "/\u2028", "/.//evil.example", "/..//evil.example", "/%2e%2e//evil.example", "/a/..//evil.example",
		"https://docs.example.com:443/", "https://docs.example.com:8443/", "https://ｄocs.example.com/", "https://docs.example.com%2eevil.example/", "/auth/logout", "/AUTH/logout", "app", "?x", "#x", "", "https:\\\\docs.example.com", "//OWN/x", "/;@evil.example", " /app", "/app "} {
		f.Add(seed)
	}
	own := strings.TrimPrefix(s.URL, "http://")
	f.Fuzz(func(t *testing.T, target string) {
		target = strings.ReplaceAll(target, "OWN", own)
		form := "return_to=" + percentEncoded(target)
		w := ask(h, s, http.MethodPost, "/auth/logout", form, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
		if w.Code != http.StatusSeeOther {
			t.Fatalf("answered %d: %s", w.Code, w.Body)
		}
		location := w.Header()["Location"]
		if len(location) != 1 || strings.ContainsFunc(location[0], func(c rune) bool { return c < ' ' || c == 0x7f }) {
			t.Fatalf("Location is %q", location)
		}
		if got := browserOrigin(location[0], s.URL); got != s.URL && got != "https://docs.example.com" {
			t.Fatalf("return_to %q leads to %q, of origin %q", target, location[0], got)
		}
	})
}

func percentEncoded(text string) string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		b.WriteString("%" + string(hex[text[i]>>4]) + string(hex[text[i]&15]))
	}
	return b.String()
}

// browserOrigin resolves a reference as browsers do (the WHATWG URL standard,
// section 4.4), as far as the origin goes; base is an http origin. What is of
// no http origin comes back as "opaque", and a host in any other spelling than
// plain lower case as it stands: neither equals an origin that is allowed.
func browserOrigin(reference, base string) string {
	reference = strings.Trim(reference, controlsAndSpace)
	reference = strings.NewReplacer("\t", "", "\r", "", "\n", "").Replace(reference)
	slashed := strings.ReplaceAll(reference, `\`, "/")
	scheme, rest, absolute := cutScheme(slashed)
	switch {
	case absolute && scheme != "http" && scheme != "https":
		return "opaque"
	case absolute && scheme == "http" && !strings.HasPrefix(rest, "//"):
		return base // relative in spite of its scheme
	case !absolute && !strings.HasPrefix(slashed, "//"):
		return base
	case !absolute:
		scheme, rest = "http", slashed
	}
	authority, _, _ := strings.Cut(strings.TrimLeft(rest, "/"), "/")
	authority, _, _ = strings.Cut(authority, "?")
	authority, _, _ = strings.Cut(authority, "#")
	host := strings.ToLower(authority[strings.LastIndexByte(authority, '@')+1:])
	return scheme + "://" + strings.TrimSuffix(host, map[string]string{"http": ":80", "https": ":443"}[scheme])
}

const controlsAndSpace = "\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\v\f\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f "

func cutScheme(text string) (scheme, rest string, ok bool) {
	scheme, rest, ok = strings.Cut(text, ":")
	if !ok || scheme == "" || !isLetter(scheme[0]) || strings.ContainsFunc(scheme, func(c rune) bool {
		return c > 0x7f || !isLetter(byte(c)) && (c < '0' || c > '9') && !strings.ContainsRune("+-.", c)
	}) {
		return "", text, false
	}
	return strings.ToLower(scheme), rest, true
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// The parser of the test is tested, for one that finds nothing proves nothing.
func TestTheBrowsersReadingOfAURL(t *testing.T) {
	const base = "http://app.example.com"
	for reference, want := range map[string]string{
		"/a":                           base,
		"a:b":                          "opaque",
		"//evil.example/a":             "http://evil.example",
		`/\evil.example`:               "http://evil.example",
		"/\t/evil.example":             "http://evil.example",
		"\x01 //evil.example":          "http://evil.example",
		"https:evil.example":           "https://evil.example",
		"http:evil.example":            base,
		"http:/evil.example":           base,
		"https:////evil.example":       "https://evil.example",
		"https://a@evil.example?b":     "https://evil.example",
		`https://evil.example\@a`:      "https://evil.example",
		"HTTPS://Evil.Example:443#a":   "https://evil.example",
		"https://evil.example:8443/":   "https://evil.example:8443",
		"java\nscript:alert(1)":        "opaque",
		"/a://evil.example":            base,
		"?a=//evil.example":            base,
		"1http://evil.example":         base,
		"http://app.example.com:80/a":  base,
		"https://app.example.com:80/a": "https://app.example.com:80",
	} {
		t.Run(reference, func(t *testing.T) {
			if got := browserOrigin(reference, base); got != want {
				t.Errorf("read as %q, want %q", got, want)
			}
		})
	}
}
