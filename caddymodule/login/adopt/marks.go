package adopt

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"slices"
	"time"

	"example.com/sidegate/sessionstore"
)

// ErrSpent says that a cookie was adopted before, here or at another gateway, and
// that no session of it is known by all that came with it.
var ErrSpent = errors.New("the cookie was adopted before")

// Kept is what the store keeps of adopted cookies; see sessionstore.Store. It is
// kept as leases and links are, which gateways of other builds know.
type Kept interface {
	sessionstore.Leases
	sessionstore.Links
}

// Marks are what is remembered of adopted cookies, in the store, so that a cookie is
// adopted once by one of all gateways, and never after its session has ended.
//
// Every value has a mark of its own: who sends one of several again and changes the
// others is not adopted a second time. The session that was made is found by all of
// them together, to the letter: neither a value that two people have in common, as by a
// name that should not have been listed, nor one that is like another's leads anybody to
// somebody else's session. Of what is like them, see Alike.
// The store is told keyed digests, from which no cookie can be had back.
type Marks struct {
	store Kept
	keys  [][]byte // of digests, the present one first: all are written and known
	now   func() time.Time
}

// NewMarks takes the keys of digests, the present one first; at least one.
func NewMarks(store Kept, keys [][]byte, now func() time.Time) *Marks {
	return &Marks{store: store, keys: keys, now: now}
}

// Digest stands for the cookies together in this process.
func (m *Marks) Digest(p Presented) string { return digest(m.keys[0], "all", p...) }

// Session returns the session that was made of the cookies; it may have ended, or
// is just being made. ErrSpent: there is none, and one of them was adopted. Without
// error and false none was, as they are spelt.
func (m *Marks) Session(ctx context.Context, p Presented) (key sessionstore.Key, made bool, err error) {
	linked, err := m.linked(ctx, m.together(p))
	if err != nil || len(linked) > 0 {
		return first(linked), err == nil, err
	}
	linked, err = m.linked(ctx, m.each(kindValue, p))
	if err == nil && len(linked) > 0 {
		err = ErrSpent
	}
	return key, false, err
}

func first(keys []sessionstore.Key) (key sessionstore.Key) {
	if len(keys) > 0 {
		key = keys[0]
	}
	return key
}

// linked are those of the first name that has any.
func (m *Marks) linked(ctx context.Context, names []string) (keys []sessionstore.Key, err error) {
	for _, name := range names {
		if keys, err = m.store.Linked(ctx, name); err != nil || len(keys) > 0 {
			return keys, err
		}
	}
	return nil, nil
}

// holdTime is longer than one adoption takes, with all that is waited for.
const holdTime = time.Minute

// Hold lets one of all gateways look after each of the cookies, until Release. It
// reports false when another does.
func (m *Marks) Hold(ctx context.Context, p Presented, holder string) (bool, error) {
	return m.hold(ctx, m.each(kindHeld, p), holder)
}

// Release gives back what that holder has of the cookies.
func (m *Marks) Release(ctx context.Context, p Presented, holder string) error {
	return m.release(ctx, m.each(kindHeld, p), holder)
}

func (m *Marks) hold(ctx context.Context, names []string, holder string) (bool, error) {
	for _, name := range names {
		held, err := m.store.Hold(ctx, name, holder, holdTime)
		if err == nil && held {
			continue
		}
		return false, errors.Join(err, m.release(ctx, names, holder))
	}
	return true, nil
}

func (m *Marks) release(ctx context.Context, names []string, holder string) error {
	var errs []error
	for _, name := range names {
		errs = append(errs, m.store.Release(ctx, name, holder))
	}
	return errors.Join(errs...)
}

// Mark marks the cookies of that person until then as adopted for that session, which it
// comes before: no session lives whose cookies could be adopted once more.
func (m *Marks) Mark(ctx context.Context, p Presented, of Owner, key sessionstore.Key, until time.Time) error {
	if err := m.Spend(ctx, p, of, key, until); err != nil {
		return err
	}
	return m.link(ctx, slices.Concat(m.alikeTogether(p, of), m.formerTogether(p), m.together(p)), key, until)
}

// Spend marks the cookies of somebody who has signed in, until then: when they have
// signed out they are not to be adopted by what their browser still has.
func (m *Marks) Spend(ctx context.Context, p Presented, of Owner, key sessionstore.Key, until time.Time) error {
	if err := m.link(ctx, m.former(p), ownerKnown, until); err != nil {
		return err
	}
	return m.link(ctx, slices.Concat(m.alike(p, of), m.each(kindValue, p)), key, until)
}

// Join marks cookies that are others, spelt otherwise, as those of that session too.
func (m *Marks) Join(ctx context.Context, p Presented, key sessionstore.Key, until time.Time) error {
	return m.link(ctx, slices.Concat(m.each(kindValue, p), m.together(p)), key, until)
}

func (m *Marks) link(ctx context.Context, names []string, key sessionstore.Key, until time.Time) error {
	for _, name := range names {
		if err := m.store.Link(ctx, name, key, until.Sub(m.now())+slack); err != nil {
			return err
		}
	}
	return nil
}

// slack is how much longer than needed marks are kept: a date may be moved, and a
// browser keeps a cookie for 400 days at most (RFC 6265bis section 5.5).
const slack = 400 * 24 * time.Hour

// Drop takes back a Mark of which no session has come. It takes no other's.
func (m *Marks) Drop(ctx context.Context, p Presented, of Owner, key sessionstore.Key) error {
	var errs []error
	for _, name := range slices.Concat(m.alikeTogether(p, of), m.formerTogether(p), m.together(p), m.alike(p, of), m.each(kindValue, p)) {
		errs = append(errs, m.store.Unlink(ctx, name, key))
	}
	return errors.Join(errs...)
}

// What names in the store begin with.
const (
	kindHeld      = "adopting\x00"
	kindHeldAlike = "adopting alike\x00"
	kindValue     = "adopted value\x00"
	kindTogether  = "adopted values\x00"
	kindAlike     = "adopted alike\x00"
	kindAllAlike  = "adopted all alike\x00"
)

// each are names of each value under each key: gateways of which one knows a former
// key alone, and another the new one too, have one in common.
func (m *Marks) each(kind string, of Presented) (names []string) {
	for _, k := range m.keys {
		for _, c := range of {
			names = append(names, kind+digest(k, "one", c))
		}
	}
	return names
}

// together are names of the cookies as they are spelt.
func (m *Marks) together(p Presented) (names []string) {
	for _, k := range m.keys {
		names = append(names, kindTogether+digest(k, "all", p...))
	}
	return names
}

// digest is a keyed one of cookies: no two lists of them are written alike, for no
// name and no value has a NUL.
func digest(key []byte, kind string, of ...Cookie) string {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write([]byte(kind))
	for _, c := range of {
		_, _ = h.Write([]byte("\x00" + c.Name + "\x00" + c.Value))
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
