package endpoint

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/origin"
)

func TestForHowLongASignInIsFresh(t *testing.T) {
	now := time.Now()
	clock := func() time.Time { return now }
	seal, err := oidc.NewAttemptSealer([][]byte{[]byte(strings.Repeat("k", 32))}, clock)
	if err != nil {
		t.Fatal(err)
	}
	f := fresh{Cookie{Name: "sidegate"}, &origin.Sites{Public: origin.Origin{Scheme: "https", Host: "app.example.com"}}, seal, clock}
	read := func(cookie string) (said, second bool) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Cookie", cookie)
		return f.read(caddyhttp.PrepareRequest(r, caddy.NewReplacer(), httptest.NewRecorder(), nil))
	}
	for _, second := range []bool{false, true} {
		w := httptest.NewRecorder()
		f.set(w, httptest.NewRequest(http.MethodGet, "/", nil), second, time.Hour)
		set := w.Result().Cookies()[0]
		if set.Name != "__Host-Http-sidegate-attempt-succeeded" || set.MaxAge != 30 || !set.HttpOnly || !set.Secure || set.Domain != "" || set.SameSite != http.SameSiteLaxMode {
			t.Errorf("the cookie is %v", set)
		}
		pair := set.Name + "=" + set.Value
		if said, again := read(pair); !said || again != second {
			t.Errorf("second: %v; it says %v, %v", second, said, again)
		}
		if said, _ := read(pair + "A"); said {
			t.Error("anybody can make it up")
		}
		now = now.Add(freshLife)
		if said, _ := read(pair); said {
			t.Error("it counts half a minute later")
		}
	}
	t.Run("and no attempt's state is one", func(t *testing.T) {
		if said, _ := read("__Host-Http-sidegate-attempt-succeeded" + "=" + seal.State("sso", oidc.Told{Again: true})); said {
			t.Error("one is")
		}
	})
}
