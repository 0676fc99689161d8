package memory

import (
	"context"
	"sync"
	"time"

	"example.com/sidegate/sessionstore"
)

// links says of each name until when which sessions are linked to it.
type links struct {
	mu     sync.RWMutex
	byName map[nameHash]map[sessionstore.Key]time.Time
}

// Link implements sessionstore.Links.
func (st *Store) Link(ctx context.Context, name string, key sessionstore.Key, life time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	st.links.add(hashOf(name), key, st.now().Add(max(life, minLife)))
	return nil
}

// Linked implements sessionstore.Links.
func (st *Store) Linked(ctx context.Context, name string) ([]sessionstore.Key, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	now := st.now()
	st.links.mu.RLock()
	defer st.links.mu.RUnlock()
	var keys []sessionstore.Key
	for key, ends := range st.links.byName[hashOf(name)] {
		if now.Before(ends) {
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// IsLinked implements sessionstore.Links.
func (st *Store) IsLinked(ctx context.Context, name string, key sessionstore.Key) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	now := st.now()
	st.links.mu.RLock()
	defer st.links.mu.RUnlock()
	return now.Before(st.links.byName[hashOf(name)][key]), nil
}

// Unlink implements sessionstore.Links.
func (st *Store) Unlink(ctx context.Context, name string, keys ...sessionstore.Key) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	hash := hashOf(name)
	st.links.mu.Lock()
	defer st.links.mu.Unlock()
	for _, key := range keys {
		st.links.remove(hash, key)
	}
	return nil
}

func (l *links) add(name nameHash, key sessionstore.Key, ends time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.byName[name] == nil {
		l.byName[name] = make(map[sessionstore.Key]time.Time)
	}
	// Linked for so long at least: a later link never cuts an earlier short.
	if ends.After(l.byName[name][key]) {
		l.byName[name][key] = ends
	}
}

// remove drops a link, and its name with the last of them. Called with mu held.
func (l *links) remove(name nameHash, key sessionstore.Key) {
	delete(l.byName[name], key)
	if len(l.byName[name]) == 0 {
		delete(l.byName, name)
	}
}

func (l *links) sweep(now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for name, linked := range l.byName {
		for key, ends := range linked {
			if !now.Before(ends) {
				l.remove(name, key)
			}
		}
	}
}
