package lifecycle

import (
	"context"
	"errors"
	"slices"
	"time"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// fly writes what there is to write, and again what comes meanwhile, until
// there was nothing new for a while.
func (c *AppCookies) fly(h *changedCookies) {
	var failed error
	for tries := 0; ; {
		err := c.write(h)
		if errors.Is(err, ErrEnded) {
			c.pause() // whoever signs it out may have yet to tell the app, with these
			c.forget(h.key)
			return
		}
		if tries++; err == nil {
			tries = 0
		} else if failed == nil {
			failed = err
			c.config.Events.Happened(Event{Kind: CookiesPending, Login: h.login, Session: h.key, Err: err})
		}
		c.pause()
		if c.land(h, tries >= cookieTries) {
			return
		}
	}
}

func (c *AppCookies) pause() {
	t := time.NewTimer(cookiesEvery)
	defer t.Stop()
	select {
	case <-t.C:
	case <-c.hurry:
	}
}

// land reports whether there is nothing left to do. What could not be written
// stays, and is tried again when the app says something new.
func (c *AppCookies) land(h *changedCookies, giveUp bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	pending := slices.ContainsFunc(h.said, func(cookie saidCookie) bool { return cookie.version == 0 })
	if pending && !giveUp {
		return false
	}
	h.flying = false
	if !pending && c.changed[h.key] == h {
		c.drop(h.key)
	}
	return true
}

// write writes the changes into the record.
func (c *AppCookies) write(h *changedCookies) error {
	c.slots <- struct{}{}
	defer func() { <-c.slots }()
	ctx, cancel := context.WithTimeout(context.Background(), cookieTime)
	defer cancel()
	c.mu.Lock()
	s, said := h.session, slices.DeleteFunc(slices.Clone(h.said), func(cookie saidCookie) bool { return cookie.version != 0 })
	c.mu.Unlock()
	if len(said) == 0 {
		return nil
	}
	var unkept error
	written, err := c.writer.change(ctx, s, func(changed *sessionstore.Session) {
		var kept string
		if kept, unkept = withSaid(changed.Kept, c.config.Now(), said); unkept == nil {
			changed.Kept = kept
		}
	})
	if err = errors.Join(err, unkept); err != nil {
		return err
	}
	c.config.Drop(written.Key)
	c.mu.Lock()
	defer c.mu.Unlock()
	h.session = written
	for i := range h.said {
		if slices.Contains(said, h.said[i]) {
			h.said[i].version = written.Version
		}
	}
	return nil
}

func withSaid(text string, now time.Time, said []saidCookie) (string, error) {
	kept, err := profile.DecodeKept(text)
	if err != nil {
		return "", err
	}
	if kept == nil {
		kept = new(profile.Kept)
	}
	cookies := make([]profile.AppCookie, len(said))
	for i, cookie := range said {
		cookies[i] = cookie.AppCookie
	}
	after, _ := profile.ReadAppCookies(kept.UpstreamCookies).With(now, cookies...)
	kept.UpstreamCookies = after.Texts()
	return kept.Encode()
}
