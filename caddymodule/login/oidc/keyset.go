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
	keys, odd, err := parseKeys(withoutMark(a.body))
	l.notice.of("keys", odd)
	if err != nil {
		err = &moved{fmt.Errorf("%w, at %s", err, shownURL(withoutQuery(address))), false}
	}
	return keys, err
}

// parseKeys reads a JWK set. Keys that are for encryption are left out without a
// word, for a provider may publish what others need, unless no other is left; odd
// tells of those that could have been for signatures (RFC 7517 section 5), and of
// members that were not looked at, and is nil when there are none.
func parseKeys(body []byte) (keys []publicKey, odd, err error) {
	set, err := keysIn(body)
	if err != nil {
		return nil, nil, because(ErrProvider, "the provider's key set %w", err)
	}
	if len(set) > maxKeys {
		return nil, nil, because(ErrProvider, "the provider's key set has more than %d keys", maxKeys)
	}
	var why []string
	others := 0
	for i, raw := range set {
		key, said, err := parseKey(raw)
		if err != nil {
			said = append(said, err.Error())
		}
		for _, what := range said {
			why = append(why, fmt.Sprintf("key %d %s", i+1, what))
		}
		switch {
		case key.key != nil:
			keys = append(keys, key)
		case err == nil:
			others++
		}
	}
	if why != nil {
		odd = errors.New("of the provider's key set, " + strings.Join(why, "; "))
	}
	if len(keys) == 0 { // an empty answer must not replace keys that work
		err = because(ErrProvider, "the provider's key set has no key for signatures%s", ofThose(len(set), others))
	}
	return keys, odd, err
}

// ofThose says what is in a set without keys for signatures.
func ofThose(all, others int) string {
	switch {
	case all == 0:
		return ", for it is empty"
	case others > 0:
		return fmt.Sprintf(": of its %d, %d are left out for they are for encryption, as their use says", all, others)
	}
	return ""
}

// keysIn are the members of a key set.
func keysIn(body []byte) (set []json.RawMessage, err error) {
	var found any
	if err := json.Unmarshal(body, &found); err != nil {
		return nil, errors.New("is not JSON")
	}
	members, ok := found.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("is %s and not an object with keys in it", inJSON(found))
	}
	switch keys, there := members["keys"]; {
	case !there && members["kty"] != nil:
		return nil, errors.New("is a lone key and not an object with keys in it")
	case !there:
		return nil, errors.New("has no keys in it")
	default:
		if _, list := keys.([]any); !list {
			return nil, fmt.Errorf("has keys that are %s and not a list", inJSON(keys))
		}
	}
	return set, readMembers(body, map[string]any{"keys": &set})
}
