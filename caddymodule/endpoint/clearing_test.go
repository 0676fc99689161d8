package endpoint_test

import (
	"net/http"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

func TestBrowsersForgetAtASignOutWhatIsConfigured(t *testing.T) {
	for name, c := range map[string]struct{ options, want string }{
		"nothing else by itself":          {"", ""},
		"the storage":                     {"clear_site_data storage", `"storage"`},
		"all there is, in whatever order": {"clear_site_data cookies storage cache", `"cache", "storage", "cookies"`},
		"what stands in lines of its own": {"clear_site_data storage\nclear_site_data cache", `"cache", "storage"`},
	} {
		t.Run(name, func(t *testing.T) {
			s := gatewaytest.Start(t, gatewaytest.Site{Options: c.options})
			for way, signOut := range map[string]func(*gatewaytest.Client) gatewaytest.Answer{
				"by a form": func(p *gatewaytest.Client) gatewaytest.Answer {
					return p.Post("/auth/logout", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin").Want(t, http.StatusSeeOther)
				},
				"by a script": func(p *gatewaytest.Client) gatewaytest.Answer {
					return p.Post("/auth/logout").Want(t, http.StatusNoContent)
				},
				"of this device": func(p *gatewaytest.Client) gatewaytest.Answer {
					return p.Do(http.MethodDelete, "/auth/sessions/"+gatewaytest.IDOf(t, p), "").Want(t, http.StatusNoContent)
				},
				"when that was done before": func(p *gatewaytest.Client) gatewaytest.Answer {
					p.Post("/auth/logout").Want(t, http.StatusNoContent)
					return p.Post("/auth/logout").Want(t, http.StatusNoContent)
				},
			} {
				t.Run(way, func(t *testing.T) {
					signOut(s.WithCookie(t, gatewaytest.Ada).In(t)).WantHeader(t, "Clear-Site-Data", c.want)
				})
			}
			t.Run("and keep it when others are signed out", func(t *testing.T) {
				p := s.WithCookie(t, gatewaytest.Ada)
				p.Do(http.MethodDelete, "/auth/sessions", "").Want(t, http.StatusNoContent).WantHeader(t, "Clear-Site-Data", "")
				p.Post("/auth/logout", "Origin", "https://elsewhere.example").Want(t, http.StatusForbidden).WantHeader(t, "Clear-Site-Data", "")
			})
		})
	}
}
