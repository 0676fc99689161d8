package adminapi

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/sessionstore"
)

// sessionRoutes tell of sessions, and end them.
var sessionRoutes = []route{
	{path: "sessions", methods: map[string]method{
		http.MethodGet:    {params: slices.Concat(askedParams, []string{"cursor", "limit"}), answer: list},
		http.MethodDelete: {params: askedParams, answer: endAsked},
	}},
	{path: "sessions/", name: "{id}", methods: map[string]method{
		http.MethodGet:    {params: []string{"user"}, answer: show},
		http.MethodDelete: {params: []string{"user"}, answer: endOne},
	}},
}

// Session is one of them, as operators see it; all times are in UTC.
type Session struct {
	ID     string `json:"id"`
	User   int64  `json:"user"`
	Email  string `json:"email"`
	Method string `json:"method"`

	CreatedAt     time.Time `json:"createdAt"`
	LastSeenAt    time.Time `json:"lastSeenAt"`
	ExpiresAt     time.Time `json:"expiresAt"`
	IdleExpiresAt time.Time `json:"idleExpiresAt"`

	Address   string `json:"address"`
	UserAgent string `json:"userAgent"`
}

func sessionOf(s *sessionstore.Session) Session {
	return Session{
		ID: s.Key.ID(), User: s.User.ID, Email: s.User.Email, Method: s.Method,
		CreatedAt: s.CreatedAt.UTC(), LastSeenAt: s.LastSeenAt.UTC(), ExpiresAt: s.ExpiresAt.UTC(), IdleExpiresAt: s.IdleExpiresAt().UTC(),
		Address: s.Address, UserAgent: s.UserAgent,
	}
}

// sessionList is one page of them.
type sessionList struct {
	Sessions []Session `json:"sessions"`
	// Cursor is where the next page begins; it is left out at the end.
	Cursor string `json:"cursor,omitempty"`
	// Unreadable are how many more there are in all which cannot be read, and may or
	// may not be among those asked for.
	Unreadable int `json:"unreadable,omitempty"`
}

func list(c *call) error {
	asked, err := c.asked()
	if err != nil {
		return err
	}
	from, err := c.cursor()
	if err != nil {
		return err
	}
	limit, err := c.limit()
	if err != nil {
		return err
	}
	d, err := c.browsing()
	if err != nil {
		return err
	}
	l, err := d.listings.of(c.r.Context(), d.browser, asked, from)
	if err != nil {
		return away(err)
	}
	p, err := l.read(c.r.Context(), d.Store, from, limit)
	if err != nil {
		return away(err)
	}
	answer := sessionList{Sessions: make([]Session, len(p.sessions)), Unreadable: p.unreadable}
	for i, s := range p.sessions {
		answer.Sessions[i] = sessionOf(s)
	}
	if p.next != nil {
		answer.Cursor = p.next.String()
	}
	return c.reply(answer)
}

func show(c *call) error {
	_, f, err := c.find1()
	if err != nil {
		return err
	}
	if f.Ended {
		return notFound(f.Key.ID())
	}
	if f.Session == nil {
		return c.reply(struct {
			ID         string `json:"id"`
			Unreadable string `json:"unreadable"`
		}{f.Key.ID(), shown(f.Err.Error())})
	}
	return c.reply(sessionOf(f.Session))
}

// ended says how many sessions have ended, and of how many it is not known whether
// they are of those that were asked for.
type ended struct {
	Ended      int `json:"ended"`
	Unreadable int `json:"unreadable,omitempty"`
}

func endOne(c *call) error {
	d, f, err := c.find1()
	if err != nil {
		return err
	}
	found, err := d.Operators.EndOne(c.r.Context(), identity(c.r), f)
	if err != nil {
		broken := away(err)
		if found {
			broken.Message += interrupted(lifecycle.OperatorEnded{Ended: 1})
		}
		return broken
	}
	if !found {
		return notFound(f.Key.ID())
	}
	return c.reply(ended{Ended: 1})
}

func endAsked(c *call) error {
	asked, err := c.asked()
	if err != nil {
		return err
	}
	d, err := c.browsing()
	if err != nil {
		return err
	}
	done, err := d.end(c.r.Context(), identity(c.r), asked)
	if err != nil {
		broken := away(err)
		broken.Message += interrupted(done)
		return broken
	}
	return c.reply(ended{done.Ended, done.Unknown})
}

// end ends those of one person at once, and others when it is the turn of that.
func (d *Desk) end(ctx context.Context, by string, asked lifecycle.Asked) (lifecycle.OperatorEnded, error) {
	if asked.UserID == 0 {
		done, err := d.turnOf(http.MethodDelete).take(ctx)
		if err != nil {
			return lifecycle.OperatorEnded{}, err
		}
		defer done()
	}
	return d.Operators.End(ctx, by, asked)
}

// find1 finds the session that the path names, which may have ended idle.
func (c *call) find1() (*Desk, sessionstore.Found, error) {
	var none sessionstore.Found
	id, err := c.id()
	if err != nil {
		return nil, none, err
	}
	var userID int64
	if _, given := c.query["user"]; given {
		if userID, err = c.user(); err != nil {
			return nil, none, err
		}
	}
	d, err := c.browsing()
	if err != nil {
		return nil, none, err
	}
	var unsettled error
	ends := c.r.Method == http.MethodDelete
	if ends { // before the look, so that what is not found has ended for good
		unsettled = d.Operators.Settle(c.r.Context(), userID)
	}
	f, found, err := d.findSession(c.r.Context(), d.turnOf(c.r.Method), id, userID)
	if err == nil && !found {
		err = unsettled
	}
	if err != nil {
		if ends { // what an operator tried is told, whether it came to anything or not
			d.Operators.NotFound(identity(c.r), id, userID, err)
		}
		return nil, none, away(err)
	}
	if !found {
		return nil, none, notFound(id)
	}
	return d, f, nil
}

// errFound ends a walk.
var errFound = errors.New("found")

// findSession looks among the person's, where it is said whose it is: that costs no
// walk over everybody's, and waits for no turn.
func (d *Desk) findSession(ctx context.Context, t turn, id string, userID int64) (f sessionstore.Found, found bool, err error) {
	if userID == 0 {
		done, err := t.take(ctx)
		if err != nil {
			return f, false, err
		}
		defer done()
		return d.browser.FindID(ctx, id)
	}
	err = d.browser.WalkUser(ctx, userID, func(page []sessionstore.Found) error {
		i := slices.IndexFunc(page, func(f sessionstore.Found) bool { return f.Key.ID() == id })
		if i < 0 {
			return nil
		}
		f = page[i]
		return errFound
	})
	if errors.Is(err, errFound) {
		return f, true, nil
	}
	return f, false, err
}

// browsing is the desk, where its store can be looked through.
func (c *call) browsing() (*Desk, error) {
	d, err := c.desk()
	if err != nil {
		return nil, err
	}
	if d.browser == nil {
		return nil, fault(http.StatusNotImplemented, "the session store of this configuration cannot be looked through: use store embedded, memory or redis")
	}
	return d, nil
}

// away says that nothing can be told, which says nothing of sessions: the store gave no
// answer, or has answered that it does not do this.
func away(err error) caddy.APIError {
	if errors.Is(err, sessionstore.ErrUnconfirmed) {
		return fault(http.StatusServiceUnavailable, "too few replicas of the session store have confirmed it (%s): what has ended has ended there, "+
			"and a failover may bring it back. Repeat the request when the replicas follow", shown(err.Error()))
	}
	if said := refused(err); said != "" {
		return fault(http.StatusServiceUnavailable, "%s. Then repeat the request", said)
	}
	if errors.Is(err, sessionstore.ErrPart) { // a store that answers all along
		return fault(http.StatusServiceUnavailable, "not all sessions could be looked through (%s): until then those of one person are to be had by user=<id>", shown(err.Error()))
	}
	return fault(http.StatusServiceUnavailable, "the session store gave no answer, so that nothing can be told (%s): "+
		"repeat the request when GET %sready answers 200", shown(err.Error()), prefix)
}

// refused is what to do where the store has answered, and then what it said; empty where
// it has not. Who is told to wait for the store waits in vain for a right.
func refused(err error) string {
	refusal, ok := errors.AsType[sessionstore.Refusal](err)
	if !ok {
		return ""
	}
	what, remedy, ok := refusal.Refused()
	if !ok {
		return ""
	}
	return cmp.Or(remedy, "See what the session store's own log says") + " (the session store has answered, and refuses this: " + shown(what) + ")"
}

// interrupted says how far it came. It speaks of no others, for whether there are any
// is not known then.
func interrupted(done lifecycle.OperatorEnded) string {
	ended := "; none of the sessions has ended"
	switch {
	case done.Untold && done.Ended == 0:
		return "; whether sessions have ended cannot be told"
	case done.Ended == 1:
		ended = "; 1 session has ended"
	case done.Ended > 1:
		ended = "; " + strconv.Itoa(done.Ended) + " sessions have ended"
	}
	if done.Untold {
		ended += ", and whether others have cannot be told"
	}
	return ended
}
