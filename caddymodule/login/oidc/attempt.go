package oidc

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// maxSealed bounds a sealed attempt, in bytes: several attempts, of several
// tabs, must fit into the headers that servers accept.
const maxSealed = 2048 - 1

// Attempt is what one sign-in attempt has to remember until the browser is
// back. It is sealed into a cookie of its own: see AttemptSealer. Printed, it
// says nothing.
type Attempt struct {
	// Login is the method's name.
	Login string `json:"-"`
	// State, Nonce and Verifier bind the answer to the browser, the ID token
	// to the attempt, and the code to us. 256 random bits each.
	State    string `json:"-"`
	Nonce    string `json:"n"`
	Verifier string `json:"v"`
	// RedirectURI is where the provider sends the browser, to the letter.
	RedirectURI string `json:"u"`
	// ReturnTo is where the person wanted to go.
	ReturnTo string `json:"r,omitempty"`
	// Expires ends the attempt.
	Expires time.Time `json:"e"`
}

// Format answers every verb with the same words: a verifier that is logged is
// one that can be stolen.
func (Attempt) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[sign-in attempt]")) }

// AttemptSealer seals attempts into cookie values and opens them, so that
// nothing is stored for strangers and every gateway with the same keys can
// finish what another began. It is safe for concurrent use.
type AttemptSealer struct {
	keys []cipher.AEAD
	now  func() time.Time
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
		if len(key) != 32 {
			return nil, errors.New("a key to seal sign-in attempts with is not 32 bytes long")
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, err
		}
		a.keys = append(a.keys, aead)
	}
	return a, nil
}

// Seal returns a cookie value of less than 2 KiB. A ReturnTo that makes it
// longer is left out: somebody who lands on the front page is better off than
// somebody who cannot sign in. The error is of a RedirectURI that is too long.
func (a *AttemptSealer) Seal(attempt Attempt) (value string, err error) {
	value, err = a.seal(attempt)
	if err == nil && len(value) > maxSealed {
		attempt.ReturnTo = ""
		value, err = a.seal(attempt)
	}
	if err != nil || len(value) > maxSealed {
		return "", errors.New("the sign-in attempt does not fit into a cookie: is the gateway's public URL too long?")
	}
	return value, nil
}

func (a *AttemptSealer) seal(attempt Attempt) (string, error) {
	attempt.Expires = attempt.Expires.Round(0).UTC()
	plain, err := json.Marshal(attempt)
	if err != nil {
		return "", err
	}
	return encoding.EncodeToString(a.keys[0].Seal(nil, nil, plain, bound(attempt.Login, attempt.State))), nil
}

// bound is what a sealed attempt belongs to: it cannot be used for another
// login, with another state, or for another purpose.
func bound(login, state string) []byte {
	return fmt.Appendf(nil, "sidegate oidc attempt %q %q", login, state)
}

// Open gives back the attempt that was sealed for that login and state. Errors:
// ErrExpired, and ErrForged for everything that is not ours.
func (a *AttemptSealer) Open(login, state, value string) (Attempt, error) {
	sealed, err := encoding.DecodeString(value)
	if err != nil || len(value) > maxSealed || encoding.EncodeToString(sealed) != value {
		return Attempt{}, because(ErrForged, "the attempt's cookie is not in our form")
	}
	for _, key := range a.keys {
		plain, err := key.Open(nil, nil, sealed, bound(login, state))
		if err != nil {
			continue
		}
		attempt := Attempt{Login: login, State: state}
		if err := json.Unmarshal(plain, &attempt); err != nil {
			break
		}
		if !a.now().Before(attempt.Expires) {
			return Attempt{}, because(ErrExpired, "it took longer than %v", AttemptLifetime)
		}
		return attempt, nil
	}
	return Attempt{}, because(ErrForged, "the attempt's cookie was not sealed by us for this login and state")
}
