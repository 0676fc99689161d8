package provider

import "time"

// shelf keeps values until they expire. Its user locks it.
type shelf[V any] struct {
	now    func() time.Time
	kept   map[string]dated[V]
	tidyAt int // how many there must be before it is tidied again
}

type dated[V any] struct {
	value   V
	expires time.Time
}

const fewEntries = 1024

func newShelf[V any](now func() time.Time) *shelf[V] {
	return &shelf[V]{now: now, kept: make(map[string]dated[V]), tidyAt: fewEntries}
}

func (s *shelf[V]) put(key string, value V, life time.Duration) {
	if len(s.kept) >= s.tidyAt {
		s.tidy()
	}
	s.kept[key] = dated[V]{value, s.now().Add(life)}
}

func (s *shelf[V]) get(key string) (V, bool) {
	entry, ok := s.kept[key]
	if !ok || !s.now().Before(entry.expires) {
		var none V
		return none, false
	}
	return entry.value, true
}

// take is get, once.
func (s *shelf[V]) take(key string) (V, bool) {
	value, ok := s.get(key)
	delete(s.kept, key)
	return value, ok
}

// tidy drops what has expired; a provider that a benchmark signs in at for
// hours stays as big as what is good.
func (s *shelf[V]) tidy() {
	for key, entry := range s.kept {
		if !s.now().Before(entry.expires) {
			delete(s.kept, key)
		}
	}
	s.tidyAt = max(fewEntries, 2*len(s.kept))
}
