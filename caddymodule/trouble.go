package caddymodule

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
)

// troubleEvery is how often the log is told of a store in trouble: requests
// fail by the thousand then, and one line says as much.
const troubleEvery = time.Second

// trouble remembers when the log was last told, and what it was not told.
type trouble struct {
	toldAt   atomic.Int64 // unix nanoseconds
	withheld atomic.Int64
}

// reportStore logs trouble of the store and counts it. That of a login, which
// ends in the same answers, is only logged, and a caller who went away is no
// trouble.
func (g *gateway) reportStore(ctx context.Context, what string, err error) {
	if ctx.Err() != nil {
		return
	}
	if _, itself := errors.AsType[loginFault](err); !itself {
		g.app.metrics.storeFailures.Inc()
	}
	now, told := g.app.now().UnixNano(), g.trouble.toldAt.Load()
	if now-told < int64(troubleEvery) || !g.trouble.toldAt.CompareAndSwap(told, now) {
		g.trouble.withheld.Add(1)
		return
	}
	g.app.logger.Error(what, zap.Error(err), zap.Int64("more_since_last", g.trouble.withheld.Swap(0)))
}
