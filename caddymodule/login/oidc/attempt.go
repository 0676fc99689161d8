package oidc

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"
)

// maxSealed bounds a sealed attempt, in bytes, for which there is no room
// otherwise: the gateway's own URL is long.
const maxSealed = 2048 - 1

// Attempt is what one sign-in attempt has to remember until the browser is
// back. It is sealed into a cookie of its own: see AttemptSealer. Printed, it
// says nothing.
type Attempt struct {
	// Login is the method's name.
	Login string `json:"-"`
	// State, Nonce and Verifier bind the answer to the browser, the ID token
	// to the attempt, and the code to us.
	State    string `json:"-"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
	// RedirectURI is where the provider sends the browser, to the letter.
	RedirectURI string `json:"u"`
	// ReturnTo is where the person wanted to go.
	ReturnTo string `json:"r,omitempty"`
	// Expires ends the attempt, in whole seconds.
	Expires time.Time `json:"e"`
	// Cut says that ReturnTo is not all of where they wanted to go.
	Cut bool `json:"c,omitempty"`
}

// Format answers every verb with the same words: a verifier that is logged is
// one that can be stolen.
func (Attempt) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[sign-in attempt]")) }

// AttemptSealer seals attempts into cookie values and opens them, so that
// nothing is stored for strangers and every gateway with the same keys can
// finish what another began. It is safe for concurrent use.
type AttemptSealer struct {
	keys []attemptKey
	now  func() time.Time
}

// attemptKey is one key, in its two uses.
type attemptKey struct {
	cipher.AEAD
	states []byte
}

// NewAttemptSealer takes keys of 32 bytes: the first one seals, all open. They
// must be of no other use. A nil clock means time.Now.
func NewAttemptSealer(keys [][]byte, now func() time.Time) (*AttemptSealer, error) {
	if len(keys) == 0 {
		return nil, errors.New("there is no key to seal sign-in attempts with")
	}
	if now == nil {
		now = time.Now
	}
	a := &AttemptSealer{now: now}
	for _, key := range keys {
		k, err := newAttemptKey(key)
		if err != nil {
			return nil, err
		}
		a.keys = append(a.keys, k)
	}
	return a, nil
}

func newAttemptKey(key []byte) (k attemptKey, err error) {
	if len(key) != 32 {
		return k, errors.New("a key to seal sign-in attempts with is not 32 bytes long")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return k, err
	}
	if k.AEAD, err = cipher.NewGCMWithRandomNonce(block); err != nil {
		return k, err
	}
	k.states, err = hkdf.Key(sha256.New, key, nil, "sidegate oidc state", sha256.Size)
	return k, err
}

// Seal returns a cookie value of at most room bytes, and the attempt as Open
// will give it back: where there is no room for all of ReturnTo, a part of it is
// left out, and Cut says so. Somebody who lands on the front page is better off
// than somebody who cannot sign in, so an attempt that does not fit even then
// may take up to 2 KiB. The error is of a RedirectURI that is too long for that.
func (a *AttemptSealer) Seal(attempt Attempt, room int) (value string, sealed Attempt, err error) {
	attempt.Expires = attempt.Expires.Round(0).UTC().Truncate(time.Second)
	for _, sealed = range shorter(attempt) {
		forms := attemptForms
		if sealed.ReturnTo != attempt.ReturnTo {
			forms = cutForms
		}
		for _, write := range forms {
			plain, ok := write(sealed)
			if !ok {
				continue
			}
			value = a.sealText(plain, bound(attempt.Login, attempt.State))
			if len(value) <= room {
				return value, sealed, nil
			}
		}
	}
	if value == "" || len(value) > maxSealed {
		return "", Attempt{}, errors.New("the sign-in attempt does not fit into a cookie: is the gateway's public URL too long?")
	}
	return value, sealed, nil
}

func (a *AttemptSealer) sealText(plain, belongs []byte) string {
	return encoding.EncodeToString(a.keys[0].Seal(nil, nil, plain, belongs))
}

// bound is what a sealed attempt belongs to: it cannot be used for another
// login, with another state, or for another purpose.
func bound(login, state string) []byte {
	return fmt.Appendf(nil, "sidegate oidc attempt %q %q", login, state)
}

// Open gives back the attempt that was sealed for that login and state. Errors:
// ErrExpired, and ErrForged for everything that is not ours.
func (a *AttemptSealer) Open(login, state, value string) (Attempt, error) {
	if len(value) > maxSealed {
		return Attempt{}, because(ErrForged, "the attempt's cookie is not in our form")
	}
	plain, ok := a.openText(value, bound(login, state))
	if !ok {
		return Attempt{}, because(ErrForged, "the attempt's cookie was not sealed by us for this login and state")
	}
	attempt, ok := readAttempt(plain)
	if !ok {
		return Attempt{}, because(ErrForged, "the attempt's cookie was sealed by another version of this gateway")
	}
	attempt.Login, attempt.State = login, state
	if !a.now().Before(attempt.Expires) {
		return Attempt{}, because(ErrExpired, "it took longer than %v", AttemptLifetime)
	}
	return attempt, nil
}

// openText opens what sealText sealed. Each text has one form alone.
func (a *AttemptSealer) openText(value string, belongs []byte) ([]byte, bool) {
	sealed, err := encoding.DecodeString(value)
	if err != nil || encoding.EncodeToString(sealed) != value {
		return nil, false
	}
	for _, key := range a.keys {
		if plain, err := key.Open(nil, nil, sealed, belongs); err == nil {
			return plain, true
		}
	}
	return nil, false
}
