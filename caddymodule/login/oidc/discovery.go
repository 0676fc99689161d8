package oidc

import (
	"context"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"
)

// How long the provider's documents are used before they are fetched again, as
// long as nothing tells that they are old: see newest.
const (
	metadataAge = 6 * time.Hour
	keysAge     = time.Hour
)

// wellKnown is behind the issuer (OpenID Connect Discovery 1.0 section 4).
const wellKnown = "/.well-known/openid-configuration"

// discover returns the provider's metadata.
func (l *Login) discover(ctx context.Context) (*metadata, error) {
	return l.metadata.within(ctx, metadataAge)
}

// newest is the metadata on evidence that what is known of it is old. It is
// fetched again, at most once in ten seconds, so that nobody who makes evidence
// up makes a flood at the provider. It is there whenever there was some; the error
// says that it may be old all the same.
func (l *Login) newest(ctx context.Context) (*metadata, error) {
	return l.metadata.again(ctx)
}

func (l *Login) fetchMetadata(ctx context.Context) (*metadata, error) {
	const what = theDocument
	address := l.config.Discovery
	if address == "" {
		address = strings.TrimSuffix(l.config.Issuer, "/") + wellKnown
	}
	a, err := l.document(ctx, what, address)
	if err != nil {
		return nil, err
	}
	document := withoutMark(a.body)
	if !utf8.Valid(document) || !json.Valid(document) {
		return nil, because(ErrProvider, "%s at %s is not JSON", what, shownURL(withoutQuery(address)))
	}
	m, odd, err := l.config.readMetadata(document)
	if err != nil {
		return nil, because(ErrProvider, "%s %w", what, err)
	}
	l.notice.of(what, odd)
	return m, nil
}
