package adminapi

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
)

// noRight is what a store says that has answered.
type noRight struct{ remedy string }

func (noRight) Error() string { return "looking for names: NOPERM" }

func (n noRight) Refused() (what, remedy string, ok bool) { return n.Error(), n.remedy, true }

// refusing is a store that answers everything so.
type refusing struct {
	*shelf
	err error
}

func (s refusing) WalkAll(context.Context, func([]sessionstore.Found) error) error { return s.err }

func (s refusing) WalkUser(context.Context, int64, func([]sessionstore.Found) error) error {
	return s.err
}

func (s refusing) FindID(context.Context, string) (sessionstore.Found, bool, error) {
	return sessionstore.Found{}, false, s.err
}

func (s refusing) Count(context.Context) (int, error) { return 0, s.err }

// Who has to give the store a right waits in vain for it to answer.
func TestWhereTheStoreRefusesTheRemedyComesFirst(t *testing.T) {
	for remedy, begins := range map[string]string{"ACL SETUSER <user> +scan": "ACL SETUSER <user> +scan (", "": "See what the session store's own log says ("} {
		err := fmt.Errorf("a walk: %w", noRight{remedy})
		a := newAsking(t, refusing{newShelf(), err}, time.Now)
		a.desk.Ready = func(context.Context) error { return err }
		for _, asked := range []string{
			"GET sessions?user=1", "GET sessions?all=true", "GET sessions?email=ada@example.com", "GET sessions?login=users", "GET sessions/AAAAAAAAAAAAAAAA",
			"GET sessions/AAAAAAAAAAAAAAAA?user=1", "DELETE sessions?user=1", "DELETE sessions?all=true", "DELETE sessions?login=users", "DELETE sessions/AAAAAAAAAAAAAAAA",
			"DELETE sessions/AAAAAAAAAAAAAAAA?user=1", "GET count", "GET ready",
		} {
			method, path, _ := strings.Cut(asked, " ")
			code, body := a.ask(t.Context(), method, "/sidegate/"+path)
			if code != http.StatusServiceUnavailable || !strings.HasPrefix(body, begins) || !strings.Contains(body, "NOPERM") {
				t.Errorf("%s: %d %s", asked, code, body)
			}
			if strings.Contains(body, "no answer") || strings.Contains(body, "nothing can be told") || strings.Contains(body, "answers 200") {
				t.Errorf("%s: a store that has answered is said not to have: %s", asked, body)
			}
			if strings.HasPrefix(path, "sessions?") && method == http.MethodDelete && !strings.Contains(body, "none of the sessions has ended") {
				t.Errorf("%s: %s", asked, body)
			}
		}
	}
}

// A store that answers all along is not waited for, and what is there ends.
func TestAPartIsNotTakenForTheWholeAndEndsAllTheSame(t *testing.T) {
	moved := fmt.Errorf("slots have moved, and %w: ask again when they are where they belong", sessionstore.ErrPart)
	s := newShelf()
	a := newAsking(t, parted{s, moved}, time.Now)
	for range 3 {
		s.add(t, 1, "ada@example.com", "users", time.Now())
	}
	for _, asked := range []string{"GET sessions?all=true", "GET sessions?login=users", "GET sessions/AAAAAAAAAAAAAAAA", "GET count", "DELETE sessions/AAAAAAAAAAAAAAAA", "DELETE sessions?login=users"} {
		method, path, _ := strings.Cut(asked, " ")
		code, body := a.ask(t.Context(), method, prefix+path)
		if code != http.StatusServiceUnavailable || !strings.Contains(body, "slots have moved") || !strings.Contains(body, "user=<id>") {
			t.Errorf("%s: %d %s", asked, code, body)
		}
		if strings.Contains(body, "no answer") || strings.Contains(body, "answers 200") {
			t.Errorf("%s: %s", asked, body)
		}
		if strings.HasPrefix(asked, "DELETE sessions?") && !strings.Contains(body, "; 3 sessions have ended") {
			t.Errorf("%s: %s", asked, body)
		}
	}
}

// parted is a store of which a part cannot be looked through.
type parted struct {
	*shelf
	err error
}

func (s parted) WalkAll(ctx context.Context, page func([]sessionstore.Found) error) error {
	if !sessionstore.IsReaching(ctx) {
		return s.err
	}
	return cmp.Or(s.shelf.WalkAll(ctx, page), s.err)
}

func (s parted) FindID(context.Context, string) (sessionstore.Found, bool, error) {
	return sessionstore.Found{}, false, s.err
}

func (s parted) Count(context.Context) (int, error) { return 0, s.err }

// unheard is a store that has ended what it was asked to, of which no replica hears or
// whose answer is lost.
type unheard struct {
	*shelf
	err   error
	after func() // it has ended them
}

func (s unheard) Revoke(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	was, err := s.shelf.Revoke(ctx, key)
	if errors.Is(s.err, sessionstore.ErrUnconfirmed) {
		return nil, s.err
	}
	return was, err
}

func (s unheard) RevokeFound(ctx context.Context, found ...sessionstore.Found) (int, error) {
	n, err := s.shelf.RevokeFound(ctx, found...)
	if errors.Is(s.err, sessionstore.ErrUnconfirmed) {
		return n, s.err
	}
	if len(found) == 0 {
		return n, err
	}
	s.after()
	return 0, s.err
}

// What has ended is said, and nothing that the store has not said.
func TestAnEndThatIsNotConfirmedSaysWhatIsKnown(t *testing.T) {
	unconfirmed := fmt.Errorf("0 of 1 replicas have confirmed it in time, %w", sessionstore.ErrUnconfirmed)
	for name, c := range map[string]struct {
		err         error
		away        bool
		first, then []string // what is said of the end, and of its repetition
		never       []string
	}{
		"no replica has": {unconfirmed, false, []string{"0 of 1 replicas", "; 1 session has ended"}, []string{"0 of 1 replicas"},
			[]string{"no answer", "nothing can be told", "others"}},
		"its answer is lost": {errAway, false, []string{"gave no answer", "; 1 session has ended"}, nil, []string{"others", "none of"}},
		"nothing is answered any more": {errAway, true, []string{"gave no answer", "; whether sessions have ended cannot be told"}, []string{"gave no answer"},
			[]string{"others", "none of"}},
	} {
		for _, path := range []string{"sessions?user=1", "sessions?all=true", "sessions/{id}", "sessions/{id}?user=1"} {
			t.Run(name+", of "+path, func(t *testing.T) {
				s := unheard{newShelf(), c.err, func() {}}
				id := s.add(t, 1, "ada@example.com", "users", time.Now()).Key.ID()
				s.after = func() { s.away.Store(c.away) }
				a := newAsking(t, s, time.Now)
				for i, words := range [][]string{c.first, c.then} {
					one := strings.Contains(path, "{id}")
					code, body := a.ask(t.Context(), http.MethodDelete, prefix+strings.ReplaceAll(path, "{id}", id))
					if words != nil && code != http.StatusServiceUnavailable {
						t.Errorf("%d: it is answered with %d %s", i, code, body)
					}
					for _, word := range words {
						if !strings.Contains(body, word) && !(one && c.away) {
							t.Errorf("%d: %q says nothing of %q", i, body, word)
						}
					}
					for _, word := range c.never {
						if strings.Contains(body, word) && i == 0 && !(c.err == errAway && word == "nothing can be told") {
							t.Errorf("%d: %q says %q", i, body, word)
						}
					}
				}
			})
		}
	}
}

// Whoever is signed in is served by a store that takes no writes, and nobody else is.
func TestReadySaysThatTheStoreTakesNoWrites(t *testing.T) {
	a := newAsking(t, newShelf(), time.Now)
	for away, want := range map[bool]string{false: `{"status":"ready"}`, true: `{"status":"ready","store":"takes no writes"}`} {
		a.desk.Away = func() bool { return away }
		if code, body := a.ask(t.Context(), http.MethodGet, prefix+"ready"); code != http.StatusOK || strings.TrimSpace(body) != want {
			t.Errorf("away %v: %d %s", away, code, body)
		}
	}
}
