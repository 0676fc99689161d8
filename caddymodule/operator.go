package caddymodule

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
)

// This file holds what operators are told of the app, beside its log and metrics.

// says notes what the configuration says to one of our handlers, as it was
// written: before defaults are filled in.
func (a *App) says(handler any) {
	text, _ := json.Marshal(handler)
	a.said = append(a.said, text)
}

// configDigest tells one configuration from another, once all of it is provisioned:
// 16 hexadecimal digits of all that it says to Sidegate, in whichever order Caddy
// came to it. It is keyed by the secret, so that nobody finds out by trying what a
// weak password in it is; gateways that share the secret and the configuration have
// the same.
func (a *App) configDigest(key []byte) string {
	slices.SortFunc(a.said, func(one, other json.RawMessage) int { return bytes.Compare(one, other) })
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("configuration"))
	for _, text := range a.said {
		mac.Write([]byte{0})
		mac.Write(text)
	}
	return hex.EncodeToString(mac.Sum(nil)[:8])
}
