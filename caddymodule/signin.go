package caddymodule

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// maxUserAgent bounds what is kept of a User-Agent, in bytes.
const maxUserAgent = 256

// begin makes the session of somebody who has just signed in. It always has a
// new id, and the session that was presented ends: who planted a session id
// on somebody gains nothing by their sign-in (session fixation).
func (g *gateway) begin(r *http.Request, method login.Method, person *profile.Person) (*sessionstore.Session, sessionstore.Secret, refusal) {
	var none sessionstore.Secret
	ctx := r.Context()
	b, err := g.build(ctx, method, person, nil)
	if err != nil {
		return nil, none, g.refuseBuild(ctx, method, person, err)
	}
	secret := sessionstore.NewSecret(b.user.ID)
	s := g.newSession(r, secret.Key(), method, b)
	if err := g.create(ctx, s); err != nil {
		g.reportStore(ctx, "a new session could not be kept", err)
		return nil, none, refuseUnavailable
	}
	if _, err := g.endPresented(r); err != nil {
		g.reportStore(ctx, "the session before could not be ended", err)
		g.withdraw(ctx, s.Key)
		return nil, none, refuseUnavailable
	}
	g.app.logger.Info("signed in", zap.String("login", method.Name()),
		zap.Int64("user_id", s.User.ID), zap.String("session", s.Key.ID()))
	return s, secret, refusal{}
}

// create keeps a new session, and by which names its login's source may ask
// for its end. The names come first, so that no session lives that the source
// cannot name; and when its end was asked for in between it ends here.
func (g *gateway) create(ctx context.Context, s *sessionstore.Session) error {
	names := g.sourceNames(s)
	for _, name := range names {
		if err := g.store.Link(ctx, name, s.Key, time.Duration(g.app.Lifetime)); err != nil {
			return err
		}
	}
	if err := g.store.Create(ctx, s); err != nil {
		return err
	}
	err := g.stillWanted(ctx, s, names)
	if err != nil {
		g.withdraw(ctx, s.Key)
	}
	return err
}

// stillWanted gives errEndedMeanwhile when the source has asked for the end of
// a session that was just made.
func (g *gateway) stillWanted(ctx context.Context, s *sessionstore.Session, names []string) error {
	if out, err := g.signedOutAtSource(ctx, s); out || err != nil {
		return cmp.Or(err, errEndedMeanwhile)
	}
	for _, name := range names {
		linked, err := g.store.IsLinked(ctx, name, s.Key)
		if !linked || err != nil {
			return cmp.Or(err, errEndedMeanwhile)
		}
	}
	return nil
}

// errEndedMeanwhile says that the source ended a session while it was made.
var errEndedMeanwhile = errors.New("the sign-in's source ended the session while it was being made")

func (g *gateway) newSession(r *http.Request, key sessionstore.Key, method login.Method, b *built) *sessionstore.Session {
	now := g.app.now().UTC().Truncate(time.Millisecond)
	s := &sessionstore.Session{
		Key:         key,
		Method:      method.Name(),
		Address:     clientAddr(r).String(),
		UserAgent:   abridge(r.UserAgent(), maxUserAgent),
		CreatedAt:   now,
		ExpiresAt:   now.Add(time.Duration(g.app.Lifetime)),
		IdleTimeout: time.Duration(*g.app.IdleTimeout),
		LastSeenAt:  now,
		Version:     1,
	}
	b.put(s)
	return s
}

// endPresented ends every session whose credential came with the request, and
// reports how many those were.
func (g *gateway) endPresented(r *http.Request) (int, error) {
	keys := g.presentedKeys(r)
	for _, key := range keys {
		if err := g.end(r.Context(), key); err != nil {
			return 0, err
		}
	}
	return len(keys), nil
}

// maxPresented bounds the sessions that one request can end, for each is a
// write to the store.
const maxPresented = 4

// presentedKeys names the sessions whose credentials are well-formed, be they
// live or not: revoking one that is gone is no error.
func (g *gateway) presentedKeys(r *http.Request) []sessionstore.Key {
	v := visitOf(r)
	var keys []sessionstore.Key
	if claims, err := g.ring.VerifySession(v.bearer().token); err == nil {
		keys = append(keys, claims.Key)
	}
	for _, value := range v.sessionCookies(g.app.Cookie.Name) {
		if secret, err := sessionstore.ParseSecret(value); err == nil && len(keys) < maxPresented {
			keys = append(keys, secret.Key())
		}
	}
	return keys
}

// end revokes a session and drops the token that is kept for it.
func (g *gateway) end(ctx context.Context, key sessionstore.Key) error {
	g.echoes.send(key)
	if err := g.store.Revoke(ctx, key); err != nil {
		g.echoes.forget(key)
		return err
	}
	g.tokens.Forget(key)
	return nil
}

// withdraw takes a session back that nobody was told of. If that fails too it
// expires by itself, known to nobody.
func (g *gateway) withdraw(ctx context.Context, key sessionstore.Key) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := g.end(ctx, key); err != nil {
		g.reportStore(ctx, "a session that nobody has could not be ended", err)
	}
}

// settle tells the throttle how an attempt ended. The client may be gone by
// now; the count must be right all the same.
func (g *gateway) settle(r *http.Request, how func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), time.Second)
	defer cancel()
	if err := how(ctx); err != nil {
		g.app.logger.Warn("a sign-in attempt stays counted", zap.Error(err))
	}
}

// left is how long the session will live at the most.
func (g *gateway) left(s *sessionstore.Session) time.Duration {
	return s.ExpiresAt.Sub(g.app.now())
}

// abridge cuts text to n bytes, at a character's edge, and leaves out what is
// not text.
func abridge(text string, n int) string {
	text = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c == utf8.RuneError {
			return -1
		}
		return c
	}, text)
	for len(text) > n {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}
