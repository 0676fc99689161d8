package endpoint

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/streams"
	"example.com/sidegate/caddymodule/web"
	"example.com/sidegate/sessionstore"
)

// newsPath is where browsers hear of what becomes of their session.
const newsPath = "/events"

// news is GET /auth/events.
type news struct {
	desk
	sessions  *lifecycle.Sessions
	signedOut func(context.Context, sessionstore.Key) bool
	watch     *streams.Watch
	audience  *Audience
	now       func() time.Time
}

func newsRoute(c Config) Route {
	n := news{newDesk(c), c.Sessions, c.SignedOut, c.Streams, c.Audience, c.Now}
	return Route{Path: newsPath, Answers: map[string]http.HandlerFunc{http.MethodGet: n.get}}
}

// get is answered for as long as the session lives and the client listens. Listening
// is not activity, however long. But who listens is to hear what holds.
func (n news) get(w http.ResponseWriter, r *http.Request) {
	c := n.signedIn(w, r)
	if c == nil {
		return
	}
	n.sessions.RefreshIfDue(c.Session, n.now())
	if r.Method == http.MethodHead {
		setNewsHeaders(w.Header())
		w.WriteHeader(http.StatusOK)
		return
	}
	l, full := n.audience.admit(c.Session.Key, w)
	if full != nil {
		full.WriteJSON(w)
		return
	}
	defer n.audience.leave(l)
	setNewsHeaders(w.Header())
	w.WriteHeader(http.StatusOK)
	_ = l.control.SetReadDeadline(time.Time{}) // the server's own would end it
	n.tell(r, l, c)
}

func setNewsHeaders(h http.Header) {
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "private, no-store")
	h.Set("Vary", web.VaryOnCaller)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("X-Accel-Buffering", "no") // nginx would hold back what is small
}

// tell goes on until the session has ended, the client is gone or takes nothing, or
// the server shuts down.
func (n news) tell(r *http.Request, l *listener, c *caller.Caller) {
	heard := newMailbox()
	defer n.watch.Subscribe(c.Entry, heard.put)()
	b := &bulletin{to: l, served: servedFrom(c.Entry)}
	if b.begin(r) != nil {
		return
	}
	beat := time.NewTicker(n.audience.beat)
	defer beat.Stop()
	for {
		var err error
		select {
		case <-r.Context().Done():
			return
		case <-n.audience.dismissed:
			_ = l.send(fmt.Appendf(nil, "retry: %d\n\n", n.audience.comesBack().Milliseconds()))
			return
		case <-heard.full:
			now, ended, expired := heard.take()
			switch {
			case ended:
				_ = b.tell(n.endOf(r.Context(), b, expired))
				return
			case now != nil:
				err = b.goOn(servedFrom(now))
			}
		case <-beat.C:
			err = l.send([]byte(":\n\n"))
		}
		if err != nil {
			return
		}
	}
}

// whyTime bounds the question why a session has ended.
const whyTime = 2 * time.Second

// endOf names the end of a session.
func (n news) endOf(ctx context.Context, b *bulletin, expired bool) (reason string) {
	ctx, cancel := context.WithTimeout(ctx, whyTime)
	defer cancel()
	switch {
	case expired:
		return sessionExpired
	case n.signedOut(ctx, b.served.session.Key):
		return sessionSignedOut
	}
	return sessionRevoked
}

// bulletin is what one client is told.
type bulletin struct {
	to     *listener
	served served // as the client knows it
}

// comeBackAfter is when a client tries again that has lost its connection without a
// word: not all in the same moment.
const (
	comeBackAfter  = 2 * time.Second
	comeBackBefore = 5 * time.Second
)

// begin tells the client where it is. One that comes back and has missed something,
// or was told of another session last, hears so at once: what it was is not known.
func (b *bulletin) begin(r *http.Request) error {
	missed := missedSome(r.Header, b.served)
	retry := anyTime(comeBackAfter, comeBackBefore).Milliseconds()
	if err := b.to.send(fmt.Appendf(nil, "retry: %d\nid: %s\n\n", retry, b.served.id())); err != nil || !missed {
		return err
	}
	return b.tell(sessionRefreshed)
}

// goOn tells what has changed, if anything has.
func (b *bulletin) goOn(now served) error {
	reason := now.differs(b.served)
	if reason == "" {
		return nil
	}
	b.served = now
	return b.tell(reason)
}

func (b *bulletin) tell(reason string) error {
	return b.to.send(fmt.Appendf(nil, "event: session\nid: %s\ndata: {\"version\":%d,\"reason\":%q}\n\n",
		b.served.id(), b.served.session.Version, reason))
}
