package lifecycle_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// keeps is a session with that access token, asked for at that moment; life 0 is
// for a provider that does not say.
func keeps(t *testing.T, refreshToken string, access *profile.AccessToken) *sessionstore.Session {
	t.Helper()
	text, err := (&profile.Kept{RefreshToken: refreshToken, Access: access}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	return &sessionstore.Session{Kept: text}
}

func TestAnAccessTokenStands(t *testing.T) {
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	token := func(life time.Duration) *profile.AccessToken { return profile.NewAccessToken("t", at, life) }
	const refreshed = 15 * time.Minute
	for _, c := range []struct {
		name    string
		refresh string
		access  *profile.AccessToken
		after   time.Duration
		want    lifecycle.TokenStanding
		sent    string
	}{
		{"good", "r", token(time.Hour), time.Hour - time.Minute - time.Millisecond, lifecycle.TokenGood, "t"},
		{"due a minute before its end", "r", token(time.Hour), time.Hour - time.Minute, lifecycle.TokenDue, "t"},
		{"due when a tenth of a short life is left", "r", token(10 * time.Second), 9 * time.Second, lifecycle.TokenDue, "t"},
		{"and not before", "r", token(10 * time.Second), 9*time.Second - time.Millisecond, lifecycle.TokenGood, "t"},
		{"over at its end", "r", token(time.Hour), time.Hour, lifecycle.TokenOver, ""},
		{"spent at its end, without a refresh token", "", token(time.Hour), time.Hour, lifecycle.TokenSpent, ""},
		{"good up to then", "", token(time.Hour), time.Hour - time.Millisecond, lifecycle.TokenGood, "t"},
		{"of a life that is not said: good until the next refresh", "r", token(0), refreshed - time.Minute - time.Millisecond, lifecycle.TokenGood, "t"},
		{"of such a life: due then", "r", token(0), refreshed - time.Minute, lifecycle.TokenDue, "t"},
		{"of such a life: over then", "r", token(0), refreshed, lifecycle.TokenOver, ""},
		{"of such a life, and without a refresh token: good as long as the session", "", token(0), 100 * time.Hour, lifecycle.TokenGood, "t"},
		{"not kept yet", "r", nil, 0, lifecycle.TokenOver, ""},
		{"not kept, without a refresh token", "", nil, 0, lifecycle.TokenSpent, ""},
		{"one that cannot be kept", "r", new(profile.AccessToken), 0, lifecycle.TokenNone, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := lifecycle.New(lifecycle.Config{RefreshEvery: refreshed, Now: time.Now})
			token := l.AccessTokens.Of(keeps(t, c.refresh, c.access))
			if got := token.Standing(at.Add(c.after)); got != c.want {
				t.Errorf("it stands %d, want %d", got, c.want)
			}
			if got := token.At(at.Add(c.after)); got != c.sent {
				t.Errorf("sent is %q, want %q", got, c.sent)
			}
		})
	}
	for name, s := range map[string]*sessionstore.Session{
		"of a session that keeps nothing":            {},
		"of a session that keeps what is not read":   {Kept: "{"},
		"of a person who can no longer be described": {Kept: keeps(t, "r", token(time.Hour)).Kept, Unmapped: true},
	} {
		t.Run("there is none "+name, func(t *testing.T) {
			got := lifecycle.New(lifecycle.Config{Now: time.Now}).AccessTokens.Of(s)
			if got.Standing(at) != lifecycle.TokenNone || got.At(at) != "" {
				t.Errorf("it stands %d", got.Standing(at))
			}
		})
	}
	t.Run("and without refresh_every one of a life that is not said is good as long as the session", func(t *testing.T) {
		l := lifecycle.New(lifecycle.Config{Now: time.Now})
		if got := l.AccessTokens.Of(keeps(t, "r", token(0))).Standing(at.Add(100 * time.Hour)); got != lifecycle.TokenGood {
			t.Errorf("it stands %d", got)
		}
	})
}

// renews has the source give the next access token with each answer.
func (b *bubble) renews() {
	b.login.says(func(context.Context, *sessionstore.Session) (*profile.Person, error) {
		p := entryOf("editor")
		p.Kept = &profile.Kept{RefreshToken: "second", Access: profile.NewAccessToken("next", time.Now(), time.Hour)}
		return p, nil
	})
}

// renew is a request that needs the token: what it is given.
func (b *bubble) renew(found *sessionstore.Session) (string, error) {
	s, err := b.g.AccessTokens.Renew(b.Context(), found)
	if err != nil {
		return "", err
	}
	return b.g.AccessTokens.Of(s).At(time.Now()), nil
}

func TestARequestWaitsForItsAccessToken(t *testing.T) {
	inBubble(t, "as do all others, for one refresh", func(b *bubble) {
		b.renews()
		reached, release := b.login.blocked()
		found := b.ada.now(b.g)
		var asking sync.WaitGroup
		for range 50 {
			asking.Go(func() {
				if token, err := b.renew(found); err != nil || token != "next" {
					b.Errorf("got %q, %v", token, err)
				}
			})
		}
		<-reached
		release()
		asking.Wait()
		if token, err := b.renew(found); err != nil || token != "next" {
			b.Errorf("one who comes late with the session of before got %q, %v", token, err)
		}
		b.wantAsked(1)
	})
	inBubble(t, "for ten seconds at most, and the refresh goes on", func(b *bubble) {
		b.renews()
		_, release := b.login.blocked()
		began := time.Now()
		_, err := b.renew(b.ada.now(b.g))
		if _, fault := errors.AsType[lifecycle.SourceFault](err); !fault || time.Since(began) != 10*time.Second {
			b.Errorf("after %v: %v", time.Since(began), err)
		}
		release()
		synctest.Wait()
		if got := b.g.AccessTokens.Of(b.ada.now(b.g)).At(time.Now()); got != "next" {
			b.Errorf("the token is %q", got)
		}
	})
	inBubble(t, "and a source in trouble is left alone for two seconds", func(b *bubble) {
		b.login.fails(errTrouble)
		found := b.ada.now(b.g)
		for range 3 {
			if _, err := b.renew(found); !errors.Is(err, errTrouble) {
				b.Errorf("got %v", err)
			}
		}
		b.wantAsked(1)
		pass(2 * time.Second)
		b.renews()
		if token, err := b.renew(found); err != nil || token != "next" {
			b.Errorf("then it got %q, %v", token, err)
		}
		b.wantAsked(2)
	})
	inBubble(t, "and hears that the session has ended", func(b *bubble) {
		b.login.fails(&profile.Refused{Why: "require"})
		if _, err := b.renew(b.ada.now(b.g)); !errors.Is(err, lifecycle.ErrEnded) {
			b.Errorf("got %v", err)
		}
	})
	inBubble(t, "unless it is only due, which is seen to behind the request", func(b *bubble) {
		b.renews()
		b.g.AccessTokens.RenewSoon(b.ada.now(b.g), time.Now())
		synctest.Wait()
		if got := b.g.AccessTokens.Of(b.ada.now(b.g)).At(time.Now()); got != "next" {
			b.Errorf("the token is %q", got)
		}
	})
}

// What helps is another thing for each.
func TestWhyThereIsNoAccessToken(t *testing.T) {
	signedIn := profile.Facts{"token": map[string]any{"sub": "ada", "aud": "gateway"}}
	adopted := profile.Facts{"token": map[string]any{"sub": "ada"}}
	for _, c := range []struct {
		name string
		kept profile.Kept
		want string
	}{
		{"it has expired", profile.Kept{Facts: signedIn, IDToken: "t", Access: profile.NewAccessToken("t", time.Now(), time.Second)}, "it has expired"},
		{"of before it was kept", profile.Kept{Facts: signedIn, IDToken: "t"}, "signed in before a route had upstream_token"},
		{"of before it was kept, with a long ID token", profile.Kept{Facts: signedIn}, "signed in before a route had upstream_token"},
		{"of who was adopted", profile.Kept{Facts: adopted}, "adopted from another gateway"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text, err := c.kept.Encode()
			if err != nil {
				t.Fatal(err)
			}
			got := lifecycle.New(lifecycle.Config{Now: time.Now}).AccessTokens.Of(&sessionstore.Session{Kept: text})
			if why := got.WhySpent(); got.Standing(time.Now().Add(time.Hour)) != lifecycle.TokenSpent || !strings.Contains(why.Error(), c.want) {
				t.Errorf("it stands %d: %v", got.Standing(time.Now()), why)
			}
		})
	}
}
