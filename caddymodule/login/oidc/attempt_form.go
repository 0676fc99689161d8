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
var attemptForms = []func(Attempt) (plain []byte, ok bool){openForm, tightForm}

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

func tightForm(a Attempt) ([]byte, bool) {
	verifier, err := encoding.DecodeString(a.Verifier)
	if err != nil || len(verifier) != verifierSize || encoding.EncodeToString(verifier) != a.Verifier ||
		a.Nonce != nonceOf(a.Verifier) || strings.Contains(a.RedirectURI, "\n") || len(a.RedirectURI)+len(a.ReturnTo) >= maxTight {
		return nil, false
	}
	b := []byte{tight}
	if a.Cut {
		b[0] = tightCut
	}
	b = append(binary.AppendVarint(b, a.Expires.Unix()), verifier...)
	return append(b, Squeeze(a.RedirectURI+"\n"+a.ReturnTo)...), true
}

// nonceOf makes the nonce of an attempt, which everybody may see, of its
// verifier, which nobody may, and which it does not tell.
func nonceOf(verifier string) string {
	sum := sha256.Sum256([]byte("sidegate oidc nonce " + verifier))
	return encoding.EncodeToString(sum[:16])
}

// readAttempt reads an attempt of any form.
func readAttempt(plain []byte) (a Attempt, ok bool) {
	if len(plain) == 0 || plain[0] != tight && plain[0] != tightCut {
		err := json.Unmarshal(plain, &a)
		return a, err == nil
	}
	expires, n := binary.Varint(plain[1:])
	rest := plain[1+max(n, 0):]
	if n <= 0 || len(rest) < verifierSize {
		return a, false
	}
	urls, ok := Unsqueeze(rest[verifierSize:], maxTight)
	if !ok {
		return a, false
	}
	a.RedirectURI, a.ReturnTo, ok = strings.Cut(urls, "\n")
	a.Verifier = encoding.EncodeToString(rest[:verifierSize])
	a.Nonce = nonceOf(a.Verifier)
	a.Cut, a.Expires = plain[0] == tightCut, time.Unix(expires, 0).UTC()
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
