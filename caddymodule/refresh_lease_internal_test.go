package caddymodule

import (
	"context"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

func TestLeaseOfARefresh(t *testing.T) {
	inBubble(t, "is kept as long as the source takes", func(b *bubble) {
		reached, release := b.login.blocked()
		b.visit()
		<-reached
		other := refreshing(b.T, shelf{b.store}, b.login, time.Now)
		b.ada.visit(other, b.ada.request(other, http.MethodGet, "/app"))
		pass(3 * refreshLease)
		b.wantAsked(1)
		release()
		pass(2 * time.Second)
		b.wantAsked(1)
		b.ada.wantRoles(b.g, "editor")
	})
	inBubble(t, "is taken over from a gateway that is gone", func(b *bubble) {
		if held, err := b.store.Hold(b.Context(), "refresh:"+b.ada.key.ID(), "gone", refreshLease); !held || err != nil {
			b.Fatal(held, err)
		}
		b.visit()
		pass(refreshLease - time.Second)
		b.wantAsked(0)
		pass(2 * time.Second)
		b.wantAsked(1)
		b.ada.wantRoles(b.g, "editor")
	})
	inBubble(t, "that is lost calls the work off", func(b *bubble) {
		b.login.says(func(ctx context.Context, _ *sessionstore.Session) (*profile.Person, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		b.visit()
		b.store.denied.Store(true)
		pass(refreshLease)
		if !b.g.refresher.resting() {
			b.Error("the refresh goes on")
		}
		b.ada.wantRoles(b.g, "viewer")
	})
	inBubble(t, "is given back at once", func(b *bubble) {
		b.visit()
		if held, err := b.store.Hold(b.Context(), "refresh:"+b.ada.key.ID(), "next", time.Second); !held || err != nil {
			b.Errorf("it is held still: %v", err)
		}
	})
}

func TestRefreshBesideOtherWrites(t *testing.T) {
	choose := func(b *bubble, account string) {
		s := b.ada.now(b.g)
		_, err := b.g.change(b.Context(), s, func(s *sessionstore.Session) { s.ChosenAccount = account; keepChoice(s) })
		if err != nil {
			b.Fatal(err)
		}
	}
	inBubble(t, "an account chosen in the middle stays chosen, with the new roles", func(b *bubble) {
		reached, release := b.login.blocked()
		b.visit()
		<-reached
		choose(b, "globex")
		release()
		synctest.Wait()
		b.ada.wantRoles(b.g, "editor")
		if s := b.ada.now(b.g); s.User.PrimaryAccount.AccountID != "globex" || s.ChosenAccount != "globex" {
			b.Errorf("the primary account is %+v", s.User.PrimaryAccount)
		}
	})
	inBubble(t, "an account that was chosen and is theirs no longer is let go", func(b *bubble) {
		choose(b, "globex")
		b.login.says(func(context.Context, *sessionstore.Session) (*profile.Person, error) {
			p := entryOf("editor")
			p.Accounts = p.Accounts[:1]
			return p, nil
		})
		b.visit()
		if s := b.ada.now(b.g); s.User.PrimaryAccount.AccountID != "acme" || s.ChosenAccount != "" {
			b.Errorf("the primary account is %+v, chosen %q", s.User.PrimaryAccount, s.ChosenAccount)
		}
	})
	inBubble(t, "a sign-out in the middle stands", func(b *bubble) {
		reached, release := b.login.blocked()
		b.visit()
		<-reached
		if err := b.g.end(b.Context(), b.ada.key); err != nil {
			b.Fatal(err)
		}
		release()
		synctest.Wait()
		if b.ada.now(b.g) != nil {
			b.Error("the session is back")
		}
	})
	inBubble(t, "two refreshes in the same millisecond are two", func(b *bubble) {
		for range 2 { // no time passes in between
			before := b.ada.now(b.g).BuiltAt
			b.ada.refresh(b.g)
			if b.ada.now(b.g).BuiltAt.Equal(before) {
				b.Error("other gateways cannot tell that the session was built anew")
			}
		}
	})
	inBubble(t, "a login that is gone from the configuration says nothing", func(b *bubble) {
		b.g.app.logins = nil
		b.visit()
		b.wantAsked(0)
		b.ada.wantRoles(b.g, "viewer")
	})
}

func TestShutdownWaitsForRefreshesUnderWay(t *testing.T) {
	inBubble(t, "so that what a source rotated is written", func(b *bubble) {
		b.rotates(nil)
		reached, release := b.login.blocked()
		b.visit()
		<-reached
		closed := make(chan error, 1)
		go func() { closed <- b.g.close() }()
		synctest.Wait()
		select {
		case <-closed:
			b.Fatal("the store was given back in the middle")
		default:
		}
		release()
		if err := <-closed; err != nil {
			b.Error(err)
		}
		b.wantKept(secondKept)
	})
	inBubble(t, "but not for ever", func(b *bubble) {
		reached, release := b.login.blocked()
		b.visit()
		<-reached
		began := time.Now()
		if err := b.g.close(); err != nil {
			b.Error(err)
		}
		if took := time.Since(began); took > lastFlush {
			b.Errorf("it took %v", took)
		}
		release()
	})
	inBubble(t, "and begins none afterwards", func(b *bubble) {
		if err := b.g.close(); err != nil {
			b.Fatal(err)
		}
		b.visit()
		if w := b.ada.refresh(b.g); w.Code != http.StatusServiceUnavailable {
			b.Errorf("answered with %d", w.Code)
		}
		b.wantAsked(0)
	})
}

func TestRefreshIsDue(t *testing.T) {
	start := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	hour := start.Add(time.Hour)
	for _, c := range []struct {
		name  string
		every time.Duration
		built time.Time
		now   time.Time
		want  bool
	}{
		{"when so long has passed since the session was built", time.Minute, hour, hour.Add(time.Minute), true},
		{"not a moment before", time.Minute, hour, hour.Add(time.Minute - 1), false},
		{"not when the clock of who built it is ahead", time.Minute, hour.Add(time.Minute), hour, false},
		{"since the sign-in, for a session of before that was written down", time.Minute, time.Time{}, start.Add(time.Minute), true},
		{"not just after such a sign-in", time.Minute, time.Time{}, start.Add(time.Second), false},
		{"never without refresh_every", 0, hour, hour.Add(24 * time.Hour), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &sessionstore.Session{CreatedAt: start, BuiltAt: c.built}
			if got := newRefresher(nil, c.every).due(s, c.now); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
	inBubble(t, "once, for a session of before that was written down", func(b *bubble) {
		s := *b.ada.session
		s.BuiltAt = time.Time{}
		if _, err := b.g.store.Update(b.Context(), &s); err != nil {
			b.Fatal(err)
		}
		b.visit()
		b.visit()
		b.wantAsked(1)
		b.ada.wantRoles(b.g, "editor")
	})
}
