package memory

import (
	"context"
	"sync"
)

// numbers are handed out one after the other and never taken back.
type numbers struct {
	mu     sync.Mutex
	byName map[nameHash]int64
}

// Number implements sessionstore.Numbers. Here for good means until the
// gateway restarts, which is also when every session ends: what other systems
// have noted under a number may then be somebody else's.
func (st *Store) Number(ctx context.Context, name string) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	hash := hashOf(name)
	st.numbers.mu.Lock()
	defer st.numbers.mu.Unlock()
	n, ok := st.numbers.byName[hash]
	if !ok {
		// None is ever removed, so that their count is the last one given.
		n = int64(len(st.numbers.byName)) + 1
		st.numbers.byName[hash] = n
	}
	return n, nil
}

// Numbered implements sessionstore.Numbers.
func (st *Store) Numbered(ctx context.Context, n int64) (bool, error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	st.numbers.mu.Lock()
	defer st.numbers.mu.Unlock()
	return n >= 1 && n <= int64(len(st.numbers.byName)), nil
}
