package adminapi

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sidegate/sessionstore"
)

// TestASessionThatIsKeptForLateActivityIsNotShownAndEndsForGood: nobody sees what has
// ended idle, and an end of all takes it along.
func TestASessionThatIsKeptForLateActivityIsNotShownAndEndsForGood(t *testing.T) {
	for name, end := range map[string]struct {
		path string // {id} is its id
		code int
	}{
		"all":              {"sessions?all=true", http.StatusOK},
		"those of a login": {"sessions?login=users", http.StatusOK},
		"it alone":         {"sessions/{id}", http.StatusNotFound},
		"it of its person": {"sessions/{id}?user=1", http.StatusNotFound},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newShelf()
				a := newAsking(t, s, time.Now)
				now := time.Now()
				kept := &sessionstore.Session{
					Key: sessionstore.NewSecret(1).Key(), User: sessionstore.UserSession{ID: 1, Email: "ada@example.com"}, Method: "users",
					CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(24 * time.Hour), IdleTimeout: time.Hour,
				}
				if _, err := s.Create(t.Context(), kept, sessionstore.Limit{}); err != nil {
					t.Fatal(err)
				}
				<-time.After(50 * time.Minute)
				seen := time.Now()
				<-time.After(11 * time.Minute)
				for _, query := range []string{"all=true", "user=1", "login=users"} {
					if got, _ := a.all(query); len(got) != 0 {
						t.Errorf("%s lists %v", query, ids(got))
					}
				}
				id := kept.Key.ID()
				for _, path := range []string{"sessions/" + id, "sessions/" + id + "?user=1"} {
					if code, body := a.ask(t.Context(), http.MethodGet, prefix+path); code != http.StatusNotFound {
						t.Errorf("%s: %d %s", path, code, body)
					}
				}
				code, body := a.ask(t.Context(), http.MethodDelete, prefix+strings.ReplaceAll(end.path, "{id}", id))
				if code != end.code || code == http.StatusOK && body != "{\"ended\":0}\n" {
					t.Errorf("its end is answered with %d %s", code, body)
				}
				if err := s.Touch(t.Context(), kept, seen); !errors.Is(err, sessionstore.ErrNotFound) {
					t.Errorf("late activity is answered with %v", err)
				}
				<-time.After(keptFor)
			})
		})
	}
}
