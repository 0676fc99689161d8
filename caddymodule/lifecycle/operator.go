package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"example.com/sidegate/sessionstore"
)

// Asked says which sessions an operator asks for. Exactly one field is set.
type Asked struct {
	// UserID is the number of the person whose sessions they are.
	UserID int64
	// Email is the address of their person, as sessions have it.
	Email string
	// Login is the name of the login that they began through.
	Login string
	// All asks for those of everybody.
	All bool
}

// String is how an operator asks for them at the admin endpoint.
func (a Asked) String() string {
	switch {
	case a.UserID != 0:
		return "user=" + strconv.FormatInt(a.UserID, 10)
	case a.Email != "":
		return "email=" + a.Email
	case a.Login != "":
		return "login=" + a.Login
	case a.All:
		return "all=true"
	}
	return ""
}

// errNotBrowsed says that there is nothing to look with.
var errNotBrowsed = errors.New("the session store cannot be looked through: use one of embedded, memory and redis")

// Walk hands out the pages of those that it takes to find them, which may be others
// too: see Has. Those that have ended idle and are kept are among them.
func (a Asked) Walk(ctx context.Context, b sessionstore.Browser, page func([]sessionstore.Found) error) error {
	switch {
	case b == nil:
		return errNotBrowsed
	case a.UserID != 0:
		return b.WalkUser(ctx, a.UserID, page)
	}
	return b.WalkAll(ctx, page)
}

// Has reports whether the session is one of those; known is false where that cannot
// be told of one that cannot be read.
func (a Asked) Has(f sessionstore.Found) (has, known bool) {
	switch s := f.Session; {
	case a.All, a.UserID != 0: // whose it is, is said by where it lies
		return true, true
	case s == nil:
		return false, false
	case a.Email != "":
		return s.User.Email == a.Email, true
	default:
		return s.Method == a.Login, true
	}
}

// OperatorEnded is what became of sessions that an operator asked the end of.
type OperatorEnded struct {
	// Ended is how many have ended that lived.
	Ended int
	// Unknown is how many cannot be read, so that they may be of those as well. They
	// go on.
	Unknown int
	// Untold says that more may have ended, of which the store could not be asked.
	Untold bool
}

// Operators end sessions of others, by their right to.
type Operators struct {
	config *Config
	ender  *ender
}

// NewOperators is for those of the gateway whose sessions these are.
func NewOperators(l *Sessions) *Operators { return &Operators{l.config, l.ender} }

// End ends sessions at once, page by page, those that cannot be read among them, and
// those that have ended idle: activity that is written late would have them live again.
// Those that begin meanwhile may live on. What keeps it from some keeps it from no
// others, unless page after page fails. With an error comes what has ended all the same:
// to ask again ends the others. By is who the operator is; there is one event of it.
func (o *Operators) End(ctx context.Context, by string, asked Asked) (done OperatorEnded, err error) {
	told := operatorEvent{Event: Event{Kind: EndedByOperator, Result: by, Name: asked.String(), Login: asked.Login, UserID: asked.UserID}}
	unknown := make(map[sessionstore.Key]struct{}) // a walk may come by one twice
	unsettled := o.settle(ctx, asked)
	var wrong troubles
	err = asked.Walk(sessionstore.Reaching(ctx), o.config.Browser, func(page []sessionstore.Found) error {
		var end []sessionstore.Found
		for _, f := range page {
			has, known := asked.Has(f)
			if has {
				end = append(end, f)
			} else if !known && !f.Ended {
				unknown[f.Key] = struct{}{}
			}
		}
		gone, untold, err := o.ender.endFound(ctx, end)
		told.add(gone)
		done.Untold = done.Untold || untold
		return wrong.note(ctx, gone.n, err)
	})
	err = cmp.Or(wrong.err, err, wrong.unconfirmed, unsettled)
	told.Err = err
	o.config.Events.Happened(told.event())
	done.Ended, done.Unknown = told.Count, len(unknown)
	return done, err
}

// settle is ender.settle for all that were asked for. It comes before the look for
// them, so that what was ended before and is not found has ended for good; and those
// that are found end whether it succeeds or not.
func (o *Operators) settle(ctx context.Context, asked Asked) error {
	switch {
	case o.config.Browser == nil:
		return errNotBrowsed
	case asked.UserID != 0:
		return o.ender.settle(ctx, asked.UserID)
	}
	_, err := o.config.Browser.RevokeFound(ctx)
	return err
}

// Settle makes sure that a session which is looked for behind it, and not found, has
// ended for good if it was ended: one of that person, or of anybody where that is 0.
func (o *Operators) Settle(ctx context.Context, userID int64) error {
	return o.settle(ctx, Asked{UserID: userID, All: userID == 0})
}

// EndOne is End for one session. It is not found when somebody else has ended it
// first, or when it had ended idle. With an error, found says that it has ended.
func (o *Operators) EndOne(ctx context.Context, by string, f sessionstore.Found) (found bool, err error) {
	if o.config.Browser == nil {
		return false, errNotBrowsed
	}
	told := operatorEvent{Event: Event{Kind: EndedByOperator, Result: by}}
	gone, _, err := o.ender.endFound(ctx, []sessionstore.Found{f})
	told.add(gone)
	if told.Err = err; gone.n == 0 {
		told.Name = askedForID + f.Key.ID() // what was asked for: it has not ended
	}
	if gone.n > 0 || err != nil {
		o.config.Events.Happened(told.event())
	}
	return gone.n > 0, err
}

// NotFound tells of an end of one session that an operator asked for, and that was not
// looked for to the end: of that person, or of anybody where that is 0.
func (o *Operators) NotFound(by, id string, userID int64, why error) {
	o.config.Events.Happened(Event{Kind: EndedByOperator, Result: by, Name: askedForID + id, UserID: userID, Err: why})
}

// askedForID begins what an operator asked for who names a session.
const askedForID = "id="

// mostFailures is how many pages in a row may fail of which nothing ends.
const mostFailures = 3

// troubles are what kept an operator from some of the sessions.
type troubles struct {
	// err is the first error, but that too few replicas have confirmed it, which is
	// unconfirmed: all of the page has ended then.
	err, unconfirmed error
	failures         int
}

// note remembers the error of a page of which so many have ended, and returns it where
// there is no sense in going on.
func (t *troubles) note(ctx context.Context, ended int, err error) error {
	switch {
	case err == nil || ended > 0 || errors.Is(err, sessionstore.ErrUnconfirmed):
		t.failures = 0
	default:
		t.failures++
	}
	if errors.Is(err, sessionstore.ErrUnconfirmed) {
		t.unconfirmed = cmp.Or(t.unconfirmed, err)
		return ctx.Err()
	}
	t.err = cmp.Or(t.err, err)
	if t.failures == mostFailures {
		return err
	}
	return ctx.Err()
}

// operatorEvent is the event of one request, which says whose the sessions were
// where they were one person's.
type operatorEvent struct {
	Event
	userID int64
	login  string
	key    sessionstore.Key
	mixed  bool
}

func (o *operatorEvent) add(gone gone) {
	o.Count += gone.n
	for _, f := range gone.of {
		s := f.Session
		switch {
		case s == nil:
			o.mixed = true
		case o.login == "" && o.userID == 0:
			o.userID, o.login = s.User.ID, s.Method
		case o.userID != s.User.ID || o.login != s.Method:
			o.mixed = true
		}
	}
	if len(gone.of) == 1 { // else it is not known which of them it was
		o.key = gone.of[0].Key
	}
}

func (o *operatorEvent) event() Event {
	if !o.mixed && o.userID != 0 {
		o.UserID, o.Login = o.userID, o.login
	}
	if o.Count == 1 {
		o.Session = o.key
	}
	return o.Event
}

// gone are sessions that have ended: n of those, where n is not 0.
type gone struct {
	of []sessionstore.Found
	n  int
}

// endFound ends sessions, whether they can be read or not, and has what is kept for
// them elsewhere go, as signOut does for one. No app is told of those that had ended
// idle, as it is not when nobody ends them. With an error come those that had ended by
// then, as far as the store says so afterwards, for its answer may have been lost;
// untold: it could not be asked of all.
func (e *ender) endFound(ctx context.Context, found []sessionstore.Found) (ended gone, untold bool, err error) {
	if len(found) == 0 {
		return ended, false, nil
	}
	n, err := e.config.Browser.RevokeFound(ctx, found...)
	for _, key := range sessionstore.KeysOf(found) { // also those that may have ended: it costs a look-up
		e.config.Drop(key)
		e.config.Ended(key)
	}
	if err != nil {
		found, untold = e.gone(ctx, found)
		n = max(n, len(found))
	}
	if n > 0 {
		ended = gone{slices.DeleteFunc(slices.Clone(found), func(f sessionstore.Found) bool { return f.Ended }), n}
	}
	var left, named []*sessionstore.Session
	for _, f := range found {
		if f.Session == nil {
			continue
		}
		named = append(named, f.Session)
		if !f.Ended {
			left = append(left, f.Session)
		}
	}
	e.farewell.tellAll(left)
	if err == nil { // else whoever asks again finds them by their names
		e.links.forget(ctx, named...)
	}
	return ended, untold, err
}

// goneTime bounds how long it is asked which sessions had ended when the end of
// others failed.
const goneTime = 2 * time.Second

// gone are those that have ended, as far as the store still says so; untold: it does not
// of all. Of those that had
// ended idle it does not say whether they are kept, and they keep their names.
func (e *ender) gone(ctx context.Context, found []sessionstore.Found) (gone []sessionstore.Found, untold bool) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), goneTime)
	defer cancel()
	for _, f := range found {
		if f.Ended {
			continue
		}
		_, err := e.config.Backing.Get(ctx, f.Key)
		switch {
		case errors.Is(err, sessionstore.ErrNotFound):
			gone = append(gone, f)
		case err != nil && !sessionstore.IsUnreadable(err):
			return gone, true
		}
	}
	return gone, false
}
