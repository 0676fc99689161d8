package token

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
)

// MaxToken is the most that a token may have, in bytes. Longer ones are
// refused before anything is split or decoded (CVE-2025-30204).
const MaxToken = 8 * 1024

const (
	typeSession   = "session+jwt"
	typeAssertion = "identity+jwt"
)

var (
	// ErrInvalid says that a token is none of ours, or no longer good. What is
	// wrapped around it gives the reason, is safe to log, and holds nothing of
	// the token.
	ErrInvalid = errors.New("token is not valid")
	// ErrExpired is the ErrInvalid of a token that was good until its exp.
	ErrExpired = fmt.Errorf("%w: it has expired", ErrInvalid)
)

// encoding refuses trailing bits that are not zero, so that a segment has one
// spelling only (RFC 4648 section 3.5).
var encoding = base64.RawURLEncoding.Strict()

// neverObeyed are header members by which a token would choose its own key or
// its own rules (RFC 8725 section 3.10, RFC 7515 section 4.1.11).
var neverObeyed = []string{"crit", "jku", "jwk", "x5c", "x5t", "x5t#S256", "x5u", "b64", "zip", "cty"}

var headerNames = append([]string{"alg", "kid", "typ"}, neverObeyed...)

// open checks the form, the header and the signature of a token of that typ
// and returns its claims, still unchecked.
//
// A ring writes one header for each key and typ, byte for byte. A token is
// ours only if its first segment is one of those: so the algorithm is always
// that of the key, and no crit, jku or second alg is ever interpreted. Nothing
// of the claims is decoded before the signature holds.
//
// An ECDSA signature (r, s) has a twin (r, n-s) that is as good, so one token
// has several spellings. Nothing may be keyed by a token's text.
func (r *Ring) open(raw, typ string) (object, error) {
	header, payload, signature, err := split(raw)
	if err != nil {
		return nil, err
	}
	k := r.verifiers[typ][header]
	if k == nil {
		return nil, r.explain(header, typ)
	}
	sig, err := encoding.DecodeString(signature)
	if err != nil {
		return nil, invalid("signature is not canonical base64url")
	}
	if !k.verify(raw[:len(header)+1+len(payload)], sig) {
		return nil, invalid("signature does not match")
	}
	return decodeObject(payload, "claims", claimNames)
}

// split refuses all but three segments of base64url. The decoder would skip
// CR and LF, hence the check of every character.
func split(raw string) (header, payload, signature string, err error) {
	if len(raw) > MaxToken {
		return "", "", "", invalid(fmt.Sprintf("it is longer than %d bytes", MaxToken))
	}
	for i := range len(raw) {
		if !tokenByte(raw[i]) {
			return "", "", "", invalid("it holds a character that is not base64url")
		}
	}
	if strings.Count(raw, ".") != 2 {
		return "", "", "", invalid("it does not have three segments")
	}
	header, rest, _ := strings.Cut(raw, ".")
	payload, signature, _ = strings.Cut(rest, ".")
	if header == "" || payload == "" || signature == "" {
		return "", "", "", invalid("a segment of it is empty")
	}
	return header, payload, signature, nil
}

func tokenByte(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.'
}

// explain says why a header is none of ours. The token is refused whatever it
// finds.
func (r *Ring) explain(header, typ string) error {
	h, err := decodeObject(header, "header", headerNames)
	if err != nil {
		return err
	}
	for _, name := range neverObeyed {
		if _, ok := h[name]; ok {
			return invalid("header holds " + name + ", which is never obeyed")
		}
	}
	c := claims{object: h}
	alg, kid, got := c.text("alg"), c.text("kid"), c.text("typ")
	switch k := r.find(kid); {
	case c.err != nil:
		return c.err
	case got != typ:
		return invalid("typ is not " + typ)
	case k == nil:
		return invalid("its key is not in the ring: was a secret or signing key taken out, or is it not ours?")
	case alg != k.method.Alg():
		return invalid("alg is not that of its key")
	}
	return invalid("header is not written as this gateway writes it")
}

func (r *Ring) find(id string) *signingKey {
	for _, k := range r.signing {
		if k.id == id {
			return k
		}
	}
	return nil
}

func invalid(reason string) error { return fmt.Errorf("%w: %s", ErrInvalid, reason) }
