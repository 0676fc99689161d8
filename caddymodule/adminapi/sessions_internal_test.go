package adminapi

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
)

// What an operator tried is told, as it is where they name a person.
func TestAnEndByIDThatTheStoreInterruptsIsTold(t *testing.T) {
	s := newShelf()
	a := newAsking(t, s, time.Now)
	id := s.add(t, 2, "grace@example.com", "users", time.Now()).Key.ID()
	s.away.Store(true)
	for query, userID := range map[string]int64{"": 0, "?user=2": 2} {
		a.heard.events = nil
		if code, body := a.ask(t.Context(), http.MethodDelete, "/sidegate/sessions/"+id+query); code != http.StatusServiceUnavailable {
			t.Errorf("%s: %d %s", query, code, body)
		}
		told := a.heard.events
		if len(told) != 1 || told[0].Kind != lifecycle.EndedByOperator || told[0].Name != "id="+id || told[0].UserID != userID || told[0].Count != 0 ||
			!errors.Is(told[0].Err, errAway) || !strings.HasPrefix(told[0].Result, "local ") {
			t.Errorf("%s: told is %+v", query, told)
		}
		a.heard.events = nil
		a.ask(t.Context(), http.MethodGet, "/sidegate/sessions/"+id+query)
		if len(a.heard.events) != 0 {
			t.Errorf("%s: of who looks is told %+v", query, a.heard.events)
		}
	}
	s.away.Store(false)
	if code, _ := a.ask(t.Context(), http.MethodDelete, "/sidegate/sessions/AAAAAAAAAAAAAAAA"); code != http.StatusNotFound || len(a.heard.events) != 0 {
		t.Errorf("of one that there is not: %d, and told is %+v", code, a.heard.events)
	}
}
