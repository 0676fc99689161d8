package caddymodule

import (
	"context"
	"errors"
	"net/http"
	"time"

	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/sessionstore"
)

// sourceNames are the names by which the session's source may ask for its end:
// its own session's, and the person's.
func (g *gateway) sourceNames(s *sessionstore.Session) []string {
	if _, ok := g.app.provider(s.Method); !ok {
		return nil
	}
	names := []string{sourceName("sub", s.Method, s.Subject)}
	if s.SourceSession != "" {
		names = append(names, sourceName("sid", s.Method, s.SourceSession))
	}
	return names
}

func sourceName(kind, method, value string) string { return kind + "\x00" + method + "\x00" + value }

// postBackchannelLogout answers POST /auth/backchannel-logout/{name}: the
// provider says that a session of its own, or all of a person's, have ended
// (OpenID Connect Back-Channel Logout 1.0).
func postBackchannelLogout(g *gateway, p provider, w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store") // section 2.8
	if mediaType(r) != mediaForm || r.ParseForm() != nil || len(r.PostForm["logout_token"]) != 1 {
		closeUnread(w, r)
		refuseLogoutToken(w)
		return
	}
	token, err := p.VerifyLogoutToken(r.Context(), r.PostForm.Get("logout_token"))
	if errors.Is(err, oidc.ErrInvalidLogoutToken) {
		g.app.logger.Warn("a logout token was refused", zap.String("login", p.Name()), zap.Error(err))
		refuseLogoutToken(w)
		return
	}
	if err == nil {
		err = g.logOut(r.Context(), p, token)
	}
	switch {
	case errors.Is(err, errReplayed):
		g.app.logger.Warn("a logout token was refused: it came before", zap.String("login", p.Name()))
		refuseLogoutToken(w)
	case err != nil:
		// The provider may send it again; nobody was told of a success.
		g.reportStore(r.Context(), "a provider's sign-out could not be carried out", err)
		refuseUnavailable.writeJSON(w)
	default:
		w.WriteHeader(http.StatusOK)
	}
}

func refuseLogoutToken(w http.ResponseWriter) {
	writeJSON(w, http.StatusBadRequest, struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{"invalid_request", "The logout token is missing, not valid, or was used before."})
}

var errReplayed = errors.New("the logout token came before")

// logOut ends what the token names. A token counts as used once that is done,
// and not before: what failed, with a store that could not even be told of it,
// may be sent again. Used is one whose jti is linked to anything.
func (g *gateway) logOut(ctx context.Context, p provider, token oidc.LogoutToken) error {
	// From here on the provider's patience must not leave it half done.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), logoutTime)
	defer cancel()
	used := sourceName("jti", p.Name(), token.JTI)
	before, err := g.store.Linked(ctx, used)
	if err != nil {
		return err
	}
	if len(before) > 0 {
		return errReplayed
	}
	name := sourceName("sub", p.Name(), token.Subject)
	if token.SessionID != "" {
		name = sourceName("sid", p.Name(), token.SessionID)
		// A sign-in of that session may be under way and have no name yet.
		if err := g.store.Link(ctx, sourceName("out", p.Name(), token.SessionID), someKey, signInTime); err != nil {
			return err
		}
	}
	ended, err := g.endLinked(ctx, name)
	if err == nil {
		err = g.store.Link(ctx, used, someKey, max(token.Expires.Sub(g.app.now()), 0)+logoutLeeway)
	}
	if err != nil {
		return err
	}
	g.app.metrics.endedByLogin.Add(float64(ended))
	g.app.logger.Info("sessions ended: their provider says so", zap.String("login", p.Name()), zap.Int("sessions", ended))
	return nil
}

// someKey stands where a name is only to be known: it is no session's.
var someKey = sessionstore.NewSecret(0).Key()

// signedOutAtSource reports whether the session's source has lately ended its
// own session, of which this one is.
func (g *gateway) signedOutAtSource(ctx context.Context, s *sessionstore.Session) (bool, error) {
	if s.SourceSession == "" {
		return false, nil
	}
	out, err := g.store.Linked(ctx, sourceName("out", s.Method, s.SourceSession))
	return len(out) > 0, err
}

const (
	// signInTime is longer than a sign-in takes from the provider's tokens to
	// its session.
	signInTime = 5 * time.Minute
	// logoutTime bounds the work for one logout token.
	logoutTime = 30 * time.Second
	// logoutLeeway is how long a token is remembered past its time, for clocks
	// that disagree.
	logoutLeeway = 15 * time.Minute
)

// endLinked ends the sessions of that name. It ends them twice: one that was
// being made meanwhile either finds its link gone, and ends itself, or is there
// for the second time (see create).
func (g *gateway) endLinked(ctx context.Context, name string) (int, error) {
	keys, err := g.store.Linked(ctx, name)
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	if err := g.endAll(ctx, keys); err != nil {
		return 0, err
	}
	if err := g.store.Unlink(ctx, name, keys...); err != nil {
		return 0, err
	}
	if err := g.endAll(ctx, keys); err != nil {
		for _, key := range keys { // to be found again
			err = errors.Join(err, g.store.Link(ctx, name, key, time.Duration(g.app.Lifetime)))
		}
		return 0, err
	}
	return len(keys), nil
}

func (g *gateway) endAll(ctx context.Context, keys []sessionstore.Key) error {
	for _, key := range keys {
		if err := g.end(ctx, key); err != nil {
			return err
		}
	}
	return nil
}
