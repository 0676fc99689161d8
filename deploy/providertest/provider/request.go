package provider

import (
	"context"
	"errors"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// authRequest is an attempt to sign in. A stored one is not changed: once
// somebody has signed in, a copy with their session takes its place.
type authRequest struct {
	id       string
	asked    oidc.AuthRequest
	session  *session // nil until then
	subject  string
	authTime time.Time
	family   *family // of what its code gives; nil until the code is redeemed
}

func (r *authRequest) GetID() string                      { return r.id }
func (r *authRequest) GetAMR() []string                   { return []string{"user"} }
func (r *authRequest) GetAudience() []string              { return []string{r.asked.ClientID} }
func (r *authRequest) GetAuthTime() time.Time             { return r.authTime }
func (r *authRequest) GetClientID() string                { return r.asked.ClientID }
func (r *authRequest) GetNonce() string                   { return r.asked.Nonce }
func (r *authRequest) GetRedirectURI() string             { return r.asked.RedirectURI }
func (r *authRequest) GetResponseType() oidc.ResponseType { return r.asked.ResponseType }
func (r *authRequest) GetResponseMode() oidc.ResponseMode { return r.asked.ResponseMode }
func (r *authRequest) GetScopes() []string                { return r.asked.Scopes }
func (r *authRequest) GetState() string                   { return r.asked.State }
func (r *authRequest) GetSubject() string                 { return r.subject }
func (r *authRequest) Done() bool                         { return r.session != nil }

// GetACR claims the first class that was asked for.
func (r *authRequest) GetACR() string {
	if len(r.asked.ACRValues) == 0 {
		return ""
	}
	return r.asked.ACRValues[0]
}

func (r *authRequest) GetCodeChallenge() *oidc.CodeChallenge {
	return &oidc.CodeChallenge{Challenge: r.asked.CodeChallenge, Method: r.asked.CodeChallengeMethod}
}

// CreateAuthRequest keeps a request that the library found valid. It refuses
// one without S256, for then nothing proves that the login was not downgraded
// (RFC 9700 section 4.8), and form_post, which could not carry iss.
func (s *store) CreateAuthRequest(_ context.Context, asked *oidc.AuthRequest, _ string) (op.AuthRequest, error) {
	if asked.CodeChallenge == "" || asked.CodeChallengeMethod != oidc.CodeChallengeMethodS256 {
		return nil, oidc.ErrInvalidRequest().WithDescription("PKCE with S256 is required")
	}
	if asked.ResponseMode != "" && asked.ResponseMode != oidc.ResponseModeQuery {
		return nil, oidc.ErrInvalidRequest().WithDescription("the only response_mode is query")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := &authRequest{id: random(), asked: *asked}
	s.requests.put(r.id, r, requestLife)
	return r, nil
}

// AuthRequestByID finds a request.
func (s *store) AuthRequestByID(_ context.Context, id string) (op.AuthRequest, error) {
	r, err := s.request(id)
	if err != nil {
		return nil, err
	}
	return r, nil
}

func (s *store) request(id string) (*authRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.requests.get(id)
	if !ok {
		return nil, errors.New("this sign-in has expired: begin again at the app")
	}
	return r, nil
}

// SaveAuthCode keeps the code of a request.
func (s *store) SaveAuthCode(_ context.Context, id, code string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.codes.put(code, id, codeLife)
	return nil
}

// AuthRequestByCode redeems a code. It is good once, whatever comes of it; one
// that comes again ends what it gave the first time (RFC 6749 section 4.1.2).
func (s *store) AuthRequestByCode(_ context.Context, code string) (op.AuthRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f, again := s.redeemed.get(code); again {
		f.revoked = true
		s.tally.CodeReuses++
		return nil, errors.New("the code was redeemed before")
	}
	id, _ := s.codes.take(code)
	r, ok := s.requests.get(id)
	if !ok {
		return nil, errors.New("there is no such code, or it has expired")
	}
	if _, ok := s.sessions.get(r.session.id); !ok {
		return nil, errors.New("the session has ended meanwhile")
	}
	r = r.with(r.session)
	r.family = &family{
		subject: r.subject, client: r.asked.ClientID, sid: r.session.id,
		scopes: r.asked.Scopes, authTime: r.authTime,
	}
	s.redeemed.put(code, r.family, sessionLife)
	return r, nil
}

// with is a copy of the request that the session's person has signed in to.
func (r *authRequest) with(in *session) *authRequest {
	done := *r
	done.session, done.subject, done.authTime = in, in.subject, in.since
	return &done
}

// DeleteAuthRequest forgets a request that was answered.
func (s *store) DeleteAuthRequest(_ context.Context, id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests.take(id)
	return nil
}
