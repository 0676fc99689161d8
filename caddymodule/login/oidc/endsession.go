package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"example.com/sidegate/caddymodule/profile"
)

const (
	// endSessionPatience is how long a sign-out waits for the discovery document.
	endSessionPatience = 2 * time.Second
	// maxEndSession bounds the address that a browser is sent to, in bytes. With
	// sixty groups in it an ID token makes a Location of over 4 kB, which nginx
	// refuses with its defaults: then the provider would never be told.
	maxEndSession = 2000 - 1
)

// EndSession is where to send the browser so that the provider's session ends
// too (OpenID Connect RP-Initiated Logout 1.0 section 2). kept is what the session
// that ends kept of its sign-in; postLogoutRedirect, registered at the provider,
// is where it sends the browser afterwards, or empty.
//
// The address has less than 2,000 bytes: where the ID token is too long to be a
// hint, the provider is told who it is about by logout_hint.
//
// ok is false when the provider has no such place or does not say within two
// seconds: a sign-out here never waits for the provider.
func (l *Login) EndSession(ctx context.Context, kept *profile.Kept, postLogoutRedirect string) (location string, ok bool) {
	hints := hintsOf(kept)
	if l.config.EndSession != "" {
		return l.fillEndSession(hints, postLogoutRedirect), true
	}
	ctx, cancel := context.WithTimeout(ctx, endSessionPatience)
	defer cancel()
	m, err := l.discover(ctx)
	if err != nil || m.EndSession == "" {
		return "", false
	}
	for _, query := range []url.Values{
		{"client_id": {l.config.ClientID}, "post_logout_redirect_uri": {postLogoutRedirect}, "id_token_hint": {hints.idToken}},
		{"client_id": {l.config.ClientID}, "post_logout_redirect_uri": {postLogoutRedirect}, "logout_hint": {hints.person}},
		{"client_id": {l.config.ClientID}, "post_logout_redirect_uri": {postLogoutRedirect}},
	} {
		for name, values := range query {
			if values[0] == "" {
				delete(query, name)
			}
		}
		if location = withQuery(m.EndSession, query); len(location) <= maxEndSession {
			return location, true
		}
	}
	return location, true
}

// hints tell the provider whose session is to end.
type hints struct{ idToken, person string }

// hintsOf takes for a person's name there what the provider says to use for it
// (login_hint, as Entra ID does), else what people sign in by.
func hintsOf(kept *profile.Kept) (h hints) {
	if kept == nil {
		return h
	}
	h.idToken = kept.IDToken
	fact, _ := kept.Facts[factToken].(map[string]any)
	for _, claim := range []string{"login_hint", "preferred_username", "email"} {
		if h.person = claims(fact).text(claim); h.person != "" {
			return h
		}
	}
	return h
}

// The placeholders of Config.EndSession.
var endSessionPlaceholders = []string{"{client_id}", "{redirect_uri}", "{id_token}", "{logout_hint}"}

// fillEndSession is the configured address, without the ID token where it would
// be too long with it.
func (l *Login) fillEndSession(h hints, redirect string) string {
	fill := func(idToken string) string {
		values := []string{l.config.ClientID, redirect, idToken, h.person}
		var pairs []string
		for i, name := range endSessionPlaceholders {
			pairs = append(pairs, name, url.QueryEscape(values[i]))
		}
		return strings.NewReplacer(pairs...).Replace(l.config.EndSession)
	}
	if location := fill(h.idToken); len(location) <= maxEndSession {
		return location
	}
	return fill("")
}

// checkEndSession finds a placeholder that there is not, and one that could lead
// people elsewhere.
func (c *Config) checkEndSession() error {
	if c.EndSession == "" {
		return nil
	}
	front, query, _ := strings.Cut(c.EndSession, "?")
	for _, name := range endSessionPlaceholders {
		query = strings.ReplaceAll(query, name, "")
	}
	if strings.ContainsAny(front+query, "{}") {
		return fmt.Errorf("end_session: in its query there can be %s, and nothing else in braces", strings.Join(endSessionPlaceholders, ", "))
	}
	if _, err := parseEndpoint(front, true); err != nil {
		return fmt.Errorf("end_session %w", err)
	}
	if _, err := url.ParseQuery(query); err != nil {
		return errors.New("end_session has a query that cannot be read: is a % or ; not encoded?")
	}
	return nil
}
