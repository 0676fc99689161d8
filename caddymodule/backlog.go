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
	taken int // of which it is not known yet whether they could be done
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

// len counts what is to be done and what is being done.
func (b *backlog) len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.tasks) + b.taken
}

// take empties the backlog. Each task must then be settled.
func (b *backlog) take() map[personTask]struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	taken := b.tasks
	b.tasks = make(map[personTask]struct{})
	b.taken += len(taken)
	return taken
}

// settle says of a task that was taken whether it was done, else puts it back.
func (b *backlog) settle(t personTask, done bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken--
	if !done {
		b.tasks[t] = struct{}{}
	}
}

// workOff does what has to be done. With the first failure the rest is put
// back too: when the store is away it is away for all of them.
func (g *gateway) workOff(ctx context.Context) {
	var failed error
	for t := range g.backlog.take() {
		if failed == nil {
			failed = g.do(ctx, t)
		}
		g.backlog.settle(t, failed == nil)
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
