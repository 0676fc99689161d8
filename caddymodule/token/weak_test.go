package token_test

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/token"
)

func TestSecretsThatCouldBeGuessed(t *testing.T) {
	for name, c := range map[string]struct{ secret, why string }{
		"one character":                        {strings.Repeat("s", 32), "again and again"},
		"a word, repeated":                     {strings.Repeat("hunter2!", 4), "again and again"},
		"a word, repeated and cut off":         {strings.Repeat("hunter2!", 5)[:37], "again and again"},
		"few characters":                       {"aabbaababbabaabbabbaabababbaabbaabab", "few different"},
		"what examples say":                    {"please-CHANGE-ME-before-you-go-live!", "examples"},
		"the name of the thing":                {"Sidegate-0f8a-Production-Key-2026-xx", "examples"},
		"the digits in their order":            {"0123456789abcdef0123456789abcdeX", "examples"},
		"sixteen random bytes in hex":          {"9f86d081884c7d659a2feaa0c55ad015", ""},
		"thirty-two in base64":                 {"qOCd1Dxs0zVn0kq1o0y7wRr5bS0H8nJ3lQ2gZ6mT4uE=", ""},
		"a sentence, of which nobody can tell": {"correct horse battery staple and more", ""},
		"thirty-two decimal digits":            {"84703918264509175830462915703846", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := token.Weak(c.secret)
			if c.why == "" && got != "" || !strings.Contains(got, c.why) {
				t.Errorf("it is said that %q; want %q", got, c.why)
			}
			if strings.Contains(got, c.secret) {
				t.Error("the secret is told")
			}
		})
	}
}

// What the reference tells people to make must never be warned about.
func TestRandomSecretsAreNotCalledWeak(t *testing.T) {
	for range 2000 {
		random := make([]byte, 32)
		_, _ = rand.Read(random)
		for _, secret := range []string{hex.EncodeToString(random[:16]), base64.StdEncoding.EncodeToString(random)} {
			if why := token.Weak(secret); why != "" {
				t.Fatalf("%s: %s", secret, why)
			}
		}
	}
}
