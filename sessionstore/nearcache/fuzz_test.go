package nearcache_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
	"example.com/sidegate/sessionstore/storetest"
)

// What the model is played with: few keys, so that all meet.
const (
	modelKeys    = 8
	modelTTL     = 10 * time.Second
	modelUnknown = 4 * time.Second
	modelLife    = 90 * time.Second
)

// state is what the store held of a key from a moment on.
type state struct {
	step int
	at   time.Time
	mark string // tells one write from another; empty means there was none
}

// model is the plain account of what was done, which the cache is held to: of
// each key all states that the store ever held, and since when the cache must
// have known of what went before.
type model struct {
	*bench
	stale   time.Duration
	step    int
	keys    [modelKeys]sessionstore.Key
	history [modelKeys][]state
	dropped [modelKeys]int
	// spared is the same for RevokeUser alone, which forgets sessions but not
	// that there was none.
	spared [modelKeys]int
	// ends is when the session of that key does.
	ends [modelKeys]time.Time
}

func newModel(tb testing.TB, stale time.Duration) *model {
	m := &model{stale: stale, bench: newBench(tb, nearcache.Options{
		TTL: modelTTL, Unknown: modelUnknown, Stale: stale, Entries: modelKeys - 2,
	})}
	for i := range m.keys {
		m.keys[i] = sessionstore.NewSecret(m.person(i)).Key()
		m.history[i] = []state{{at: m.clock.Now()}}
	}
	return m
}

// person of a key: Ada's and Grace's sessions alternate.
func (*model) person(i int) int64 { return int64(i%2) + ada }

func (m *model) now(i int) state { return m.history[i][len(m.history[i])-1] }

func (m *model) becomes(i int, mark string) {
	m.history[i] = append(m.history[i], state{m.step, m.clock.Now(), mark})
}

// could reports whether the store held that mark within the last while and
// since the cache last had to forget the key.
func (m *model) could(i int, mark string, while time.Duration) bool {
	h, known := m.history[i], m.dropped[i]
	if mark != "" {
		known = max(known, m.spared[i])
	}
	for n, s := range h {
		last := n == len(h)-1
		since := last || h[n+1].step > known && h[n+1].at.After(m.clock.Now().Add(-while))
		if s.mark == mark && since {
			return true
		}
	}
	return false
}

// looks holds what the cache answers to what the store has held.
func (m *model) looks(i int) {
	m.Helper()
	e, err := m.cache.Lookup(m.Context(), m.keys[i])
	ended := !m.clock.Now().Before(m.ends[i])
	while := modelTTL
	if m.store.down.Load() {
		while += m.stale
	}
	switch {
	case err == nil && ended:
		m.Fatalf("step %d: key %d is served past its end", m.step, i)
	case err == nil && (e.Session.Key != m.keys[i] || e.Session.User.ID != m.person(i)):
		m.Fatalf("step %d: key %d is served the session of another", m.step, i)
	case err == nil && !m.could(i, e.Session.User.UpdatedBy, while):
		m.Fatalf("step %d: key %d is served as of write %q; the store holds %+v", m.step, i, e.Session.User.UpdatedBy, m.now(i))
	case errors.Is(err, sessionstore.ErrNotFound) && !ended && !m.could(i, "", modelUnknown):
		m.Fatalf("step %d: key %d is not found; the store holds %+v", m.step, i, m.now(i))
	case err != nil && !errors.Is(err, sessionstore.ErrNotFound) && !m.store.down.Load():
		m.Fatalf("step %d: unexpected error: %v", m.step, err)
	}
}

// creates keeps a new session under the key, through the cache or elsewhere.
func (m *model) creates(i int, store sessionstore.Store) {
	s := m.session(m.person(i))
	s.Key, s.ExpiresAt, s.User.UpdatedBy = m.keys[i], s.CreatedAt.Add(modelLife), strconv.Itoa(m.step)
	if storetest.Keep(m.Context(), store, s) == nil {
		m.becomes(i, s.User.UpdatedBy)
		m.ends[i] = s.ExpiresAt
	}
}

func (m *model) updates(i int, store sessionstore.Store) {
	next := m.session(m.person(i))
	next.Key, next.User.UpdatedBy = m.keys[i], strconv.Itoa(m.step)
	if held, err := m.store.Store.Get(m.Context(), next.Key); err == nil {
		next.Version = held.Version
	}
	if _, err := store.Update(m.Context(), next); err == nil {
		m.becomes(i, next.User.UpdatedBy)
	}
}

func (m *model) revokes(i int, store sessionstore.Store) {
	if storetest.End(m.Context(), store, m.keys[i]) == nil {
		m.becomes(i, "")
	}
}

// revokesUser ends the sessions of the key's person but that of the key.
func (m *model) revokesUser(i int) {
	_, err := m.cache.RevokeUser(m.Context(), m.person(i), m.keys[i])
	for other := range m.keys {
		if other == i || m.person(other) != m.person(i) {
			continue
		}
		if err == nil {
			m.becomes(other, "")
		}
		m.spared[other] = m.step
	}
}

// plays one step: what is done, and to which key.
func (m *model) plays(op, i int) {
	m.step++
	switch op {
	case 0:
		m.creates(i, m.cache)
	case 1:
		m.updates(i, m.cache)
	case 2:
		m.revokes(i, m.cache)
	case 3:
		m.revokesUser(i)
		return // the key itself is excepted, and so may be held
	case 4:
		m.cache.Drop(m.keys[i])
	case 5: // what is done elsewhere reaches the cache only with time
		m.creates(i, m.store.Store)
		return
	case 6:
		m.updates(i, m.store.Store)
		return
	case 7:
		m.revokes(i, m.store.Store)
		return
	default:
		m.playsOn(op, i)
		return
	}
	m.dropped[i] = m.step
}

// playsOn are the steps that forget nothing of a certain key.
func (m *model) playsOn(op, i int) {
	switch op {
	case 8:
		m.clock.Advance(time.Duration(1<<i) * 300 * time.Millisecond)
	case 9:
		m.store.down.Store(i%2 == 0)
	case 10:
		_, err := m.cache.Sweep(m.Context())
		m.must(err)
	case 11:
		if i == 0 {
			m.cache.Clear()
			for key := range m.dropped {
				m.dropped[key] = m.step
			}
		}
	default:
		m.looks(i)
	}
}

// FuzzAgainstAPlainModel plays any sequence of operations, each in a byte: the
// low half is what is done, the high half to which key.
func FuzzAgainstAPlainModel(f *testing.F) {
	const create, update, revoke, others, look = 0x00, 0x01, 0x02, 0x03, 0x0f
	const updateElsewhere, revokeElsewhere, wait, down, up, sweep = 0x06, 0x07, 0x58, 0x09, 0x19, 0x0a
	f.Add([]byte{create, look, update, look, revoke, look}, false)
	f.Add([]byte{create, look, updateElsewhere, look, wait, look, revokeElsewhere, look, wait, look}, false)
	f.Add([]byte{create, look, wait, down, look, up, revokeElsewhere, look, down, look}, true)
	f.Add([]byte{create, 0x20, look, 0x2f, others, look, 0x2f, sweep, look, look, wait, wait, look}, false)
	f.Add([]byte{look, create, look, revoke, look, create, look, 0x78, look, look}, true)
	f.Add([]byte{0x5d, 0x29, 0x55, 0xf3}, false)
	f.Add([]byte{0xf0, 0x7e, 0xf7, 0xf1}, false)
	f.Fuzz(func(t *testing.T, ops []byte, stale bool) {
		m := newModel(t, 0)
		if stale {
			m = newModel(t, 40*time.Second)
		}
		for _, op := range ops {
			m.plays(int(op&15), int(op>>4)%modelKeys)
		}
		m.store.down.Store(false)
		for i := range m.keys {
			m.looks(i)
		}
		if n := m.cache.Stats().Entries; n > modelKeys-2 {
			t.Fatalf("%d sessions are held where there is room for %d", n, modelKeys-2)
		}
	})
}
