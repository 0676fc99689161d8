package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// errInvalidGrant says that the provider refuses the code or refresh token.
var errInvalidGrant = errors.New("the token endpoint answers invalid_grant")

// tokens is the token endpoint's answer.
type tokens struct {
	Access  string
	Type    string
	Refresh string
	ID      string
	// At is when they were asked for, and Life how long the access token is good from
	// then on; 0: that is not said.
	At   time.Time
	Life time.Duration
	// odd tells of a refresh token that is none.
	odd error
}

// readTokens returns with an error what could be read.
func readTokens(body []byte) (t tokens, err error) {
	var members map[string]any
	if err := json.Unmarshal(withoutMark(body), &members); err != nil || members == nil {
		return t, errors.New("something that is not JSON, or no object")
	}
	for name, into := range map[string]*string{"access_token": &t.Access, "token_type": &t.Type, "id_token": &t.ID} {
		value := members[name]
		text, ok := value.(string)
		if *into = text; value != nil && !ok {
			err = fmt.Errorf("%s that is %s and not a text", withArticle(name), inJSON(value))
		}
	}
	t.Life = lifeOf(members["expires_in"])
	refresh := members["refresh_token"]
	text, ok := refresh.(string)
	if t.Refresh = text; refresh != nil && !ok {
		t.odd = errors.New("the token endpoint gives a refresh token that is " + inJSON(refresh) +
			" and not a text, which is left out: people are not asked about anew")
	}
	return t, err
}

// grant asks the token endpoint, in one attempt: codes and rotating refresh
// tokens are good for one only. net/http repeats a POST only if nothing of it
// was written, or an HTTP/2 server says that it did not look at it.
//
// The request is our own, not that of x/oauth2: that one cannot sign an
// assertion for a refresh, and its errors repeat the answer. The answer is not
// checked yet, and what could be read of it is returned with an error too: a
// new refresh token must be kept even if the rest is worthless.
//
// Where the endpoint that is known is there no longer, nobody has seen what was
// sent, and the new one is asked.
func (l *Login) grant(ctx context.Context, form url.Values) (tokens, error) {
	m, err := l.discover(ctx)
	if err != nil {
		return tokens{}, err
	}
	t, err := l.grantAt(ctx, m, form)
	if now := l.elsewhere(ctx, err, m, func(m *metadata) string { return m.Token }); now != nil && unseen(err) {
		return l.grantAt(ctx, now, form)
	}
	return t, err
}

func unseen(err error) bool {
	m, is := errors.AsType[*moved](err)
	return is && m.unseen
}

func (l *Login) grantAt(ctx context.Context, m *metadata, form url.Values) (tokens, error) {
	const what = "the token endpoint"
	request, err := l.grantRequest(ctx, m, form)
	if err != nil {
		return tokens{}, err
	}
	at := l.now()
	a, err := l.call(what, request)
	if err != nil {
		return tokens{}, err
	}
	if a.status != http.StatusOK {
		return tokens{}, l.refusal(a, m)
	}
	t, err := readTokens(a.body)
	t.At = at
	if err != nil {
		return t, &moved{because(ErrProvider, "%s at %s answers with %w", what, shownURL(withoutQuery(m.Token)), err), false}
	}
	l.notice.once("refresh token", t.odd)
	return t, nil
}

func (l *Login) grantRequest(ctx context.Context, m *metadata, form url.Values) (*http.Request, error) {
	if err := l.identify(m, form); err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, m.Token, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, because(ErrProvider, "the token endpoint has no usable address")
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if l.authMethod(m) == AuthBasic {
		// Encoded first: RFC 6749 section 2.3.1.
		request.SetBasicAuth(url.QueryEscape(l.config.ClientID), url.QueryEscape(l.config.ClientSecret))
	}
	return request, nil
}

// check refuses an answer without what the flow needs (OpenID Connect Core 1.0
// section 3.1.3.3). A token of another type is not ours to use.
func (t tokens) check() error {
	switch {
	case t.Access == "":
		return because(ErrProvider, "the token endpoint gives no access token")
	case t.Type == "":
		return because(ErrProvider, "the token endpoint gives an access token without a token_type, which must be Bearer (RFC 6749 section 5.1)")
	case !strings.EqualFold(t.Type, "Bearer"):
		return because(ErrProvider, "the token endpoint gives an access token of type %s, not Bearer", shown(t.Type))
	}
	return nil
}

// remedies tell an operator what an error of RFC 6749 section 5.2 asks for.
var remedies = map[string]string{
	"invalid_request":        "does it want another client authentication, or fail on code_verifier (`pkce off`)?",
	"invalid_client":         "check client_id, client_secret and client_auth",
	"unauthorized_client":    "allow the client the authorization code and refresh token grants",
	"unsupported_grant_type": "does it support the authorization code flow?",
	"invalid_scope":          "check scopes",
}

// refusal reads an error of the token endpoint. Only a 4xx with invalid_grant
// is a definite "no" to the code or refresh token; everything else is about us
// or about the provider.
func (l *Login) refusal(a answer, m *metadata) error {
	var code, description string
	definite := []int{http.StatusBadRequest, http.StatusUnauthorized, http.StatusForbidden}
	err := readMembers(withoutMark(a.body), map[string]any{"error": &code, "error_description": &description})
	if err == nil && code == "invalid_grant" && slices.Contains(definite, a.status) {
		return errInvalidGrant
	}
	if l.config.ClientSecret != "" && strings.Contains(description, l.config.ClientSecret) {
		description = ""
	}
	says := described(description)
	remedy, known := remedies[code]
	switch {
	case slices.Contains(passing, code):
		return because(ErrPassing, "the token endpoint answers %s%s, at %s", code, says, shownURL(withoutQuery(m.Token)))
	case code == "invalid_request" && strings.Contains(strings.ToLower(description), "redirect"):
		return because(ErrProvider, "the token endpoint answers %s%s: see which redirect URIs the client has there", code, says)
	case code == "invalid_client":
		return because(ErrProvider, "the token endpoint answers %s%s: %s%s", code, says, remedy, l.takes(m))
	case known:
		return because(ErrProvider, "the token endpoint answers %s%s: %s", code, says, remedy)
	case spelled(code) != "" && !a.gone():
		return because(ErrProvider, "the token endpoint at %s answers with status %d and the %s%s", shownURL(withoutQuery(m.Token)), a.status, unlisted(code), says)
	}
	err = because(ErrProvider, "the token endpoint at %s answers with status %d and no error of the standard", shownURL(withoutQuery(m.Token)), a.status)
	if a.gone() || a.status == http.StatusBadRequest {
		err = &moved{err, a.gone()}
	}
	return err
}

// maxDescription is the most of an error's description that the log repeats, in
// bytes. It comes from the provider itself, by TLS, and no browser brought it.
const maxDescription = 200

// described is a description in a line of the log.
func described(description string) string {
	if description == "" {
		return ""
	}
	return " (it says " + quoted(description, maxDescription) + ")"
}

// takes says which client authentication the provider takes, where it is another.
func (l *Login) takes(m *metadata) string {
	if len(m.AuthMethods) == 0 || slices.Contains(m.AuthMethods, l.authMethod(m)) {
		return ""
	}
	for _, method := range []string{AuthBasic, AuthPost, AuthPrivateKeyJWT, AuthNone} {
		if slices.Contains(m.AuthMethods, method) {
			return "; it was asked by " + l.authMethod(m) + ", and the provider takes " + method + ": say `client_auth " + method + "`"
		}
	}
	return "; it was asked by " + l.authMethod(m) + ", which the provider's discovery document does not list"
}
