package lifecycle

import (
	"context"
	"errors"
	"sync"

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

// EndPerson has the sessions of a person end that began through that login.
func (l *Sessions) EndPerson(login string, userID int64) {
	l.backlog.add(personTask{login, userID, true})
}

// RebuildPerson has the sessions of a person built anew that began through that
// login.
func (l *Sessions) RebuildPerson(login string, userID int64) {
	l.backlog.add(personTask{login, userID, false})
}

// Backlog counts the people whose sessions are yet to be ended or built anew.
func (l *Sessions) Backlog() int { return l.backlog.len() }

// WorkOff does what EndPerson and RebuildPerson have asked for. With the first
// failure the rest is put back too: when the store is away it is away for all
// of them.
func (l *Sessions) WorkOff(ctx context.Context) {
	var failed error
	for t := range l.backlog.take() {
		if failed == nil {
			failed = l.do(ctx, t)
		}
		l.backlog.settle(t, failed == nil)
	}
	if failed != nil && ctx.Err() == nil {
		l.Events.Happened(Event{Kind: Pending, Err: failed})
	}
}

func (l *Sessions) do(ctx context.Context, t personTask) error {
	sessions, err := l.Store.List(ctx, t.userID)
	if err != nil {
		return err
	}
	for _, s := range sessions {
		if s.Method != t.method {
			continue
		}
		if err := l.doSession(ctx, t, s); err != nil && !errors.Is(err, ErrEnded) {
			return err
		}
	}
	return nil
}

func (l *Sessions) doSession(ctx context.Context, t personTask, s *sessionstore.Session) error {
	if t.end {
		return l.endRebuilt(ctx, s)
	}
	_, err := l.rebuild(ctx, s)
	if errors.Is(err, ErrUnmapped) {
		return nil // it was told, and asking again says the same
	}
	return err
}
