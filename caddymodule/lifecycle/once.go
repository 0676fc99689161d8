package lifecycle

import (
	"context"
	"time"
)

// Once reports whether nobody has asked for that name before, at any gateway,
// within so long: what was begun once is finished once. An error means that it
// cannot be told; then it is not the first time.
func (l *Sessions) Once(ctx context.Context, name string, within time.Duration) (first bool, err error) {
	taken, err := l.config.Store.Take(ctx, "once\x00"+name, 1, within)
	if err != nil {
		return false, storeFault{err}
	}
	return taken.Wait == 0, nil
}
