package token

import (
	"math"
	"strings"
)

// leastEntropy is how much of a secret must be chance, in bits, as far as the
// frequency of its characters tells. Sixteen random bytes in hex have about 117.
const leastEntropy = 80

// guessable are beginnings of what people put into examples, in lower case. 32
// random characters of base64 hold the shortest once in ten million.
var guessable = []string{
	"changeme", "change-me", "change_me", "change me", "secret", "password", "passwort", "sidegate", "example", "insecure",
	"qwerty", "01234567", "12345678", "abcdefgh", "placeholder", "replace",
}

// Weak says why a secret could be guessed, without a word of it; empty when
// nothing speaks for that. It is an estimate: a sentence from a book passes.
func Weak(secret string) string {
	lower := strings.ToLower(secret)
	for _, word := range guessable {
		if strings.Contains(lower, word) {
			return "it holds a word that examples are made of"
		}
	}
	if piece := period(secret); len(piece) < len(secret) {
		return "it says the same again and again"
	}
	if entropy(secret) < leastEntropy {
		return "it has few different characters"
	}
	return ""
}

// period is the shortest piece that the text is made of by repeating it, at
// least twice.
func period(text string) string {
	for n := 1; n <= len(text)/2; n++ {
		if text[n:] == text[:len(text)-n] {
			return text[:n]
		}
	}
	return text
}

// entropy is that of the text's bytes, in bits, by how often each comes.
func entropy(text string) (bits float64) {
	var count [256]int
	for i := range len(text) {
		count[text[i]]++
	}
	for _, n := range count {
		if n > 0 {
			bits -= float64(n) * math.Log2(float64(n)/float64(len(text)))
		}
	}
	return bits
}
