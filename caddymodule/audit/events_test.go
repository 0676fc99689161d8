package audit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"example.com/sidegate/caddymodule/gatewaytest"
)

func init() { caddy.RegisterModule(ear{}) }

// ear is an event handler as an operator may have one.
type ear struct{}

// CaddyModule returns the Caddy module information.
func (ear) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.ear", New: func() caddy.Module { return ear{} }}
}

// heard is what the ears of this process have heard; does is what they do first.
var heard struct {
	sync.Mutex
	events []caddy.Event
	does   func()
}

func (ear) Handle(_ context.Context, e caddy.Event) error {
	heard.Lock()
	does := heard.does
	heard.Unlock()
	if does != nil {
		does()
	}
	heard.Lock()
	defer heard.Unlock()
	heard.events = append(heard.events, e)
	return nil
}

// listened runs a gateway whose events of sessions are heard by an ear: as the reference
// shows it.
func listened(t *testing.T, does func()) *gatewaytest.Server {
	t.Helper()
	heard.Lock()
	heard.events, heard.does = nil, does
	heard.Unlock()
	var site gatewaytest.Site
	s := site.Prepare(t)
	config, shown := make(map[string]any), make(map[string]any)
	for text, into := range map[string]*map[string]any{string(gatewaytest.Adapt(t, site.Caddyfile(s))): &config, shownBlock(t, "json"): &shown} {
		if err := json.Unmarshal([]byte(text), into); err != nil {
			t.Fatal(err)
		}
	}
	events := shown["apps"].(map[string]any)["events"].(map[string]any)
	events["subscriptions"].([]any)[0].(map[string]any)["handlers"] = []any{map[string]any{"handler": "ear"}} // exec is a plugin
	config["apps"].(map[string]any)["events"] = events
	text, err := json.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(text, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
	return s
}

func awaitHeard(t *testing.T, n int) []caddy.Event {
	t.Helper()
	gatewaytest.Await(t, fmt.Sprintf("%d events are heard", n), func() bool {
		heard.Lock()
		defer heard.Unlock()
		return len(heard.events) >= n
	})
	heard.Lock()
	defer heard.Unlock()
	return heard.events
}

func TestCaddysEventHandlersHearOfSessions(t *testing.T) {
	s := listened(t, nil)
	ada := s.Client(t)
	ada.SignIn(gatewaytest.Ada)
	id := gatewaytest.IDOf(t, ada)
	ada.Post("/auth/logout").Want(t, http.StatusNoContent)
	got := awaitHeard(t, 2)
	created := map[string]any{"user_id": int64(1), "session": id, "login": "users", "client": "127.0.0.1", "by": "person"}
	ended := maps.Clone(created)
	ended["why"], ended["count"] = "here", 1
	for i, want := range []struct {
		name string
		data map[string]any
	}{{"session_created", created}, {"session_ended", ended}} {
		if e := got[i]; e.Name() != want.name || !maps.Equal(e.Data, want.data) {
			t.Errorf("heard is %s %v; want %s %v", e.Name(), e.Data, want.name, want.data)
		}
	}
}

func TestAHandlerThatBlocksOrPanicsKeepsNobodyFromSigningIn(t *testing.T) {
	for name, does := range map[string]func(release chan struct{}){
		"that blocks": func(release chan struct{}) { <-release },
		"that panics": func(chan struct{}) { panic("a handler") },
	} {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			s := listened(t, func() { does(release) })
			defer close(release)
			for range 3 {
				ada := s.Client(t)
				ada.SignIn(gatewaytest.Ada)
				ada.Get("/app").Want(t, http.StatusOK)
				ada.Post("/auth/logout").Want(t, http.StatusNoContent)
			}
		})
	}
}
