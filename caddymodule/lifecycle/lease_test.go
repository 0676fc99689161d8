package lifecycle_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

func TestLeaseOfARefresh(t *testing.T) {
	inBubble(t, "is kept as long as the source takes", func(b *bubble) {
		reached, release := b.login.blocked()
		b.visit()
		<-reached
		other := newGateway(b.T, b.store, b.login, time.Now)
		if _, err := other.visit(b.Context(), b.ada.key); err != nil {
			b.Error(err)
		}
		pass(3 * leaseTime)
		b.wantAsked(1)
		release()
		pass(2 * time.Second)
		b.wantAsked(1)
		b.ada.wantRoles(b.g, "editor")
	})
	inBubble(t, "is taken over from a gateway that is gone", func(b *bubble) {
		if held, err := b.store.Hold(b.Context(), "refresh:"+b.ada.key.ID(), "gone", leaseTime); !held || err != nil {
			b.Fatal(held, err)
		}
		b.visit()
		pass(leaseTime - time.Second)
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
		pass(leaseTime)
		if !finishes(b, time.Millisecond) {
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
		if _, err := b.g.ChooseAccount(b.Context(), b.ada.now(b.g), account); err != nil {
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
		if err := b.g.End(b.Context(), b.ada.key); err != nil {
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
			if _, err := b.ada.refresh(b.g); err != nil {
				b.Fatal(err)
			}
			if b.ada.now(b.g).BuiltAt.Equal(before) {
				b.Error("other gateways cannot tell that the session was built anew")
			}
		}
	})
	inBubble(t, "a login that is gone from the configuration says nothing", func(b *bubble) {
		without := newGateway(b.T, b.store, nil, time.Now)
		if _, err := b.ada.refresh(without); err != nil {
			b.Error(err)
		}
		b.wantAsked(0)
		b.ada.wantRoles(b.g, "viewer")
	})
}

// finishes reports whether the gateway's refreshes end within so long.
func finishes(b *bubble, within time.Duration) bool {
	ctx, cancel := context.WithTimeout(b.Context(), within)
	defer cancel()
	b.g.Finish(ctx)
	return ctx.Err() == nil
}

func TestFinishWaitsForRefreshesUnderWay(t *testing.T) {
	inBubble(t, "so that what a source rotated is written", func(b *bubble) {
		b.login.rotates(nil)
		reached, release := b.login.blocked()
		b.visit()
		<-reached
		finished := make(chan bool, 1)
		go func() { finished <- finishes(b, time.Minute) }()
		synctest.Wait()
		select {
		case <-finished:
			b.Fatal("it did not wait")
		default:
		}
		release()
		if !<-finished {
			b.Error("it did not end with the refresh")
		}
		b.wantKept(secondKept)
	})
	inBubble(t, "but not for ever", func(b *bubble) {
		reached, release := b.login.blocked()
		b.visit()
		<-reached
		began := time.Now()
		if finishes(b, 10*time.Second) {
			b.Error("it says that all is done")
		}
		if took := time.Since(began); took > 10*time.Second {
			b.Errorf("it took %v", took)
		}
		release()
	})
	inBubble(t, "and begins none afterwards", func(b *bubble) {
		finishes(b, time.Minute)
		b.visit()
		if _, err := b.ada.refresh(b.g); err == nil || errors.Is(err, lifecycle.ErrEnded) {
			b.Errorf("answered with %v", err)
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
			if got := lifecycle.New(lifecycle.Config{RefreshEvery: c.every}).Due(s, c.now); got != c.want {
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
