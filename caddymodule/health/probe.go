package health

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// Patience is how long the store is waited for.
	Patience = time.Second
	// Kept is how long an answer is good: however many ask, the store is asked
	// once in this time.
	Kept = time.Second
)

// ErrLate says that the store did not answer within Patience.
var ErrLate = errors.New("the session store did not answer in time")

// Probe asks the store for all who want to know, one question at a time.
type Probe struct {
	ask func(context.Context) error
	now func() time.Time

	mu    sync.Mutex
	under *question // the one under way; nil when there is none
	at    time.Time // of the last answer
	err   error
}

// question is one that the store has yet to answer.
type question struct {
	begun time.Time
	done  chan struct{}
}

// New is for a question that the store alone answers, and the clock.
func New(ask func(context.Context) error, now func() time.Time) *Probe {
	return &Probe{ask: ask, now: now}
}

// Answers is nil while the store answers, else why it is not known to. It takes
// Patience at the most.
func (p *Probe) Answers(ctx context.Context) error {
	q, err := p.question()
	if q == nil {
		return err
	}
	late := time.NewTimer(q.begun.Add(Patience).Sub(p.now()))
	defer late.Stop()
	select {
	case <-q.done:
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.err
	case <-late.C:
		return ErrLate
	case <-ctx.Done():
		return ctx.Err()
	}
}

// question is the one to wait for, or nil and what is known already. A store that
// hangs is asked no second time meanwhile.
func (p *Probe) question() (*question, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.under != nil {
		return p.under, nil
	}
	if now := p.now(); p.at.IsZero() || now.Sub(p.at) >= Kept {
		p.under = &question{now, make(chan struct{})}
		go p.put(p.under)
		return p.under, nil
	}
	return nil, p.err
}

func (p *Probe) put(q *question) {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	err := p.ask(ctx)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.under, p.at, p.err = nil, p.now(), err
	close(q.done)
}
