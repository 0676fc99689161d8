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
// them together, for a value that two people have in common, as by a name that
// should not have been listed, must not lead one of them to the other's session.
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
func (m *Marks) Digest(p Presented) string { return together(m.keys[0], p) }

// Session returns the session that was made of the cookies; it may have ended, or
// is just being made. ErrSpent: there is none, and one of them was adopted. Without
// error and false none was.
func (m *Marks) Session(ctx context.Context, p Presented) (key sessionstore.Key, made bool, err error) {
	for _, k := range m.keys {
		linked, err := m.store.Linked(ctx, together(k, p))
		if err != nil {
			return key, false, err
		}
		if len(linked) > 0 {
			return linked[0], true, nil
		}
	}
	for _, name := range m.each("adopted one\x00", p) {
		linked, err := m.store.Linked(ctx, name)
		if err != nil {
			return key, false, err
		}
		if len(linked) > 0 {
			return key, false, ErrSpent
		}
	}
	return key, false, nil
}

// holdTime is longer than one adoption takes, with all that is waited for.
const holdTime = time.Minute

// Hold lets one of all gateways look after each of the cookies, until Release. It
// reports false when another does.
func (m *Marks) Hold(ctx context.Context, p Presented, holder string) (bool, error) {
	for _, name := range m.each("adopting\x00", p) {
		held, err := m.store.Hold(ctx, name, holder, holdTime)
		if err == nil && held {
			continue
		}
		return false, errors.Join(err, m.Release(ctx, p, holder))
	}
	return true, nil
}

// Release gives back what that holder has.
func (m *Marks) Release(ctx context.Context, p Presented, holder string) error {
	var errs []error
	for _, name := range m.each("adopting\x00", p) {
		errs = append(errs, m.store.Release(ctx, name, holder))
	}
	return errors.Join(errs...)
}

// Mark marks the cookies until then as adopted for that session, which it comes
// before: no session lives whose cookies could be adopted once more.
func (m *Marks) Mark(ctx context.Context, p Presented, key sessionstore.Key, until time.Time) error {
	return m.link(ctx, m.names(p), key, until)
}

// Spend marks the cookies of somebody who has signed in, until then: when they have
// signed out they are not to be adopted by what their browser still has.
func (m *Marks) Spend(ctx context.Context, p Presented, key sessionstore.Key, until time.Time) error {
	return m.link(ctx, m.each("adopted one\x00", p), key, until)
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
func (m *Marks) Drop(ctx context.Context, p Presented, key sessionstore.Key) error {
	var errs []error
	for _, name := range m.names(p) {
		errs = append(errs, m.store.Unlink(ctx, name, key))
	}
	return errors.Join(errs...)
}

func (m *Marks) names(p Presented) []string {
	names := m.each("adopted one\x00", p)
	for _, k := range m.keys {
		names = append(names, together(k, p))
	}
	return names
}

// each are names of each value under each key: gateways of which one knows a former
// key alone, and another the new one too, have one in common.
func (m *Marks) each(kind string, p Presented) (names []string) {
	all := canonical(p)
	for _, c := range p { // parts of one that was cut, too
		if !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	for _, k := range m.keys {
		for _, c := range all {
			names = append(names, kind+digest(k, "one", c))
		}
	}
	return names
}

func together(key []byte, p Presented) string {
	return "adopted all\x00" + digest(key, "all", canonical(p)...)
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
