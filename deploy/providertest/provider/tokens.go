package provider

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// family is all refresh tokens that came of one sign-in: one that is good, and
// those that are spent.
type family struct {
	subject  string
	client   string
	sid      string
	scopes   []string
	authTime time.Time
	current  string
	revoked  bool
}

// refreshRequest is a family as the library asks it when a token of it is
// presented.
type refreshRequest struct {
	*family
	asked []string // fewer scopes than granted, if the client asked for fewer
}

func (r *refreshRequest) GetAMR() []string                { return []string{"user"} }
func (r *refreshRequest) GetAudience() []string           { return []string{r.client} }
func (r *refreshRequest) GetAuthTime() time.Time          { return r.authTime }
func (r *refreshRequest) GetClientID() string             { return r.client }
func (r *refreshRequest) GetSubject() string              { return r.subject }
func (r *refreshRequest) SetCurrentScopes(asked []string) { r.asked = asked }

func (r *refreshRequest) GetScopes() []string {
	if r.asked != nil {
		return r.asked
	}
	return r.scopes
}

type accessToken struct {
	*family
	scopes  []string
	expires time.Time
}

// familyOf is the family that a request's tokens belong to.
func familyOf(request op.TokenRequest) (*family, error) {
	switch r := request.(type) {
	case *authRequest:
		return r.family, nil
	case *refreshRequest:
		return r.family, nil
	default:
		return nil, oidc.ErrUnsupportedGrantType()
	}
}

// CreateAccessToken makes an access token.
func (s *store) CreateAccessToken(_ context.Context, request op.TokenRequest) (string, time.Time, error) {
	f, err := familyOf(request)
	if err != nil {
		return "", time.Time{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	id, expires := s.newAccessToken(f, request.GetScopes())
	return id, expires, nil
}

func (s *store) newAccessToken(f *family, scopes []string) (id string, expires time.Time) {
	id, expires = random(), s.now().Add(s.config.AccessTokenLife)
	s.access.put(id, &accessToken{f, scopes, expires}, s.config.AccessTokenLife)
	return id, expires
}

// CreateAccessAndRefreshTokens makes the first refresh token of a family, or
// exchanges the present one for the next. Of several calls with one token at
// the same moment one succeeds; the others are reuse.
func (s *store) CreateAccessAndRefreshTokens(_ context.Context, request op.TokenRequest, presented string) (id, refresh string, expires time.Time, err error) {
	f, err := familyOf(request)
	if err != nil {
		return "", "", time.Time{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.presented(f, presented); err != nil {
		return "", "", time.Time{}, err
	}
	if presented == "" || !s.config.KeepRefreshTokens {
		refresh = random()
		f.current = refresh
		s.families.put(refresh, f, refreshLife)
	}
	if presented != "" && refresh != "" {
		s.tally.Rotations++
	}
	id, expires = s.newAccessToken(f, request.GetScopes())
	return id, refresh, expires, nil
}

// presented checks a refresh token of the family. The store is locked.
func (s *store) presented(f *family, token string) error {
	switch {
	case token != f.current:
		f.revoked = true
		s.tally.Reuses++
		return oidc.ErrInvalidGrant().WithDescription("the refresh token was used before")
	case f.revoked:
		return oidc.ErrInvalidGrant().WithDescription("the refresh token was revoked")
	}
	if _, known := s.people[f.subject]; !known {
		return oidc.ErrInvalidGrant().WithDescription("there is no such person any more")
	}
	return nil
}

// TokenRequestByRefreshToken finds what a refresh token stands for.
func (s *store) TokenRequestByRefreshToken(_ context.Context, token string) (op.RefreshTokenRequest, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.families.get(token)
	if !ok {
		return nil, errors.New("there is no such refresh token")
	}
	if err := s.presented(f, token); err != nil {
		return nil, err
	}
	return &refreshRequest{family: f}, nil
}

// revokeTokens ends the tokens of a session. The store is locked.
func (s *store) revokeTokens(sid string) {
	for _, entry := range s.families.kept {
		if entry.value.sid == sid {
			entry.value.revoked = true
		}
	}
	maps.DeleteFunc(s.access.kept, func(_ string, entry dated[*accessToken]) bool { return entry.value.sid == sid })
}

// GetRefreshTokenInfo tells refresh tokens from access tokens.
func (s *store) GetRefreshTokenInfo(_ context.Context, _, token string) (subject, id string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, ok := s.families.get(token)
	if !ok {
		return "", "", op.ErrInvalidRefreshToken
	}
	return f.subject, token, nil
}

// RevokeToken revokes an access token by its id, or a refresh token with all
// of its family (RFC 7009 section 2.1).
func (s *store) RevokeToken(_ context.Context, token, _, client string) *oidc.Error {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, refresh := s.families.get(token)
	if a, ok := s.access.get(token); ok {
		f = a.family
	}
	switch {
	case f == nil: // it is good for nothing already
	case f.client != client:
		return oidc.ErrInvalidClient().WithDescription("the token is of another client")
	case refresh:
		f.revoked = true
	default:
		s.access.take(token)
	}
	return nil
}
