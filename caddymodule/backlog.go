package caddymodule

import (
	"context"
	"errors"
	"sync"

	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// backlog is what has yet to be done to people's sessions because a login
// says that the people have changed. It is kept until the store has taken it:
// somebody who was disabled must not stay signed in because Redis was away.
type backlog struct {
	mu    sync.Mutex
	tasks map[personTask]struct{}
}

// personTask ends, or else builds anew, the sessions of one person that began
// through one login.
type personTask struct {
	method string
	userID int64
	end    bool
}

func newBacklog() *backlog { return &backlog{tasks: make(map[personTask]struct{})} }

func (b *backlog) add(t personTask) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.tasks[t] = struct{}{}
}

// take empties the backlog.
func (b *backlog) take() map[personTask]struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := b.tasks
	b.tasks = make(map[personTask]struct{})
	return taken
}

// workOff does what has to be done. With the first failure the rest is put
// back too: when the store is away it is away for all of them.
func (g *gateway) workOff(ctx context.Context) {
	var failed error
	for t := range g.backlog.take() {
		if failed == nil {
			failed = g.do(ctx, t)
		}
		if failed != nil {
			g.backlog.add(t)
		}
	}
	if failed != nil && ctx.Err() == nil {
		g.app.logger.Error("changes of people do not show in all their sessions yet; it will be tried again", zap.Error(failed))
	}
}

func (g *gateway) do(ctx context.Context, t personTask) error {
	sessions, err := g.store.List(ctx, t.userID)
	if err != nil {
		return err
	}
	for _, s := range sessions {
		if s.Method != t.method {
			continue
		}
		if err := g.doSession(ctx, t, s); err != nil && !errors.Is(err, errEnded) {
			return err
		}
	}
	return nil
}

func (g *gateway) doSession(ctx context.Context, t personTask, s *sessionstore.Session) error {
	if t.end {
		return g.endRebuilt(ctx, s)
	}
	_, err := g.rebuild(ctx, s)
	if errors.Is(err, profile.ErrInvalid) {
		g.app.logger.Warn("a session stays as it was: the person's entry is not sound",
			zap.String("login", t.method), zap.Int64("user_id", t.userID), zap.Error(err))
		return nil
	}
	return err
}
