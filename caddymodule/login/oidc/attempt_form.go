package oidc

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"strings"
	"time"
	"unicode/utf8"
)

// attemptForms are how an attempt can be written down, the first one that fits
// is taken. The version before this one reads the first alone: gateways of both
// may share the work, so it stays first until there is none left of that.
// Of an attempt that is cut the rest is in a cookie that that version knows nothing
// of, so it may take the least room.
var (
	attemptForms = []func(Attempt) (plain []byte, ok bool){openForm, leanForm, tightForm}
	cutForms     = attemptForms[1:]
)

// openForm is JSON. What is no UTF-8 would not come back from it.
func openForm(a Attempt) ([]byte, bool) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // each & would be six bytes
	err := e.Encode(a)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err == nil && utf8.ValidString(a.ReturnTo)
}

// The tight form is a byte that no JSON begins with, when the attempt ends, the
// verifier, and RedirectURI and ReturnTo squeezed together, with a line break
// between. The nonce is made of the verifier.
const (
	tight        = 2
	tightCut     = 3 // the same of an attempt that is Cut
	verifierSize = 32
	maxTight     = 8 << 10 // bytes of the two URLs
)

// The lean form is the tight one with the seed of the verifier in its place.
const (
	lean    = 4
	leanCut = 5 // the same of an attempt that is Cut
)

func tightForm(a Attempt) ([]byte, bool) {
	verifier, err := encoding.DecodeString(a.Verifier)
	if err != nil || len(verifier) != verifierSize || encoding.EncodeToString(verifier) != a.Verifier {
		return nil, false
	}
	return a.write(tight, tightCut, verifier)
}

func leanForm(a Attempt) ([]byte, bool) {
	seed, ok := seedOf(a.Verifier)
	if !ok {
		return nil, false
	}
	return a.write(lean, leanCut, seed)
}

// write writes an attempt in the form that begins so, with what its verifier and
// nonce are made of.
func (a Attempt) write(form, cut byte, secret []byte) ([]byte, bool) {
	if a.Nonce != nonceOf(a.Verifier) || strings.Contains(a.RedirectURI, "\n") || len(a.RedirectURI)+len(a.ReturnTo) >= maxTight {
		return nil, false
	}
	b := []byte{form}
	if a.Cut {
		b[0] = cut
	}
	b = append(binary.AppendVarint(b, a.Expires.Unix()), secret...)
	return append(b, Squeeze(a.RedirectURI+"\n"+a.ReturnTo)...), true
}

// seedSize is how many random bytes a verifier is made of: more than can be
// guessed (RFC 7636 section 7.1), and there are twelve in a browser's cookies.
const seedSize = 16

// verifierOf makes a PKCE verifier, of 43 characters (RFC 7636 section 4.1). It
// begins with its seed, so that seedOf finds that.
func verifierOf(seed []byte) string {
	head := encoding.EncodeToString(seed)
	sum := sha256.Sum256([]byte("sidegate oidc verifier " + head))
	return head + encoding.EncodeToString(sum[:])[:encoding.EncodedLen(verifierSize)-len(head)]
}

// seedOf is the seed of a verifier that verifierOf has made.
func seedOf(verifier string) (seed []byte, ok bool) {
	head := verifier[:min(len(verifier), encoding.EncodedLen(seedSize))]
	seed, err := encoding.DecodeString(head)
	return seed, err == nil && len(seed) == seedSize && verifierOf(seed) == verifier
}

// nonceOf makes the nonce of an attempt, which everybody may see, of its
// verifier, which nobody may, and which it does not tell.
func nonceOf(verifier string) string {
	sum := sha256.Sum256([]byte("sidegate oidc nonce " + verifier))
	return encoding.EncodeToString(sum[:16])
}

// readAttempt reads an attempt of any form.
func readAttempt(plain []byte) (a Attempt, ok bool) {
	size, verifier := verifierSize, encoding.EncodeToString
	switch {
	case len(plain) == 0 || plain[0] < tight || plain[0] > leanCut:
		err := json.Unmarshal(plain, &a)
		return a, err == nil
	case plain[0] >= lean:
		size, verifier = seedSize, verifierOf
	}
	expires, n := binary.Varint(plain[1:])
	rest := plain[1+max(n, 0):]
	if n <= 0 || len(rest) < size {
		return a, false
	}
	urls, ok := Unsqueeze(rest[size:], maxTight)
	if !ok {
		return a, false
	}
	a.RedirectURI, a.ReturnTo, ok = strings.Cut(urls, "\n")
	a.Verifier = verifier(rest[:size])
	a.Nonce = nonceOf(a.Verifier)
	a.Cut, a.Expires = plain[0] == tightCut || plain[0] == leanCut, time.Unix(expires, 0).UTC()
	return a, ok
}

// shorter are the attempt as it is, without what comes behind the path that it
// returns to, and without that path.
func shorter(a Attempt) []Attempt {
	list := []Attempt{a}
	if end := strings.IndexAny(a.ReturnTo, "?#"); end > 0 {
		a.ReturnTo, a.Cut = a.ReturnTo[:end], true
		list = append(list, a)
	}
	if a.ReturnTo != "" {
		a.ReturnTo, a.Cut = "", true
		list = append(list, a)
	}
	return list
}
