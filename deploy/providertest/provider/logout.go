package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/pkg/op"

	"example.com/sidegate/deploy/providertest/loopback"
)

// LogoutCall is a client that was told that a session ended.
type LogoutCall struct {
	Client string
	// Status is what the client answered; 0 when it could not be asked, which
	// Err explains.
	Status int
	Err    error
}

// LogoutToken is what a client is sent when a session ends (Back-Channel
// Logout 1.0 section 2.4): of one session by its sid, or of all the person's.
// An empty subject or sid is left out.
func (p *Provider) LogoutToken(client, subject, sid string) *JWT {
	now := p.store.now()
	claims := map[string]any{
		"iss": p.issuer, "aud": client, "jti": random(),
		"iat": now.Unix(), "exp": now.Add(2 * time.Minute).Unix(),
		"events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}
	if subject != "" {
		claims["sub"] = subject
	}
	if sid != "" {
		claims["sid"] = sid
	}
	return p.NewJWT("logout+jwt", claims)
}

// sender delivers logout tokens. It follows no redirect: a client's answer
// does not choose who hears of it.
var sender = &http.Client{
	Timeout:       time.Minute,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// SendLogout posts a logout token to the client's BackChannelLogoutURI. The
// error is that the client could not be asked.
func (p *Provider) SendLogout(ctx context.Context, client, raw string) (status int, body string, err error) {
	to, ok := p.store.clientOf(client)
	if !ok || to.BackChannelLogoutURI == "" {
		return 0, "", fmt.Errorf("client %q has no BackChannelLogoutURI", client)
	}
	if err := loopback.Check(to.BackChannelLogoutURI); err != nil {
		return 0, "", err
	}
	form := url.Values{"logout_token": {raw}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, to.BackChannelLogoutURI, strings.NewReader(form))
	if err != nil {
		return 0, "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := sender.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	return resp.StatusCode, string(answer), err
}

// SignOut ends one session, as an administrator does, and tells each of its
// clients by sid and sub.
func (p *Provider) SignOut(ctx context.Context, sid string) []LogoutCall {
	return p.tell(ctx, p.store.end(func(in *session) bool { return in.id == sid }))
}

// SignOutEverywhere ends all sessions of the person, and tells each client
// once, by sub alone.
func (p *Provider) SignOutEverywhere(ctx context.Context, subject string) []LogoutCall {
	endings := p.store.end(func(in *session) bool { return in.subject == subject })
	for i := range endings {
		endings[i].sid = ""
	}
	slices.SortFunc(endings, func(a, b ending) int { return strings.Compare(a.client, b.client) })
	return p.tell(ctx, slices.Compact(endings))
}

// LogoutCalls are all clients that were told of endings, whatever the reason,
// the first first.
func (p *Provider) LogoutCalls() []LogoutCall {
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	return slices.Clone(p.store.told)
}

func (p *Provider) tell(ctx context.Context, endings []ending) []LogoutCall {
	var calls []LogoutCall
	for _, e := range endings {
		if client, ok := p.store.clientOf(e.client); !ok || client.BackChannelLogoutURI == "" {
			continue
		}
		call := LogoutCall{Client: e.client}
		raw, err := p.LogoutToken(e.client, e.subject, e.sid).Sign()
		if err == nil {
			call.Status, _, err = p.SendLogout(ctx, e.client, raw)
		}
		call.Err = err
		calls = append(calls, call)
	}
	p.store.mu.Lock()
	defer p.store.mu.Unlock()
	p.store.told = append(p.store.told, calls...)
	return calls
}

// TerminateSessionFromRequest ends the session that an ID token speaks of, for
// RP-Initiated Logout, and says where the browser goes on. Without such a token
// nothing ends: the person is asked.
func (s *store) TerminateSessionFromRequest(ctx context.Context, r *op.EndSessionRequest) (string, error) {
	if r.IDTokenHintClaims == nil {
		return s.issuer + signOutPath, nil
	}
	s.tell(ctx, s.end(func(in *session) bool { return in.id == r.IDTokenHintClaims.SessionID }))
	return r.RedirectURI, nil
}

// TerminateSession is the library's way without an ID token.
func (s *store) TerminateSession(context.Context, string, string) error {
	return errors.New("which session is to end is not known")
}
