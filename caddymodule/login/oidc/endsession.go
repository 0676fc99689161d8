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

// EndSession is where a browser that signs out here goes next, so that the
// provider's session ends too.
type EndSession struct {
	// Location is an address of less than 2,000 bytes to send it to.
	Location string
	// PostTo and Form are what it had better post, where Location had no room for
	// what tells the provider whose session it is. PostTo is empty where there was.
	PostTo string
	Form   url.Values
}

// EndSession is OpenID Connect RP-Initiated Logout 1.0 section 2. kept is what the
// session that ends kept of its sign-in; postLogoutRedirect, registered at the
// provider, is where it sends the browser afterwards, or empty.
//
// Where the ID token is too long to be a hint in an address, it can be posted, which
// every provider takes that keeps to the standard; by the address the provider is
// told who it is about by logout_hint. A configured address takes no posts.
//
// ok is false when the provider has no such place or does not say within two
// seconds: a sign-out here never waits for the provider.
func (l *Login) EndSession(ctx context.Context, kept *profile.Kept, postLogoutRedirect string) (end EndSession, ok bool) {
	h := hintsOf(kept)
	if l.config.EndSession != "" {
		return EndSession{Location: l.fillEndSession(h, postLogoutRedirect)}, true
	}
	ctx, cancel := context.WithTimeout(ctx, endSessionPatience)
	defer cancel()
	m, err := l.discover(ctx)
	if err != nil || m.EndSession == "" {
		return EndSession{}, false
	}
	whole := l.endSessionQuery(postLogoutRedirect, "id_token_hint", h.idToken)
	for _, query := range []url.Values{
		whole,
		l.endSessionQuery(postLogoutRedirect, "logout_hint", h.person),
		l.endSessionQuery(postLogoutRedirect, "", ""),
	} {
		if end.Location = withQuery(m.EndSession, query); len(end.Location) <= maxEndSession {
			break
		}
	}
	if at := withQuery(m.EndSession, whole); h.idToken != "" && at != end.Location {
		end.PostTo, end.Form = m.EndSession, whole
	}
	return end, true
}

// endSessionQuery has the hint of that name, if there is any.
func (l *Login) endSessionQuery(redirect, hint, value string) url.Values {
	query := url.Values{"client_id": {l.config.ClientID}}
	if redirect != "" {
		query.Set("post_logout_redirect_uri", redirect)
	}
	if value != "" {
		query.Set(hint, value)
	}
	return query
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

// fillEndSession is the configured address. What it has no room for is left out,
// what says the least first.
func (l *Login) fillEndSession(h hints, redirect string) (location string) {
	for i, some := range []hints{h, {idToken: h.idToken}, {person: h.person}, {}} {
		values := []string{l.config.ClientID, redirect, some.idToken, some.person}
		var pairs []string
		for at, name := range endSessionPlaceholders {
			pairs = append(pairs, name, url.QueryEscape(values[at]))
		}
		if location = strings.NewReplacer(pairs...).Replace(l.config.EndSession); len(location) <= maxEndSession {
			if i > 0 {
				l.notice.once("sign-out", fmt.Errorf("end_session has more than %d bytes with the hints of some people, so that they are told of without: "+
					"see whether their session there ends", maxEndSession))
			}
			return location
		}
	}
	return location
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
