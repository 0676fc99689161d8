package lifecycle_test

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/embedded"
	"example.com/sidegate/sessionstore/storetest"
)

// changedSecret is a gateway whose secret was changed without naming the former
// one, with which the other gateway still reads and writes the same store.
type changedSecret struct {
	*backlogged
	former *backlogged
}

func newChangedSecret(t *testing.T) changedSecret {
	t.Helper()
	db, err := embedded.Open(filepath.Join(t.TempDir(), "sessions.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	at := func(secret byte) *backlogged {
		b := &backlogged{T: t, known: register{1: {ID: 1, Email: "ada@example.com"}}}
		b.store = &shaky{Store: embedded.New(db, storetest.NewSealer(t, secret), time.Now)}
		b.gateway = newGateway(t, b.store, b.known, time.Now)
		return b
	}
	return changedSecret{at('n'), at('f')}
}

// wantStays demands that the session is kept, whoever can read it.
func (c changedSecret) wantStays(key sessionstore.Key) {
	c.Helper()
	if _, err := c.former.store.Get(c.Context(), key); err != nil {
		c.Errorf("the session is gone: %v", err)
	}
}

func (c changedSecret) wantGone(key sessionstore.Key) {
	c.Helper()
	wantGone(c.T, c.former.gateway, key)
}

func TestToEndSessionsNothingNeedBeOpened(t *testing.T) {
	for _, c := range []struct {
		name string
		test func(c changedSecret)
	}{
		{"somebody who was disabled is signed out of sessions that cannot be read, and of all others", func(c changedSecret) {
			unread, again, read := c.former.signedIn(1, "register"), c.former.signedIn(1, "elsewhere"), c.signedIn(1, "register")
			c.EndPerson("register", 1, nil)
			c.WorkOff(c.Context())
			c.wantGone(unread)
			c.wantGone(again)
			c.wantGone(read)
			c.wantLeft(0)
			if got := c.ear.kinds(); !slices.Equal(got, slices.Repeat([]lifecycle.Kind{lifecycle.SessionEnded, lifecycle.Ended}, 3)) {
				c.Errorf("told of %v", got)
			}
		}},
		{"what cannot be read is not built anew and stays, and what can be read is built", func(c changedSecret) {
			unread, read := c.former.signedIn(1, "register"), c.signedIn(1, "register")
			c.RebuildPerson("register", 1)
			c.WorkOff(c.Context())
			c.wantStays(unread)
			c.wantEmail(read, "ada@example.com")
			c.wantLeft(0)
			if got := c.ear.heard; len(got) != 1 || got[0].Kind != lifecycle.NotRead || got[0].Count != 1 || got[0].UserID != 1 {
				c.Errorf("told of %+v", got)
			}
		}},
		{"all others end, those that cannot be read among them", func(c changedSecret) {
			unread, read, own := c.former.signedIn(1, "register"), c.signedIn(1, "register"), c.signedIn(1, "register")
			if err := c.EndOthers(c.Context(), c.session(own)); err != nil {
				c.Error(err)
			}
			c.wantGone(unread)
			c.wantGone(read)
			c.wantEmail(own, "was@example.com")
		}},
		{"one that cannot be read is found by its id, and ends", func(c changedSecret) {
			unread, own := c.former.signedIn(1, "register"), c.signedIn(1, "register")
			key, found, err := c.Find(c.Context(), c.session(own), unread.ID())
			if key != unread || !found || err != nil {
				c.Fatalf("%v, %v, %v", key, found, err)
			}
			if err := c.End(c.Context(), key); err != nil {
				c.Error(err)
			}
			c.wantGone(unread)
		}},
		{"of those that are presented only what cannot be read ends to start over", func(c changedSecret) {
			unread, again, read := c.former.signedIn(1, "register"), c.former.signedIn(2, "register"), c.signedIn(1, "register")
			none := sessionstore.NewSecret(1).Key()
			ended, left, err := c.EndUnreadable(c.Context(), []sessionstore.Key{none, unread, read, again})
			if ended != 2 || left != 1 || err != nil {
				c.Errorf("ended %d, left %d: %v", ended, left, err)
			}
			c.wantGone(unread)
			c.wantGone(again)
			c.wantEmail(read, "was@example.com")
		}},
		{"while the store is away nothing ends to start over", func(c changedSecret) {
			for _, failing := range []string{"Get", "Revoke"} {
				unread := c.former.signedIn(1, "register")
				c.store.failing = failing
				if ended, _, err := c.EndUnreadable(c.Context(), []sessionstore.Key{unread}); ended != 0 || !errors.Is(err, errAway) {
					c.Errorf("with %s failing, ended %d: %v", failing, ended, err)
				}
				c.store.failing = ""
				c.wantStays(unread)
			}
		}},
		{"that there is none of an id is certain beside some that cannot be read", func(c changedSecret) {
			c.former.signedIn(1, "register")
			own := c.signedIn(1, "register")
			if _, found, err := c.Find(c.Context(), c.session(own), "AAAAAAAAAAAAAAAA"); found || err != nil {
				c.Errorf("%v, %v", found, err)
			}
		}},
		{"what can be read is listed, and how many cannot", func(c changedSecret) {
			unread, read := c.former.signedIn(1, "register"), c.signedIn(1, "register")
			list, err := c.Of(c.Context(), c.session(read))
			if keys, _ := sessionstore.Unreadable(err); !slices.Equal(keys, []sessionstore.Key{unread}) {
				c.Errorf("%v does not name the other", err)
			}
			if len(list) != 1 || list[0].Key != read {
				c.Errorf("listed are %v", list)
			}
		}},
		{"those of others that cannot be read are left alone", func(c changedSecret) {
			other := c.former.signedIn(2, "register")
			c.signedIn(1, "register")
			c.EndPerson("register", 1, nil)
			c.WorkOff(c.Context())
			c.wantStays(other)
		}},
		{"a store that is away in the midst of it is asked again", func(c changedSecret) {
			unread := c.former.signedIn(1, "register")
			c.EndPerson("register", 1, nil)
			c.gateway.ended = func(sessionstore.Key) { c.Error("told of the end of what goes on") }
			c.store.failing = "Revoke"
			c.WorkOff(c.Context())
			c.wantStays(unread)
			c.wantLeft(1)
			c.store.failing, c.gateway.ended = "", func(sessionstore.Key) {}
			c.WorkOff(c.Context())
			c.wantGone(unread)
			c.wantLeft(0)
		}},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(newChangedSecret(t)) })
	}
}

// session is that session as this gateway reads it.
func (b *backlogged) session(key sessionstore.Key) *sessionstore.Session {
	b.Helper()
	s, err := b.store.Get(b.Context(), key)
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// asker is a login whose source the test answers for.
type asker func(ctx context.Context, s *sessionstore.Session) (*profile.Person, error)

func (asker) Name() string { return "register" }

func (a asker) Rebuild(ctx context.Context, s *sessionstore.Session) (*profile.Person, error) {
	return a(ctx, s)
}

func answering(t *testing.T, a asker) *backlogged {
	t.Helper()
	b := newBacklogged(t)
	b.gateway = newGateway(t, b.store, a, time.Now)
	return b
}

func TestOnePersonsTroubleKeepsNoOtherWaiting(t *testing.T) {
	t.Run("that of a source with one of them", func(t *testing.T) {
		healed := false
		b := answering(t, func(_ context.Context, s *sessionstore.Session) (*profile.Person, error) {
			if s.User.ID == 3 && !healed {
				return nil, errTrouble
			}
			return &profile.Person{ID: s.User.ID, Email: "now@example.com"}, nil
		})
		var keys []sessionstore.Key
		for id := range int64(20) {
			keys = append(keys, b.signedIn(id+1, "register"))
			b.RebuildPerson("register", id+1)
		}
		b.WorkOff(t.Context())
		for i, key := range keys {
			if i != 2 {
				b.wantEmail(key, "now@example.com")
			}
		}
		b.wantEmail(keys[2], "was@example.com")
		b.wantLeft(1)
		if got := b.ear.heard; len(got) != 1 || got[0].Kind != lifecycle.Pending || !errors.Is(got[0].Err, errTrouble) {
			t.Errorf("told of %+v", got)
		}
		healed = true
		b.WorkOff(t.Context())
		b.wantEmail(keys[2], "now@example.com")
		b.wantLeft(0)
	})
	t.Run("nor one session's the others of its person", func(t *testing.T) {
		var troubled sessionstore.Key
		b := answering(t, func(_ context.Context, s *sessionstore.Session) (*profile.Person, error) {
			if s.Key == troubled {
				return nil, errTrouble
			}
			return &profile.Person{ID: 1, Email: "now@example.com"}, nil
		})
		one, two := b.signedIn(1, "register"), b.signedIn(1, "register")
		troubled = b.signedIn(1, "register")
		b.RebuildPerson("register", 1)
		b.WorkOff(t.Context())
		b.wantEmail(one, "now@example.com")
		b.wantEmail(two, "now@example.com")
		b.wantLeft(1)
	})
	t.Run("nor a slow source those who are to be signed out", func(t *testing.T) {
		var b *backlogged
		var disabled sessionstore.Key
		asked := 0
		b = answering(t, func(_ context.Context, s *sessionstore.Session) (*profile.Person, error) {
			if asked++; asked == 1 {
				b.EndPerson("register", 2, nil) // while the source takes its time
			} else {
				b.wantEmail(disabled, "")
			}
			return &profile.Person{ID: s.User.ID, Email: "now@example.com"}, nil
		})
		disabled = b.signedIn(2, "register")
		for range 3 {
			b.signedIn(1, "register")
		}
		b.RebuildPerson("register", 1)
		b.WorkOff(t.Context())
		if asked != 3 {
			t.Errorf("the source was asked %d times", asked)
		}
		b.wantLeft(0)
	})
}
