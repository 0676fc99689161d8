package endpoint

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/login/adopt"
)

// It is not known for which domain the other gateway has set its cookie, and one that
// stays signs somebody in again at what is left of that gateway.
func TestTheCookiesOfAnotherGatewayAreExpired(t *testing.T) {
	names, err := adopt.NewNames("_oauth2_proxy")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, host, domain, sent string
		want                     []string // "<name> <domain>"
	}{
		{"for the host and those above it", "app.eu.example.com", "", "_oauth2_proxy=x", []string{
			"_oauth2_proxy ", "_oauth2_proxy app.eu.example.com", "_oauth2_proxy eu.example.com", "_oauth2_proxy example.com"}},
		{"for the domain of ours", "app.example.com", "apps.example.com", "_oauth2_proxy=x", []string{
			"_oauth2_proxy ", "_oauth2_proxy apps.example.com", "_oauth2_proxy app.example.com", "_oauth2_proxy example.com"}},
		{"at an address, which has no domains", "192.0.2.1", "", "_oauth2_proxy=x", []string{"_oauth2_proxy "}},
		{"its parts", "localhost", "", "_oauth2_proxy_0=x; _oauth2_proxy_1=y; _oauth2_proxy_1=z", []string{"_oauth2_proxy_0 ", "_oauth2_proxy_1 "}},
		{"and no others", "localhost", "", "theme=dark; _oauth2_proxy_csrf=x", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, w := httptest.NewRequest("POST", "/auth/logout", nil), httptest.NewRecorder()
			r.Header.Set("Cookie", c.sent)
			(&Cookie{Name: "sidegate", Domain: c.domain, Old: names}).ExpireOld(w, r, c.host)
			var got []string
			for _, set := range w.Result().Cookies() {
				got = append(got, set.Name+" "+set.Domain)
				if set.MaxAge >= 0 || !set.Secure || set.Path != "/" || set.Value != "" {
					t.Errorf("it is set as %v", set)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("expired are %q", got)
			}
		})
	}
	t.Run("in an answer that is not too long", func(t *testing.T) {
		r, w := httptest.NewRequest("POST", "/auth/logout", nil), httptest.NewRecorder()
		r.Header.Set("Cookie", "_oauth2_proxy_0=x; _oauth2_proxy_1=x; _oauth2_proxy_2=x; _oauth2_proxy_3=x; _oauth2_proxy_4=x; _oauth2_proxy_5=x; _oauth2_proxy_6=x")
		(&Cookie{Name: "sidegate", Old: names}).ExpireOld(w, r, strings.Repeat("a.", 20)+"example.com")
		if n := len(w.Result().Cookies()); n != maxOldNames*maxOldDomains {
			t.Errorf("%d lines", n)
		}
	})
}
