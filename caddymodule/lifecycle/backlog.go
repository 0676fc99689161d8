package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"sync"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// backlog is what has yet to be done to people's sessions because a login
// says that the people have changed. It is kept until the store has taken it:
// somebody who was disabled must not stay signed in because Redis was away.
type backlog struct {
	mu sync.Mutex
	// waiting are the tasks, those that end sessions apart from those that
	// build them anew.
	waiting map[bool]map[personTask]struct{}
	taken   int // of which it is not known yet whether they could be done
}

// personTask ends, or else builds anew, the sessions of one person that began
// through one login, or one of them.
type personTask struct {
	method  string
	userID  int64
	end     bool
	session sessionstore.Key // zero: all
	former  former           // zero: whatever they were vouched by
	unread  bool             // that one cannot be read
}

func newBacklog() *backlog {
	return &backlog{waiting: map[bool]map[personTask]struct{}{true: {}, false: {}}}
}

func (b *backlog) add(t personTask) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting[t.end][t] = struct{}{}
}

// len counts what is to be done and what is being done.
func (b *backlog) len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.waiting[true]) + len(b.waiting[false]) + b.taken
}

// take takes one of the tasks, which must then be settled.
func (b *backlog) take(end bool) (t personTask, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for t = range b.waiting[end] {
		delete(b.waiting[end], t)
		b.taken++
		return t, true
	}
	return t, false
}

// settle says that a task which was taken is done.
func (b *backlog) settle() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.taken--
}

// EndPerson has the sessions of a person end that began through that login. was
// is what the login knew of them before: those stay that began since, with
// another password or of somebody else who has the number now, and are vouched
// for. nil: all end.
func (l *Sessions) EndPerson(login string, userID int64, was *profile.Person) {
	t := personTask{method: login, userID: userID, end: true}
	if was != nil {
		t.former = former{was.Subject, was.Standing}
	}
	l.backlog.add(t)
}

// RebuildPerson has the sessions of a person built anew that began through that
// login.
func (l *Sessions) RebuildPerson(login string, userID int64) {
	l.backlog.add(personTask{method: login, userID: userID})
}

// Backlog counts the people whose sessions are yet to be ended or built anew.
func (l *Sessions) Backlog() int { return l.backlog.len() }

// WorkOff does what EndPerson and RebuildPerson have asked for, and puts back
// what could not be done. One person's trouble keeps no other waiting; that of
// the store does, for when it is away it is away for all of them.
func (l *Sessions) WorkOff(ctx context.Context) {
	r := round{config: l.config, backlog: l.backlog, rebuilder: l.refresher.rebuilder, ender: l.ender}
	r.settleDoubts(ctx)
	r.work(ctx, true)
	r.work(ctx, false)
	for _, t := range r.undone {
		l.backlog.add(t)
		l.backlog.settle()
	}
	if r.failed != nil && ctx.Err() == nil {
		l.config.Events.Happened(Event{Kind: Pending, Err: r.failed})
	}
}

// round is one WorkOff.
type round struct {
	config    *Config
	backlog   *backlog
	rebuilder *rebuilder
	ender     *ender

	undone []personTask
	failed error // the first failure
	away   bool  // the store is
}

// settleDoubts has those sessions end of which the login has long not vouched,
// and still does not, whether or not anybody presents them again.
func (r *round) settleDoubts(ctx context.Context) {
	v := r.config.Vouching
	for _, key := range v.ripe() {
		s, err := r.config.Backing.Get(ctx, key)
		switch {
		case err == nil:
			_, _ = v.Of(s) // which has it end
		case sessionstore.IsUnreadable(err):
			r.backlog.add(personTask{end: true, session: key, unread: true}) // nobody vouched for it when it could be read
		case !errors.Is(err, sessionstore.ErrNotFound):
			r.failed, r.away = err, true
			return
		}
		v.doubts.forget(key)
	}
}

// work does the tasks of one kind, those included that come meanwhile.
func (r *round) work(ctx context.Context, end bool) {
	for !r.away {
		t, ok := r.backlog.take(end)
		if !ok {
			return
		}
		err := r.do(ctx, t)
		if err == nil {
			r.backlog.settle()
			continue
		}
		r.undone = append(r.undone, t)
		r.failed = cmp.Or(r.failed, err)
		r.away = r.away || !ofOnePerson(err)
	}
}

// ofOnePerson tells trouble with what is kept or said of one person from a
// store that is away.
func ofOnePerson(err error) bool {
	if _, ofSource := errors.AsType[SourceFault](err); ofSource {
		return !isStoreFault(err)
	}
	return errors.Is(err, sessionstore.ErrConflict) || sessionstore.IsUnreadable(err)
}

func (r *round) do(ctx context.Context, t personTask) error {
	if t.unread {
		return r.ender.end(ctx, t.session, parting{why: EndUnvouched, unreadable: true})
	}
	if t.session != (sessionstore.Key{}) {
		was := &sessionstore.Session{Key: t.session, Method: t.method, User: sessionstore.UserSession{ID: t.userID}}
		if err := r.ender.noLongerVouchedFor(ctx, was, EndUnvouched); !errors.Is(err, ErrEnded) {
			return err
		}
		return nil
	}
	sessions, err := r.config.Store.List(ctx, t.userID)
	unreadable, listed := sessionstore.Unreadable(err)
	if err != nil && !listed {
		return err
	}
	var failed error
	for _, s := range sessions {
		if s.Method != t.method || r.config.Vouching.isOfOther(s) {
			continue
		}
		err := r.doSession(ctx, t, s)
		if err == nil || errors.Is(err, ErrEnded) {
			continue
		}
		if failed = cmp.Or(failed, err); !ofOnePerson(err) {
			return err
		}
	}
	return cmp.Or(failed, r.doUnreadable(ctx, t, unreadable, err))
}

func (r *round) doSession(ctx context.Context, t personTask, s *sessionstore.Session) error {
	if t.end && r.config.Vouching.beganSince(s, t.former) {
		return nil
	}
	if t.end {
		return r.ender.noLongerVouchedFor(ctx, s, EndPersonGone)
	}
	// A source may let us wait for as long as it likes. Who is to be signed out
	// does not wait for it.
	r.work(ctx, true)
	_, err := r.rebuilder.rebuild(ctx, s)
	if errors.Is(err, ErrUnmapped) {
		return nil // it was told, and asking again says the same
	}
	return err
}

// doUnreadable ends the sessions of a person that cannot be read. Through which
// login they began is sealed with the rest: were they spared for that, somebody
// who was disabled would be signed in again as soon as the secret that they are
// sealed with is configured again, or at the gateway that has it. What is to be
// built anew must be read, and so stays as it is.
func (r *round) doUnreadable(ctx context.Context, t personTask, keys []sessionstore.Key, why error) error {
	if len(keys) == 0 {
		return nil
	}
	if !t.end {
		r.config.Events.Happened(Event{Kind: NotRead, Login: t.method, UserID: t.userID, Count: len(keys), Err: why})
		return nil
	}
	for _, key := range keys {
		how := parting{why: EndPersonGone, login: t.method, userID: t.userID, unreadable: true}
		if err := r.ender.end(ctx, key, how); err != nil {
			return err
		}
		r.config.Events.Happened(Event{Kind: Ended, Login: t.method, UserID: t.userID, Session: key, Count: 1})
	}
	return nil
}
