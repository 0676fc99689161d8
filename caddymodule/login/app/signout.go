package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/source"
)

// SignOut tells the app that somebody has signed out, with the token and the
// cookies that it gave them, and waits for its answer as long as for that of a
// sign-in. No redirect is followed. An app that knows the session no longer (401, 403)
// has been told.
func (l *Login) SignOut(ctx context.Context, kept *profile.Kept) error {
	if l.config.Logout == "" || kept == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, l.config.Timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, l.logout, nil)
	if err != nil {
		return l.trouble(errors.New("its logout cannot be asked"))
	}
	r.Header.Set("User-Agent", "sidegate")
	source.SetHeaders(r, l.config.Headers)
	l.giveBack(r.Header, kept)
	answer, err := source.Ask(ctx, source.Who{Kind: source.Login, Name: l.config.Name}, l.config.Transport, r)
	switch {
	case err != nil && answer.Status == 0: // a status says it all
		return l.trouble(fmt.Errorf("logout: %w", err))
	case answer.Status < 400, answer.Status == http.StatusUnauthorized, answer.Status == http.StatusForbidden:
		return nil
	case answer.Status < 500 && !slices.Contains(passing, answer.Status):
		return &login.Definite{Err: l.trouble(fmt.Errorf("logout: the app answers %d", answer.Status))}
	}
	return l.trouble(fmt.Errorf("logout: the app answers %d", answer.Status))
}

// passing are answers of 4xx that may be others the next time.
var passing = []int{http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests}

// SignsOut reports whether the app is told of sign-outs.
func (l *Login) SignsOut() bool { return l.config.Logout != "" }

func (l *Login) giveBack(h http.Header, kept *profile.Kept) {
	if kept.UpstreamToken != "" && !strings.ContainsFunc(kept.UpstreamToken, control) {
		h.Set("Authorization", "Bearer "+kept.UpstreamToken)
	}
	if line := profile.ReadAppCookies(kept.UpstreamCookies).Line(l.config.Now()); line != "" {
		h.Set("Cookie", line)
	}
}

var _ login.Leaver = (*Login)(nil)
