package lifecycle

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

const (
	// cookiesEvery is the least time between two writes of one session's cookies:
	// some apps set another one with every answer.
	cookiesEvery = 2 * time.Second
	// cookieTime bounds one write, and cookieTries how often it is tried before
	// the next change has to set it off again.
	cookieTime  = 10 * time.Second
	cookieTries = 5
	// cookieWrites bounds what is written at a time in this process, and
	// maxCookieSessions of how many sessions changes are remembered.
	cookieWrites      = 64
	maxCookieSessions = 50_000
)

// AppCookies are the apps' own cookies that sessions keep, as they are by now: an
// app may have changed them in an answer, and the store has yet to take that.
// They may be used concurrently.
type AppCookies struct {
	config *Config
	writer writer

	count   atomic.Int64 // of changed, so that where there are none no lock is taken
	mu      sync.Mutex
	changed map[sessionstore.Key]*changedCookies
	closed  bool
	told    map[string]bool // logins whose cookies were too many

	slots   chan struct{}
	hurry   chan struct{} // closed to end every pause
	running sync.WaitGroup
}

// newAppCookies returns those that are written past the near cache: it would
// forget a session before it is written, which must not be lost when the store
// is away and cannot be asked for it again.
func newAppCookies(c *Config) *AppCookies {
	return &AppCookies{
		config: c, writer: writer{c.Backing, c.Backing, c.Vouching}, changed: make(map[sessionstore.Key]*changedCookies), told: make(map[string]bool),
		slots: make(chan struct{}, cookieWrites), hurry: make(chan struct{}),
	}
}

// Of returns the cookies of a session of which the record that s is says known.
func (c *AppCookies) Of(s *sessionstore.Session, known profile.AppCookies) (now profile.AppCookies, changed bool) {
	if c.count.Load() == 0 {
		return known, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	said := c.changed[s.Key].since(s.Version)
	if len(said) == 0 {
		return known, false
	}
	now, _ = known.With(c.config.Now(), said...)
	return now, true
}

// Kept is what the session keeps, with the cookies as they are by now; nil when
// it keeps nothing that can be read.
func (c *AppCookies) Kept(s *sessionstore.Session) *profile.Kept {
	kept, err := profile.DecodeKept(s.Kept)
	if err != nil || kept == nil {
		return nil
	}
	if now, changed := c.Of(s, profile.ReadAppCookies(kept.UpstreamCookies)); changed {
		kept.UpstreamCookies = now.Texts()
	}
	return kept
}

// changedCookies are those of one session. They are forgotten when they have
// been in the record for as long as a request may have an older one at hand.
type changedCookies struct {
	key     sessionstore.Key
	login   string
	session *sessionstore.Session // the latest that is known
	said    []saidCookie
	flying  bool
}

// saidCookie is what an app said last of one cookie.
type saidCookie struct {
	profile.AppCookie
	version uint64 // of the record that says so; 0: none does yet
}

// In returns the cookies of a session as they are by now.
func (c *AppCookies) In(s *sessionstore.Session) profile.AppCookies {
	kept := c.Kept(s)
	if kept == nil {
		return nil
	}
	return profile.ReadAppCookies(kept.UpstreamCookies)
}

// since are the changes that a record of that version does not have.
func (h *changedCookies) since(version uint64) (said []profile.AppCookie) {
	if h == nil {
		return nil
	}
	for _, cookie := range h.said {
		if cookie.version == 0 || version < cookie.version {
			said = append(said, cookie.AppCookie)
		}
	}
	return said
}

// Note hears what an app has said of its own cookies in an answer to somebody
// who was served by this session, of which known are the cookies. It is good
// here at once. The record is written behind the request, at most once every two
// seconds, when something is new; a session that has ended meanwhile stays so.
func (c *AppCookies) Note(s *sessionstore.Session, known profile.AppCookies, said ...profile.AppCookie) {
	s = s.Record()
	c.mu.Lock()
	defer c.mu.Unlock()
	h, at := c.changed[s.Key], c.config.Now()
	now, _ := known.With(at, h.since(s.Version)...)
	news := now.News(at, said...)
	if len(news) == 0 {
		return
	}
	after, leftOut := now.With(at, beside(now, news, said)...)
	var fresh []profile.AppCookie
	for _, cookie := range after { // and what made room, which is gone
		if before, _ := now.Named(cookie.Name); before != cookie {
			fresh = append(fresh, cookie)
		}
	}
	c.tellLeftOut(s.Method, leftOut)
	if len(fresh) == 0 || c.closed || h == nil && !c.makeRoom() {
		return
	}
	if h == nil {
		h = &changedCookies{key: s.Key, login: s.Method, session: s}
		c.changed[s.Key] = h
		c.count.Store(int64(len(c.changed)))
	}
	if s.Version > h.session.Version {
		h.session = s
	}
	h.put(fresh)
	if !h.flying {
		h.flying = true
		c.running.Go(func() { c.fly(h) })
	}
}

// beside is what an app says at once, without what is no news: that stays as it
// is, and makes no room for what is.
func beside(now profile.AppCookies, news, said []profile.AppCookie) (all []profile.AppCookie) {
	for _, cookie := range said {
		if slices.Contains(news, cookie) {
			all = append(all, cookie)
		} else if before, known := now.Named(cookie.Name); known {
			all = append(all, before)
		}
	}
	return all
}

// makeRoom reports whether the changes of one more session can be remembered,
// and forgets those of one that could not be written. Called with mu held.
func (c *AppCookies) makeRoom() bool {
	if len(c.changed) < maxCookieSessions {
		return true
	}
	for key, h := range c.changed {
		if !h.flying {
			c.drop(key)
			return true
		}
	}
	return false
}

func (h *changedCookies) put(fresh []profile.AppCookie) {
	for _, cookie := range fresh {
		h.said = slices.DeleteFunc(h.said, func(before saidCookie) bool { return before.Name == cookie.Name })
		h.said = append(h.said, saidCookie{AppCookie: cookie})
	}
	// As many as a session keeps: an app that makes up names makes no more.
	h.said = h.said[max(0, len(h.said)-2*profile.MaxAppCookies):]
}

// tellLeftOut tells once of a login that its app sets more than is kept. Called
// with mu held.
func (c *AppCookies) tellLeftOut(login string, leftOut int) {
	if leftOut > 0 && !c.told[login] {
		c.told[login] = true
		c.config.Events.Happened(Event{Kind: CookiesLeftOut, Login: login, Count: leftOut})
	}
}

// leftOut is for a sign-in.
func (c *AppCookies) leftOut(login string, n int) {
	if n == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tellLeftOut(login, n)
}

// forget is for a session that has ended.
func (c *AppCookies) forget(key sessionstore.Key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(key)
}

// drop forgets changes. Called with mu held.
func (c *AppCookies) drop(key sessionstore.Key) {
	delete(c.changed, key)
	c.count.Store(int64(len(c.changed)))
}

// Hurry has what is yet to be written be written at once, and from now on
// without a pause: another configuration takes over, which does not know of it.
func (c *AppCookies) Hurry() {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-c.hurry:
	default:
		close(c.hurry)
	}
}

// finish waits for the writes under way as long as ctx allows.
func (c *AppCookies) finish(ctx context.Context) {
	c.Hurry()
	c.mu.Lock()
	c.closed = true
	c.mu.Unlock()
	waitFor(ctx, &c.running)
}

// waitFor waits for work as long as ctx allows.
func waitFor(ctx context.Context, work *sync.WaitGroup) {
	done := make(chan struct{})
	go func() { work.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
	}
}
