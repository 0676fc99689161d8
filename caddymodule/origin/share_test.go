package origin_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"example.com/sidegate/caddymodule/origin"
)

func TestPagesOfListedOriginsReadAnswers(t *testing.T) {
	listed := &origin.Check{Public: parse(t, "https://a.example"), Listed: []origin.Origin{parse(t, "https://partner.example"), parse(t, "http://localhost:5173")}}
	for _, c := range []struct {
		name     string
		check    *origin.Check
		origins  []string
		readable bool
		vary     []string
		shared   string // with whom
		want     string // Vary
	}{
		{"a listed one", listed, []string{"https://partner.example"}, true, nil, "https://partner.example", "Origin"},
		{"another listed one, with a port", listed, []string{"http://localhost:5173"}, true, []string{"Cookie"}, "http://localhost:5173", "Cookie, Origin"},
		{"one of another port", listed, []string{"http://localhost:5174"}, true, []string{"Cookie"}, "", "Cookie, Origin"},
		{"one of another scheme", listed, []string{"http://partner.example"}, true, nil, "", "Origin"},
		{"a host below", listed, []string{"https://x.partner.example"}, true, nil, "", "Origin"},
		{"one that begins alike", listed, []string{"https://partner.example.evil.example"}, true, nil, "", "Origin"},
		{"one that browsers write otherwise", listed, []string{"https://partner.example:443"}, true, nil, "", "Origin"},
		{"one with a path", listed, []string{"https://partner.example/"}, true, nil, "", "Origin"},
		{"a sandboxed frame's", listed, []string{"null"}, true, nil, "", "Origin"},
		{"none", listed, nil, true, []string{"Cookie", "Accept"}, "", "Cookie, Accept, Origin"},
		{"two", listed, []string{"https://partner.example", "https://partner.example"}, true, nil, "", "Origin"},
		{"the site's own, which needs no word", listed, []string{"https://a.example"}, true, nil, "", "Origin"},
		{"a listed one, of what nobody else reads", listed, []string{"https://partner.example"}, false, nil, "", "Origin"},
		{"where none is listed", new(origin.Check), []string{"https://partner.example"}, true, []string{"Cookie"}, "", "Cookie"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := request("a.example")
			r.Header["Origin"] = c.origins
			w := httptest.NewRecorder()
			shares := c.check.Share(w, r, c.readable)
			w.Header()["Vary"] = c.vary
			shares.WriteHeader(http.StatusNotModified)
			h := w.Result().Header
			if got := h.Get("Access-Control-Allow-Origin"); got != c.shared || h.Get("Vary") != c.want || len(h["Vary"]) > 1 {
				t.Errorf("it is shared with %q, and varies on %q", got, h["Vary"])
			}
			if with := h.Get("Access-Control-Allow-Credentials"); (with == "true") != (c.shared != "") {
				t.Errorf("credentials: %q", with)
			}
		})
	}
}

func TestAnAnswerWithoutAStatusIsSharedAsWell(t *testing.T) {
	check := &origin.Check{Listed: []origin.Origin{parse(t, "https://partner.example")}}
	hints := httptest.NewRecorder()
	check.Share(hints, request("a.example"), true).WriteHeader(http.StatusEarlyHints)
	if hints.Header().Get("Vary") != "" {
		t.Error("what comes before the answer says what it hangs on")
	}
	w := httptest.NewRecorder()
	shares := check.Share(w, request("a.example", "Origin", "https://partner.example"), true)
	if _, err := shares.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if got := w.Result().Header.Get("Access-Control-Allow-Origin"); got != "https://partner.example" {
		t.Errorf("it is shared with %q", got)
	}
	if err := http.NewResponseController(shares).Flush(); err != nil {
		t.Errorf("what flushes does not reach the response: %v", err)
	}
}

func TestWhatAPreflightIs(t *testing.T) {
	check := &origin.Check{Listed: []origin.Origin{parse(t, "https://partner.example")}}
	ask := []string{"Origin", "https://partner.example", "Access-Control-Request-Method", "PUT"}
	for _, c := range []struct {
		name   string
		method string
		header []string
		is     bool
		passes bool
	}{
		{"one of a listed origin", http.MethodOptions, ask, true, true},
		{"one of another", http.MethodOptions, []string{"Origin", "https://evil.example", "Access-Control-Request-Method", "PUT"}, true, false},
		{"one of a sandboxed frame", http.MethodOptions, []string{"Origin", "null", "Access-Control-Request-Method", "PUT"}, true, false},
		{"another method", http.MethodGet, ask, false, false},
		{"without Origin", http.MethodOptions, ask[2:], false, false},
		{"without a method that is asked for", http.MethodOptions, ask[:2], false, false},
		{"with two", http.MethodOptions, append([]string{"Access-Control-Request-Method", "GET"}, ask...), false, false},
		{"with an upgrade", http.MethodOptions, append([]string{"Upgrade", "websocket"}, ask...), false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := request("a.example", c.header...)
			r.Method = c.method
			w := httptest.NewRecorder()
			if is, passes := origin.IsPreflight(r), check.Preflight(check.Share(w, r, true), r, "GET, PUT"); is != c.is || passes != c.passes {
				t.Errorf("is one %t, is answered %t", is, passes)
			}
			if got := w.Header().Get("Access-Control-Allow-Methods"); (got == "GET, PUT") != c.passes {
				t.Errorf("methods: %q", got)
			}
		})
	}
	r := request("a.example", ask...)
	r.Method, r.ContentLength = http.MethodOptions, 3
	if origin.IsPreflight(r) {
		t.Error("one with a body is one")
	}
}

func TestWhatIsKnownToBeOfThisVerySite(t *testing.T) {
	public := &origin.Check{Public: parse(t, "https://www.example"), Listed: []origin.Origin{parse(t, "https://partner.example")}}
	for _, c := range []struct {
		name string
		r    *http.Request
		is   bool
	}{
		{"the browser says so", request("a.example", "Sec-Fetch-Site", "same-origin"), true},
		{"it says so, whatever Origin says", request("a.example", "Sec-Fetch-Site", "same-origin", "Origin", "null"), true},
		{"it says that it is a site beside", request("a.example", "Sec-Fetch-Site", "same-site", "Origin", "http://a.example"), false},
		{"it says that it is another", request("a.example", "Sec-Fetch-Site", "cross-site", "Origin", "http://a.example"), false},
		{"it says that nobody's page is it", request("a.example", "Sec-Fetch-Site", "none"), false},
		{"it says two things", request("a.example", "Sec-Fetch-Site", "same-origin", "Sec-Fetch-Site", "cross-site"), false},
		{"Origin says so", request("a.example", "Origin", "http://a.example"), true},
		{"Origin is public_url", request("a.example", "Origin", "https://www.example"), true},
		{"Origin is a listed one", request("a.example", "Origin", "https://partner.example"), false},
		{"Origin is another", request("a.example", "Origin", "http://b.example"), false},
		{"Origin is null", request("a.example", "Origin", "null"), false},
		{"nothing says so", request("a.example"), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := public.SameOrigin(c.r); got != c.is {
				t.Errorf("it is: %t", got)
			}
		})
	}
}
