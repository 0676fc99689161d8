package endpoint

import (
	"context"
	"errors"
	"net/http"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/web"
)

// backchannel is POST /auth/backchannel-logout/{name}: the provider says that a
// session of its own, or all of a person's, have ended (OpenID Connect
// Back-Channel Logout 1.0).
type backchannel struct {
	provider Provider
	sessions *lifecycle.Sessions
	events   lifecycle.Events
}

func backchannelRoute(c Config, p Provider) Route {
	b := backchannel{p, c.Sessions, c.Events}
	return Route{Path: "/backchannel-logout/" + p.Name(), Answers: map[string]http.HandlerFunc{http.MethodPost: b.post}, Reads: true, Unshared: true}
}

func (b backchannel) post(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store") // section 2.8
	if mediaType(r) != mediaForm || r.ParseForm() != nil || len(r.PostForm["logout_token"]) != 1 {
		refusal.CloseUnread(w, r)
		refuseLogoutToken(w)
		return
	}
	err := b.end(caller.Asking(r), r.PostForm.Get("logout_token"))
	switch {
	case err == nil:
		w.WriteHeader(http.StatusOK)
	case errors.Is(err, oidc.ErrInvalidLogoutToken):
		b.events.Happened(caller.Asker(r).Of(lifecycle.Event{Kind: SignOutRefused, Login: b.provider.Name(), Err: err}))
		refuseLogoutToken(w)
	case errors.Is(err, lifecycle.ErrReplayed):
		b.events.Happened(caller.Asker(r).Of(lifecycle.Event{Kind: SignOutReplayed, Login: b.provider.Name()}))
		refuseLogoutToken(w)
	case errors.Is(err, oidc.ErrNotYet):
		b.events.Happened(caller.Asker(r).Of(lifecycle.Event{Kind: SignOutRefused, Login: b.provider.Name(), Err: err}))
		refusal.NotYetVerified.WriteJSON(w)
	default:
		// The provider may send it again; nobody was told of a success.
		b.events.Trouble(r.Context(), "a provider's sign-out could not be carried out", err)
		refusal.Unavailable.WriteJSON(w)
	}
}

// end verifies the token and ends what it names.
func (b backchannel) end(ctx context.Context, raw string) error {
	token, err := b.provider.VerifyLogoutToken(ctx, raw)
	if err != nil {
		return err
	}
	return b.sessions.EndAtSource(ctx, lifecycle.SignOut{
		Login: b.provider.Name(), SessionID: token.SessionID, Subject: token.Subject, ID: token.JTI, Expires: token.Expires,
	})
}

func refuseLogoutToken(w http.ResponseWriter) {
	web.WriteJSON(w, http.StatusBadRequest, struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}{"invalid_request", "The logout token is missing, not valid, or was used before."})
}
