package adminapi

import (
	"time"
)

// Key is one of the gateway's keys, of which nothing is told that it could be made of.
type Key struct {
	// ID is what records, or tokens, name it by.
	ID string
	// Use is Sealing or Signing.
	Use string
	// Algorithm is what it is used with.
	Algorithm string
	// Present says that it seals or signs; others only open or verify.
	Present bool
	// Made is when it was made, if that is known.
	Made time.Time
}

// What keys are for.
const (
	Sealing = "sealing"
	Signing = "signing"
)

type keyName struct{ use, id string }

func (k Key) name() keyName { return keyName{k.Use, k.ID} }

type shownKey struct {
	ID        string    `json:"id"`
	Use       string    `json:"use"`
	Algorithm string    `json:"algorithm"`
	Present   bool      `json:"present"`
	Since     time.Time `json:"since"`
	// SinceIs says since when that is: "made", or "in force here".
	SinceIs string `json:"sinceIs"`
}

func keys(c *call) error {
	d, err := c.desk()
	if err != nil {
		return err
	}
	answer := struct {
		Keys []shownKey `json:"keys"`
	}{make([]shownKey, len(d.Keys))}
	for i, k := range d.Keys {
		s := shownKey{k.ID, k.Use, k.Algorithm, k.Present, d.keys[k.name()].UTC(), "in force here"}
		if !k.Made.IsZero() {
			s.Since, s.SinceIs = k.Made.UTC(), "made"
		}
		answer.Keys[i] = s
	}
	return c.reply(answer)
}
