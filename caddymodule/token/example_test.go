package token_test

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/sessionstore"
)

// A session token says which session is meant, and until when.
func Example() {
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	ring, err := token.NewRing(token.Config{
		Secrets: []string{"a secret of thirty-two bytes or more"},
		Now:     func() time.Time { return now },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	key := sessionstore.NewSecret(7).Key()
	raw, err := ring.MintSession(key, 7, now.Add(10*time.Minute))
	if err != nil {
		fmt.Println(err)
		return
	}

	claims, err := ring.VerifySession(raw)
	fmt.Println(claims.UserID, claims.Key == key, claims.ExpiresAt.Format(time.TimeOnly), err)

	// One changed byte, and it is nobody's.
	_, err = ring.VerifySession(strings.Replace(raw, ".", ".e", 1))
	fmt.Println(errors.Is(err, token.ErrInvalid), err)

	now = now.Add(10 * time.Minute)
	_, err = ring.VerifySession(raw)
	fmt.Println(errors.Is(err, token.ErrExpired), err)
	// Output:
	// 7 true 12:10:00 <nil>
	// true token is not valid: signature does not match
	// true token is not valid: it has expired
}

// A new secret goes in front of the former one, which verifies on until its
// last token has expired; then it is taken out.
func ExampleNewRing_rotation() {
	const former, present = "the secret of the former year: 32 bytes", "the secret of the present year: 32 bytes"
	rings := make([]*token.Ring, 3)
	for i, secrets := range [][]string{{former}, {present, former}, {present}} {
		ring, err := token.NewRing(token.Config{Secrets: secrets})
		if err != nil {
			fmt.Println(err)
			return
		}
		rings[i] = ring
	}
	raw, err := rings[0].MintSession(sessionstore.NewSecret(7).Key(), 7, time.Now().Add(time.Hour))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, ring := range rings {
		_, err := ring.VerifySession(raw)
		fmt.Println(err)
	}
	// Output:
	// <nil>
	// <nil>
	// token is not valid: its key is not in the ring: was a secret or signing key taken out, or is it not ours?
}

// An app that trusts no header checks an assertion instead, which is for it
// alone.
func ExampleRing_MintAssertion() {
	ring, err := token.NewRing(token.Config{Secrets: []string{"a secret of thirty-two bytes or more"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	raw, err := ring.MintAssertion(token.Assertion{
		Audience: []string{"wiki"}, UserID: 7, Email: "ada@example.com",
		SessionID: sessionstore.NewSecret(7).Key().ID(), Roles: []string{"editor"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	a, err := ring.VerifyAssertion(raw, "wiki")
	fmt.Println(a.Email, a.Roles, err)
	_, err = ring.VerifyAssertion(raw, "payroll")
	fmt.Println(err)
	_, err = ring.VerifySession(raw) // nor is it a session token
	fmt.Println(errors.Is(err, token.ErrInvalid))
	// Output:
	// ada@example.com [editor] <nil>
	// token is not valid: aud is not the one expected
	// true
}
