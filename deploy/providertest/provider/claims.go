package provider

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/zitadel/oidc/v3/pkg/oidc"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// granted is the access token of that id, if it and its person are there.
func (s *store) granted(id string) (*accessToken, Person, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, ok := s.access.get(id)
	if !ok {
		return nil, Person{}, errors.New("there is no such access token, or it has expired")
	}
	person, ok := s.people[a.subject]
	if !ok {
		return nil, Person{}, errors.New("there is no such person any more")
	}
	return a, person, nil
}

// SetUserinfoFromToken answers at the userinfo endpoint.
func (s *store) SetUserinfoFromToken(_ context.Context, info *oidc.UserInfo, id, _, _ string) error {
	a, person, err := s.granted(id)
	if err == nil {
		person.tellAbout(info, a.scopes)
	}
	return err
}

// SetIntrospectionFromToken tells a client about an access token of its own.
func (s *store) SetIntrospectionFromToken(_ context.Context, answer *oidc.IntrospectionResponse, id, _, client string) error {
	a, person, err := s.granted(id)
	if err != nil {
		return err
	}
	if a.client != client {
		return errors.New("the token is of another client")
	}
	info := new(oidc.UserInfo)
	person.tellAbout(info, a.scopes)
	answer.SetUserInfo(info)
	answer.Scope, answer.ClientID, answer.Expiration = a.scopes, a.client, oidc.FromTime(a.expires)
	return nil
}

// SetUserinfoFromScopes is the library's former way; see
// SetUserinfoFromRequest.
func (s *store) SetUserinfoFromScopes(context.Context, *oidc.UserInfo, string, string, []string) error {
	return nil
}

// SetUserinfoFromRequest puts into an ID token what it says of the person and
// the session.
func (s *store) SetUserinfoFromRequest(_ context.Context, info *oidc.UserInfo, request op.IDTokenRequest, scopes []string) error {
	f, err := familyOf(request)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	person, ok := s.people[f.subject]
	if !ok {
		return oidc.ErrInvalidGrant().WithDescription("there is no such person any more")
	}
	if s.clients[f.client].ClaimsOnlyInUserInfo {
		person.Claims = nil
	}
	person.tellAbout(info, slices.Clone(scopes))
	info.AppendClaims("sid", f.sid)
	return nil
}

// GetPrivateClaimsFromScopes are what an access token says that is a JWT.
func (s *store) GetPrivateClaimsFromScopes(_ context.Context, subject, _ string, _ []string) (map[string]any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.people[subject].AccessClaims), nil
}
