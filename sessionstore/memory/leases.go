package memory

import (
	"context"
	"sync"
	"time"
)

// minLife keeps a lease or a link of no length one all the same, as in stores
// that keep times to the millisecond.
const minLife = time.Millisecond

type leases struct {
	mu   sync.Mutex
	held map[nameHash]lease
}

type lease struct {
	holder nameHash
	ends   time.Time
}

// Hold implements sessionstore.Leases.
func (st *Store) Hold(ctx context.Context, name, holder string, life time.Duration) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	now := st.now()
	next := lease{hashOf(holder), now.Add(max(life, minLife))}
	return st.leases.hold(hashOf(name), next, now), nil
}

// Release implements sessionstore.Leases.
func (st *Store) Release(ctx context.Context, name, holder string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	st.leases.release(hashOf(name), hashOf(holder))
	return nil
}

func (l *leases) hold(name nameHash, next lease, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if held, ok := l.held[name]; ok && now.Before(held.ends) {
		if held.holder != next.holder {
			return false
		}
		if held.ends.After(next.ends) {
			return true // prolonged, and never cut short
		}
	}
	l.held[name] = next
	return true
}

func (l *leases) release(name, holder nameHash) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held[name].holder == holder {
		delete(l.held, name)
	}
}

func (l *leases) sweep(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, held := range l.held {
		if !now.Before(held.ends) {
			delete(l.held, name)
		}
	}
}
