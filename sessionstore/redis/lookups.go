package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

const (
	// held is for how long those who come wait for a batch that is under way: one
	// that takes longer, by a connection that is dead, must not hold up everybody.
	// Then the next goes beside it, so that there are few at once even then.
	held = 10 * time.Millisecond
	// mostTogether is how many questions one batch holds. The next may go at once.
	mostTogether = 256
)

// lookups sends the look-ups of sessions to a server that wait at the same time
// in one write. While one is under way the next batch gathers; who comes when none
// is asks at once and alone, on their own goroutine.
type lookups struct {
	within time.Duration
	now    func() time.Time

	mu    sync.Mutex
	lanes map[*goredis.Client]*lane
}

// lane is what is under way to one of them.
type lane struct {
	client   *goredis.Client
	underway int
	begun    time.Time // when the latest of them was
	next     *batch    // what gathers; nil when nothing does
}

// batch is what is asked with one write.
type batch struct {
	asked []question
	// done is closed when answers has what was answered to each of them.
	done    chan struct{}
	answers []answer
	overdue *time.Timer // sends it off, if what is under way takes too long
}

// question is after the session of a Redis key. Of a guess nothing is asked but
// whether there is one.
type question struct {
	key   string
	guess bool
}

// answer is what was said of one session: its record, and for how long Redis keeps
// it; less than 0 means for good. The error is goredis.Nil when there is none.
type answer struct {
	record []byte
	kept   time.Duration
	err    error
}

func newLookups(within time.Duration) *lookups {
	return &lookups{within: within, now: time.Now, lanes: make(map[*goredis.Client]*lane)}
}

// ask asks a server for a session, together with all who do so now. Who goes
// leaves at once, and what is answered to them is nobody's. The batch has a
// time-out of its own: nobody's deadline is that of the others.
func (l *lookups) ask(ctx context.Context, client *goredis.Client, q question) answer {
	if err := ctx.Err(); err != nil {
		return answer{err: err}
	}
	s, b, i := l.join(client, q)
	if b == nil {
		return l.alone(ctx, s, q)
	}
	select {
	case <-b.done:
		return b.answers[i]
	case <-ctx.Done():
		return answer{err: ctx.Err()}
	}
}

// join adds a question to the batch that gathers, which leaves when the one that is
// under way is back, or takes too long. There is no batch where none is under way.
func (l *lookups) join(client *goredis.Client, q question) (s *lane, b *batch, at int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s = l.laneOf(client)
	now := l.now()
	if s.underway == 0 {
		s.underway, s.begun = 1, now
		return s, nil, 0
	}
	if s.next == nil {
		s.next = l.gather(s, held-now.Sub(s.begun))
	}
	b, at = s.next, len(s.next.asked)
	b.asked = append(b.asked, q)
	if len(b.asked) == mostTogether {
		s.underway++
		b.leaves(s, now)
		go func() {
			b.send(client, l.within)
			l.send(s)
		}()
	}
	return s, b, at
}

// gather begins a batch that waits for so long.
func (l *lookups) gather(s *lane, wait time.Duration) *batch {
	b := &batch{done: make(chan struct{})}
	b.overdue = time.AfterFunc(wait, func() {
		l.mu.Lock()
		gathers := s.next == b
		if gathers {
			s.underway++
		}
		l.mu.Unlock()
		if gathers {
			l.send(s)
		}
	})
	return b
}

// alone asks a single question, and has what gathered meanwhile sent by another
// goroutine: its answer waits for nobody's.
func (l *lookups) alone(ctx context.Context, s *lane, q question) answer {
	defer l.handOn(s)
	b := batch{asked: []question{q}}
	b.exchange(ctx, s.client)
	return b.answers[0]
}

// handOn ends what a lone question had under way, unless there is something to send.
func (l *lookups) handOn(s *lane) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.next == nil {
		s.underway--
		return
	}
	go l.send(s)
}

// laneOf is called with mu held. Nodes of a cluster come and go: those that nobody
// asks are forgotten when another comes.
func (l *lookups) laneOf(client *goredis.Client) *lane {
	s := l.lanes[client]
	if s == nil {
		for other, idle := range l.lanes {
			if idle.underway == 0 {
				delete(l.lanes, other)
			}
		}
		s = &lane{client: client}
		l.lanes[client] = s
	}
	return s
}

// send asks what has gathered, and then what has gathered meanwhile.
func (l *lookups) send(s *lane) {
	for {
		// Those who are about to ask may still come; who is alone does not wait.
		runtime.Gosched()
		b := l.gathered(s)
		if b == nil {
			return
		}
		b.send(s.client, l.within)
	}
}

// gathered is the next batch to be sent; nil when there is none, and then nothing
// more is under way here.
func (l *lookups) gathered(s *lane) *batch {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := s.next
	if b == nil {
		s.underway--
		return nil
	}
	b.leaves(s, l.now())
	return b
}

// leaves has nobody join it any more; it is called with the mutex held.
func (b *batch) leaves(s *lane, now time.Time) {
	b.overdue.Stop() // or it finds that this one has left
	s.next, s.begun = nil, now
}

// send asks for all who wait, within a time of the batch's own.
func (b *batch) send(client *goredis.Client, within time.Duration) {
	defer close(b.done)
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	b.exchange(ctx, client)
}

// exchange asks all of a batch in one write. A panic on a goroutine that no server
// recovers would end the gateway for everybody: those who wait cannot tell.
func (b *batch) exchange(ctx context.Context, client *goredis.Client) {
	b.answers = make([]answer, len(b.asked))
	defer func() {
		if p := recover(); p != nil {
			b.fail(panicked(p))
		}
	}()
	b.read(ctx, client)
}

// read asks two questions for each session, which costs Redis half of what a
// script does. Between the two a session may be put off, or end: in the one case
// it lives as it did, in the other there is none.
func (b *batch) read(ctx context.Context, client *goredis.Client) {
	pipe := client.Pipeline()
	commands := make([]goredis.Cmder, 0, 2*len(b.asked))
	for _, q := range b.asked {
		key := any(q.key) // once for both
		commands = append(commands, goredis.NewStringCmd(ctx, "get", key))
		if !q.guess {
			commands = append(commands, goredis.NewDurationCmd(ctx, time.Millisecond, "pttl", key))
		}
	}
	for _, c := range commands {
		c.SetErr(errUnasked)
	}
	_ = pipe.BatchProcess(ctx, commands...) // it only takes them
	_, err := pipe.Exec(ctx)
	if !alive(err) {
		// Some may have been answered before it broke, but which is not said.
		b.fail(err)
		return
	}
	for i, q := range b.asked {
		a := answerTo(q, commands)
		if errors.Is(a.err, errUnasked) {
			a.err = cmp.Or(err, a.err)
		}
		b.answers[i] = a
		commands = commands[q.commands():]
	}
}

// commands is how many there are of it.
func (q question) commands() int {
	if q.guess {
		return 1
	}
	return 2
}

// errUnasked is what a question has that nobody has answered. Without it the
// answer would be a session without a record where the server refuses the
// connection, which go-redis says of the whole alone.
var errUnasked = errors.New("redis was not asked")

// answerTo is what follows from what its first commands were answered.
func answerTo(q question, commands []goredis.Cmder) (a answer) {
	record := commands[0].(*goredis.StringCmd)
	if a.err = record.Err(); a.err != nil || q.guess {
		return a
	}
	a.kept, a.err = commands[1].(*goredis.DurationCmd).Result()
	if a.err == nil && a.kept == -2 {
		a.err = goredis.Nil
	}
	if a.err == nil {
		a.record, a.err = record.Bytes()
	}
	return a
}

// fail is the answer to all of them.
func (b *batch) fail(err error) {
	for i := range b.answers {
		b.answers[i] = answer{err: err}
	}
}

// panicked leaves the text of a panic out unless it is the runtime's own: it may
// hold anything.
func panicked(p any) error {
	if err, ok := p.(runtime.Error); ok {
		return fmt.Errorf("asking redis panicked: %w", err)
	}
	return fmt.Errorf("asking redis panicked with a %T", p)
}
