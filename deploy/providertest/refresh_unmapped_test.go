package providertest

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore"
)

// A provider that sends another type, or leaves a claim out, has not passed by
// and come back: what it said before of roles is no longer vouched for.
func TestWhatAMappingNoLongerSaysIsGoneAtOnce(t *testing.T) {
	t.Parallel()
	for expression, claims := range map[string]map[string]any{
		"token.?groups.orValue([])": {"a text with commas": "users,admins", "a number": 7, "a list of objects": []any{map[string]any{"name": "admins"}}},
		"token.groups":              {"left out": nil, "a number": 7, "an object": map[string]any{"a": "b"}},
	} {
		for name, claim := range claims {
			t.Run(expression+", "+name, func(t *testing.T) {
				t.Parallel()
				w := startPair(t, everySecond, mapping("id", "token.uid", "roles", expression))
				b := w.signIn()
				b.awaitRole("first", w.gateways...)
				w.grant("", "groups", claim)
				for _, g := range w.gateways {
					gatewaytest.Await(t, "no role is left at "+g.URL, func() bool {
						status, roles := b.page(g)
						if status != http.StatusOK {
							t.Fatalf("somebody was signed out by a provider's slip: %d", status)
						}
						return roles == ""
					})
				}
				w.wantTold(claim)
				w.grant("second")
				b.awaitRole("second", w.gateways...)
				w.wantNoReuse()
			})
		}
	}
}

// wantTold demands that the log of a gateway names the login, the field and the
// person, and nothing of the claim.
func (w *pair) wantTold(claim any) {
	w.t.Helper()
	const what = "cannot be mapped: their session goes on without roles and permissions"
	gatewaytest.Await(w.t, "the log tells of it", func() bool {
		return strings.Contains(w.log(), what)
	})
	for line := range strings.Lines(w.log()) {
		if !strings.Contains(line, what) {
			continue
		}
		var told struct {
			Login string `json:"login"`
			User  int64  `json:"user_id"`
			Error string `json:"error"`
		}
		if err := json.Unmarshal([]byte(line), &told); err != nil {
			w.t.Fatal(err)
		}
		if told.Login != "sso" || told.User != adaNumber || !strings.Contains(told.Error, "map roles") {
			w.t.Errorf("it tells of %+v", told)
		}
		if text, ok := claim.(string); ok && strings.Contains(line, text) {
			w.t.Errorf("it tells what the claim says: %s", line)
		}
	}
}

// log is what both gateways have said.
func (w *pair) log() string { return w.gateways[0].Log.String() + w.gateways[1].Log.String() }

func TestARefreshSaysWhatItWas(t *testing.T) {
	t.Parallel()
	w := startPair(t, "", mapping("id", "token.uid", "roles", "token.groups"))
	b, g := w.signIn(), w.gateways[0]
	refresh := func() (status int, code string) {
		status, _, body := b.must(http.MethodPost, g.URL+"/auth/refresh", "")
		var e struct{ Error, Message string }
		if err := json.Unmarshal(body, &e); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(e.Message, "cannot be looked up") {
			t.Errorf("sessions can be looked up: %s", e.Message)
		}
		return status, e.Error
	}
	w.grant("", "groups", 7)
	if status, code := refresh(); status != http.StatusBadGateway || code != "source_unreadable" {
		t.Errorf("of what cannot be mapped: %d %s", status, code)
	}
	var s sessionstore.UserSession
	if _, _, s = b.session(g); len(s.FlatRolesList) != 0 {
		t.Errorf("the roles are %v", s.FlatRolesList)
	}
	w.provider.Down()
	if status, code := refresh(); status != http.StatusServiceUnavailable || code != "source_unavailable" {
		t.Errorf("of a provider that is down: %d %s", status, code)
	}
	if err := w.provider.Up(); err != nil {
		t.Fatal(err)
	}
	w.grant("second")
	gatewaytest.Await(t, "a refresh succeeds", func() bool { status, _ := refresh(); return status == http.StatusOK })
	b.awaitRole("second", g)
}

func TestWhoLostTheirRolesIsToldSo(t *testing.T) {
	t.Parallel()
	w := startPair(t, "", mapping("id", "token.uid", "roles", "token.groups"))
	b, g := w.signIn(), w.gateways[0]
	w.grant("", "groups", 7)
	b.must(http.MethodPost, g.URL+"/auth/refresh", "")
	status, _, page := b.must(http.MethodGet, g.URL+onlyFirst, "", "Accept", "text/html", "Sec-Fetch-Mode", "navigate")
	if status != http.StatusForbidden || !strings.Contains(string(page), "cannot be read, so none of them hold") {
		t.Errorf("%d %s", status, page)
	}
}
