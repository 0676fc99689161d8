package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

const maxKeys = 100

func (l *Login) fetchKeys(ctx context.Context) ([]publicKey, error) {
	m, err := l.discover(ctx)
	if err != nil {
		return nil, err
	}
	keys, err := l.keysAt(ctx, m.Keys)
	if now := l.elsewhere(ctx, err, m, keysOf); now != nil {
		return l.keysAt(ctx, now.Keys)
	}
	return keys, err
}

func keysOf(m *metadata) string { return m.Keys }

func (l *Login) keysAt(ctx context.Context, address string) ([]publicKey, error) {
	a, err := l.document(ctx, "the provider's key set", address)
	if err != nil {
		return nil, err
	}
	keys, odd, err := parseKeys(a.body)
	l.notice.of("keys", odd)
	if err != nil {
		err = &moved{fmt.Errorf("%w, at %s", err, shownURL(withoutQuery(address))), false}
	}
	return keys, err
}

// parseKeys reads a JWK set. Keys that are for encryption are left out without a
// word, for a provider may publish what others need; odd tells of those that could
// have been for signatures (RFC 7517 section 5), and of members that were not looked
// at, and is nil when there are none.
func parseKeys(body []byte) (keys []publicKey, odd, err error) {
	var set []json.RawMessage
	if err := readMembers(body, map[string]any{"keys": &set}); err != nil {
		return nil, nil, because(ErrProvider, "the provider's key set is not JSON")
	}
	if len(set) > maxKeys {
		return nil, nil, because(ErrProvider, "the provider's key set has more than %d keys", maxKeys)
	}
	var why []string
	for i, raw := range set {
		key, said, err := parseKey(raw)
		if err != nil {
			said = append(said, err.Error())
		}
		for _, what := range said {
			why = append(why, fmt.Sprintf("key %d %s", i+1, what))
		}
		if key.key != nil {
			keys = append(keys, key)
		}
	}
	if why != nil {
		odd = errors.New("of the provider's key set, " + strings.Join(why, "; "))
	}
	if len(keys) == 0 { // an empty answer must not replace keys that work
		err = because(ErrProvider, "the provider's key set has no key for signatures")
	}
	return keys, odd, err
}
