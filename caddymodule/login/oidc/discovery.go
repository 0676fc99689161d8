package oidc

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// How long the provider's documents are used before they are fetched again.
const (
	metadataAge = 6 * time.Hour
	keysAge     = time.Hour
)

// wellKnown is behind the issuer (OpenID Connect Discovery 1.0 section 4).
const wellKnown = "/.well-known/openid-configuration"

// metadata is what we need of OpenID Connect Discovery 1.0 section 3, RFC 9207
// section 3 and RP-Initiated Logout 1.0 section 2.1.
type metadata struct {
	Issuer         string
	Authorization  string
	Token          string
	Keys           string
	UserInfo       string
	EndSession     string
	Algorithms     []string
	AuthAlgorithms []string
	SendsIssuer    bool
}

func readMetadata(document []byte) (*metadata, error) {
	m := new(metadata)
	return m, readMembers(document, map[string]any{
		"issuer":                                &m.Issuer,
		"authorization_endpoint":                &m.Authorization,
		"token_endpoint":                        &m.Token,
		"jwks_uri":                              &m.Keys,
		"userinfo_endpoint":                     &m.UserInfo,
		"end_session_endpoint":                  &m.EndSession,
		"id_token_signing_alg_values_supported": &m.Algorithms,
		"token_endpoint_auth_signing_alg_values_supported": &m.AuthAlgorithms,
		"authorization_response_iss_parameter_supported":   &m.SendsIssuer,
	})
}

// discover returns the provider's metadata.
func (l *Login) discover(ctx context.Context) (*metadata, error) {
	return l.metadata.within(ctx, metadataAge)
}

func (l *Login) fetchMetadata(ctx context.Context) (*metadata, error) {
	const what = "the discovery document"
	address := l.config.Discovery
	if address == "" {
		address = strings.TrimSuffix(l.config.Issuer, "/") + wellKnown
	}
	a, err := l.document(ctx, what, address)
	if err != nil {
		return nil, err
	}
	if err := checkJSON(a.body); err != nil {
		return nil, because(ErrProvider, "%s %w", what, err)
	}
	m, err := readMetadata(a.body)
	if err != nil {
		return nil, because(ErrProvider, "%s holds a member of a wrong type", what)
	}
	if err := m.check(l.config.Issuer); err != nil {
		return nil, because(ErrProvider, "%s %w", what, err)
	}
	return m, nil
}

// check holds the document to its issuer, which must be the configured one to
// the letter: else a provider could stand in for another (RFC 9700 section
// 4.4). Only a loopback issuer may have endpoints without TLS.
func (m *metadata) check(issuer string) error {
	if m.Issuer != issuer {
		return fmt.Errorf("is of the issuer %s, and the configured one is %s: write it exactly as the provider does, "+
			"with or without the slash at its end", shownURL(m.Issuer), shownURL(issuer))
	}
	loopback := strings.HasPrefix(strings.ToLower(issuer), "http:")
	for _, e := range []struct {
		name, address string
		optional      bool
	}{
		{"authorization_endpoint", m.Authorization, false},
		{"token_endpoint", m.Token, false},
		{"jwks_uri", m.Keys, false},
		{"userinfo_endpoint", m.UserInfo, true},
		{"end_session_endpoint", m.EndSession, true},
	} {
		if e.address == "" && e.optional {
			continue
		}
		if _, err := parseEndpoint(e.address, loopback); err != nil {
			return fmt.Errorf("has a %s that %w", e.name, err)
		}
	}
	return nil
}
