package caller_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/caller"
)

// what an app says of caches, and what stands in the answer.
var keepings = []struct {
	name       string
	keeping    caller.Keeping
	navigation bool
	app        string // headers
	cache      string
	varies     bool
}{
	{"a page that nothing is said of is asked for again", caller.KeepApart, true, "", "private, no-cache", false},
	{"all else stays in the browser", caller.KeepApart, false, "", "private", false},
	{"a date and a tag say nothing of it", caller.KeepApart, false, "Last-Modified: Mon, 02 Mar 2026 09:00:00 GMT\nEtag: \"1\"", "private", false},
	{"a page of an open route that is told who asks is theirs", caller.KeepPrivate, true, "", "private, no-cache", false},
	{"what anybody may see is as the app says", caller.KeepAsSaid, true, "", "", false},
	{"the app's word counts", caller.KeepApart, true, "Cache-Control: no-store", "no-store", false},
	{"and so does its word to browsers alone", caller.KeepApart, false, "Cache-Control: max-age=60, Private", "max-age=60, Private", false},
	{"what shared caches may keep is each caller's", caller.KeepApart, false, "Cache-Control: public, max-age=60", "public, max-age=60", true},
	{"also by Expires", caller.KeepApart, false, "Expires: Mon, 02 Mar 2026 09:00:00 GMT", "", true},
	{"also by Pragma, which is no word to caches of today", caller.KeepApart, false, "Pragma: no-cache", "", true},
	{"private fields are no private answer", caller.KeepApart, false, `Cache-Control: private="set-cookie", max-age=60`, `private="set-cookie", max-age=60`, true},
	{"a word that begins so is another", caller.KeepApart, false, "Cache-Control: no-store-x", "no-store-x", true},
	{"what varies by all need not vary by more", caller.KeepApart, false, "Cache-Control: public\nVary: *", "public", false},
	{"what everybody sees is left to shared caches", caller.KeepPrivate, false, "Cache-Control: public, max-age=60", "public, max-age=60", false},
}

func TestWhatAnAppSaysNothingOfIsKeptByNoSharedCache(t *testing.T) {
	for _, c := range keepings {
		t.Run(c.name, func(t *testing.T) {
			under := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodGet, "/app", nil)
			if c.navigation {
				r.Header.Set("Sec-Fetch-Mode", "navigate")
			}
			r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), under, nil)
			v := caller.Remember(r)
			v.KeepAnswer(r, c.keeping)
			v.KeepAnswer(r, caller.KeepAsSaid) // another handler opens nothing
			w, _ := v.Guard(under, new(caller.Credentials))
			w.Header().Add("Vary", "Accept-Encoding")
			for line := range strings.Lines(c.app) {
				name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
				w.Header().Add(name, value)
			}
			_, _ = w.Write([]byte("x"))
			got := under.Result().Header
			if cache := got.Get("Cache-Control"); cache != c.cache {
				t.Errorf("Cache-Control: %q, want %q", cache, c.cache)
			}
			vary := strings.Join(got.Values("Vary"), ", ")
			if varies := strings.Contains(vary, "Cookie"); varies != c.varies || !strings.Contains(vary, "Accept-Encoding") {
				t.Errorf("Vary: %q", vary)
			}
		})
	}
}
