package oidc

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

const (
	maxIDToken     = 64 << 10 // bytes; some providers put hundreds of groups in
	maxLogoutToken = 8 << 10  // bytes
)

// flaw is what is wrong with a token. kind is the sentinel that it means at
// sign-in. It is for certain, unless it is unsure: then what was known of the
// provider may be old.
type flaw struct {
	kind   error
	why    string
	unsure bool
}

func (f *flaw) Error() string { return fmt.Sprintf("%v: the token %s", f.kind, f.why) }
func (f *flaw) Unwrap() error { return f.kind }

// flawed is a flaw of the provider's making.
func flawed(why string) error { return &flaw{kind: ErrProvider, why: why} }

// signed is a token whose signature holds.
type signed struct {
	alg     jose.SignatureAlgorithm
	claims  claims
	payload []byte
}

// encoding refuses trailing bits that are not zero, so that a segment has one
// spelling only (RFC 4648 section 3.5).
var encoding = base64.RawURLEncoding.Strict()

// open checks form, header and signature of a token of one of the types, and
// returns its claims, still unchecked. Keys come from the provider's key set
// only: what the header says of jku, x5u or x5c is not looked at.
func (l *Login) open(ctx context.Context, raw string, limit int, types ...string) (*signed, error) {
	parts, err := split(raw, limit)
	if err != nil {
		return nil, err
	}
	h, err := decodeClaims(parts.header)
	if err != nil {
		return nil, flawed("has a header that " + err.Error())
	}
	if err := h.checkHeader(types); err != nil {
		return nil, err
	}
	if len(parts.signature) == 0 {
		return nil, flawed("has no signature, and the algorithm " + shown(h.text("alg")) + ": choose an RSA or EC key for this client at the provider")
	}
	m, err := l.allowing(ctx, h.text("alg"))
	if err != nil {
		return nil, err
	}
	alg := algorithmNamed(h.text("alg"))
	by := signature{alg, []byte(raw[:strings.LastIndexByte(raw, '.')]), parts.signature}
	if err := l.verify(ctx, m, by, h.text("kid")); err != nil {
		return nil, err
	}
	c, err := decodeClaims(parts.payload)
	if err != nil {
		return nil, flawed("has claims of which one cannot be sure: it " + err.Error())
	}
	return &signed{alg, c, parts.payload}, nil
}

// checkHeader refuses an extension that must be understood (RFC 7515 section
// 4.1.11: we know none), a key brought along, and tokens of another type,
// which could otherwise be passed off as one (RFC 8725 section 3.11).
func (c claims) checkHeader(types []string) error {
	for _, name := range []string{"crit", "jwk", "b64", "zip"} {
		if _, ok := c[name]; ok {
			return flawed("has a header with " + name + ", which is never obeyed")
		}
	}
	if kid, ok := c["kid"]; ok && kid != any("") && c.text("kid") == "" { // an empty one is none
		return flawed("has a kid that is " + found(kid) + " and not a text")
	}
	typ, ok := c["typ"]
	if text, _ := typ.(string); ok && typ != any("") && !slices.Contains(types, strings.TrimPrefix(strings.ToLower(text), "application/")) {
		return flawed("is of another type, by its typ " + found(typ))
	}
	return nil
}

// allowing is the metadata by which the provider may sign with the algorithm. That
// what is known of it does not allow it is a reason to read the document again.
func (l *Login) allowing(ctx context.Context, alg string) (*metadata, error) {
	m, err := l.discover(ctx)
	if err != nil || m.allows(alg) {
		return m, err
	}
	var old error
	if slices.Contains(algorithms, algorithmNamed(alg)) {
		var now *metadata
		if now, old = l.newest(ctx); now != nil && now.allows(alg) {
			return now, nil
		}
	}
	return nil, &flaw{kind: ErrProvider, why: m.refuses(alg), unsure: old != nil}
}

// segments are those of a compact JWS. There is no signature where it is empty.
type segments struct{ header, payload, signature []byte }

// split decodes the segments of a compact JWS. Every one has one spelling: Go's
// decoder would skip line breaks, hence the look at each byte.
func split(raw string, limit int) (s segments, err error) {
	if len(raw) > limit {
		return s, flawed(fmt.Sprintf("is longer than %d bytes", limit))
	}
	if strings.ContainsAny(raw, "\r\n") {
		return s, flawed("holds a line break")
	}
	written := strings.Split(raw, ".")
	if len(written) != 3 {
		return s, flawed("does not have three segments: is it encrypted? That is not supported")
	}
	var decoded [3][]byte
	var errs error
	for i, segment := range written {
		decoded[i], err = encoding.DecodeString(segment)
		if segment == "" && i < 2 {
			err = errors.New("empty")
		}
		errs = errors.Join(errs, err)
	}
	if errs != nil {
		return s, flawed("has a segment that is not canonical base64url")
	}
	return segments{decoded[0], decoded[1], decoded[2]}, nil
}
