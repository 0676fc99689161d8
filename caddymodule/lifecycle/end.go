package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// End revokes a session whose person signs it out from another one, and has what is kept for it
// elsewhere go. A login that wants to know is told behind it. One that is gone
// already is no error.
func (l *Sessions) End(ctx context.Context, key sessionstore.Key) error {
	_, err := l.ender.signOut(ctx, key, parting{why: EndDevice, userID: askedBy(ctx).UserID})
	return err
}

// EndAll is End for each of the keys, which are those of whoever asks: see
// SignedOut. It returns the apps' cookies that those have kept which it ended; it
// stops at the first that could not be ended.
func (l *Sessions) EndAll(ctx context.Context, keys []sessionstore.Key) (cookies profile.AppCookies, err error) {
	for _, key := range keys {
		was, err := l.ender.signOut(ctx, key, l.ender.note(ctx, key, parting{why: EndSignedOut}))
		if was != nil {
			cookies = append(cookies, l.AppCookies.In(was)...)
		}
		if err != nil {
			return cookies, err
		}
	}
	return cookies, nil
}

// EndUnreadable is EndAll for those of the sessions that cannot be read, and
// reports how many it ended, and how many it left alone because they can be.
// It stops at the first of which that cannot be told, or that could not be
// ended.
func (l *Sessions) EndUnreadable(ctx context.Context, keys []sessionstore.Key) (ended, left int, err error) {
	return l.ender.endUnreadable(ctx, keys)
}

// EndOthers is End for all sessions of the session's person but that one.
func (l *Sessions) EndOthers(ctx context.Context, s *sessionstore.Session) error {
	return l.ender.endOthers(ctx, s)
}

// Of returns the live sessions of the session's person, the newest first. With a
// *sessionstore.UnreadableError come those that can be read. Those of another
// person are left out who came by the same number at an earlier gateway, which
// let two have one.
func (l *Sessions) Of(ctx context.Context, own *sessionstore.Session) ([]*sessionstore.Session, error) {
	sessions, err := l.config.Store.List(ctx, own.User.ID)
	return slices.DeleteFunc(sessions, func(s *sessionstore.Session) bool { return l.ender.isSomebodyElses(own, s) }), err
}

// Find returns the key of one of the person's sessions by its id, which is no
// credential. false: they have none of that id, and if it was ended, that holds.
// One that cannot be read is found as well, to be ended.
func (l *Sessions) Find(ctx context.Context, own *sessionstore.Session, id string) (sessionstore.Key, bool, error) {
	if id == own.Key.ID() {
		return own.Key, true, nil
	}
	sessions, err := l.Of(ctx, own)
	if key, found, err := keyOf(id, sessions, err); err != nil || found {
		return key, found, err
	}
	if err := l.ender.settle(ctx, own.User.ID); err != nil {
		return sessionstore.Key{}, false, err
	}
	sessions, err = l.Of(ctx, own) // a failover may have brought it back before
	return keyOf(id, sessions, err)
}

// keyOf is the key of that id among sessions as Of answers them.
func keyOf(id string, sessions []*sessionstore.Session, err error) (sessionstore.Key, bool, error) {
	keys, listed := sessionstore.Unreadable(err)
	if err != nil && !listed {
		return sessionstore.Key{}, false, err
	}
	for _, s := range sessions {
		keys = append(keys, s.Key)
	}
	i := slices.IndexFunc(keys, func(key sessionstore.Key) bool { return key.ID() == id })
	if i < 0 {
		return sessionstore.Key{}, false, nil
	}
	return keys[i], true, nil
}

// ender ends sessions whole: in the store, and in what is kept for them
// elsewhere.
type ender struct {
	config   *Config
	links    *links
	farewell *farewell
}

// signOut is Sessions.End, and returns the session as it was.
func (e *ender) signOut(ctx context.Context, key sessionstore.Key, how parting) (*sessionstore.Session, error) {
	was, err := e.revoke(ctx, key, how)
	if was != nil {
		e.farewell.tell(was)
	}
	return was, err
}

// notedFor is how long it is known that a person has signed a session out
// themselves: who has it open hears of its end within moments.
const notedFor = time.Minute

func signedOutName(key sessionstore.Key) string { return "signed-out\x00" + key.ID() }

// SignedOut reports whether a session that has ended was ended by Sessions.EndAll, at
// whichever gateway of that store, a short while ago. Where that cannot be told, it
// was not.
func SignedOut(ctx context.Context, store sessionstore.Links, key sessionstore.Key) bool {
	by, err := store.IsLinked(ctx, signedOutName(key), key)
	return err == nil && by
}

// note writes down, before the session ends, that its own person ends it. It ends
// all the same where that fails. Of one that is not there nothing is written: anybody
// can make up what names none. It returns how with what the session was.
func (e *ender) note(ctx context.Context, key sessionstore.Key, how parting) parting {
	how = how.of(e.config.Store.Get(ctx, key))
	if how.before != nil {
		_ = e.config.Store.Link(ctx, signedOutName(key), key, notedFor)
	}
	return how
}

// end is signOut for what ends otherwise than by the person's wish: the login is
// not told.
func (e *ender) end(ctx context.Context, key sessionstore.Key, how parting) error {
	_, err := e.revoke(ctx, key, how)
	return err
}

// revoke is end that returns the session as it was, nil when it was gone or could
// not be read. With an error it comes when it has ended all the same.
func (e *ender) revoke(ctx context.Context, key sessionstore.Key, how parting) (*sessionstore.Session, error) {
	if how.before == nil && !how.unreadable {
		how = how.of(e.config.Backing.Get(ctx, key))
	}
	was, err := e.config.Store.Revoke(ctx, key)
	if err != nil {
		if !e.tookEffect(ctx, key, how) {
			return nil, err
		}
		was = how.before
	}
	e.config.Ended(key)
	e.tell(ctx, key, was, how)
	if was != nil && err == nil { // else whoever asks again finds it by its names
		e.links.forget(ctx, was)
	}
	return was, err
}

// settle makes sure that ends of the person's sessions hold of which nothing is left to
// be found: one that too few replicas have confirmed leaves nothing either, and who asks
// again must not take that for success. It ends what nobody has, for that makes the
// store ask its replicas.
func (e *ender) settle(ctx context.Context, userID int64) error {
	_, err := e.config.Store.Revoke(ctx, sessionstore.NewSecret(userID).Key())
	return err
}

// tookEffect reports whether a session was there and is gone, though the store has
// answered its end with an error: no replica has confirmed it, or the answer was lost.
func (e *ender) tookEffect(ctx context.Context, key sessionstore.Key, how parting) bool {
	if how.before == nil && !how.unreadable {
		return false
	}
	gone, _ := e.gone(ctx, []sessionstore.Found{{Key: key, Session: how.before}})
	return len(gone) > 0
}

// endAll is end for each of the keys; it stops at the first that could not be
// ended.
func (e *ender) endAll(ctx context.Context, keys []sessionstore.Key, how parting) error {
	for _, key := range keys {
		if err := e.end(ctx, key, how); err != nil {
			return err
		}
	}
	return nil
}

// endUnreadable is Sessions.EndUnreadable.
func (e *ender) endUnreadable(ctx context.Context, keys []sessionstore.Key) (ended, left int, err error) {
	for _, key := range keys {
		_, err := e.config.Backing.Get(ctx, key) // whoever vouches for it
		switch {
		case err == nil:
			left++
		case errors.Is(err, sessionstore.ErrNotFound):
		case !sessionstore.IsUnreadable(err):
			return ended, left, err
		default:
			if err := e.end(ctx, key, parting{why: EndStartOver, unreadable: true}); err != nil {
				return ended, left, err
			}
			ended++
		}
	}
	return ended, left, nil
}

// endOthers is Sessions.EndOthers.
func (e *ender) endOthers(ctx context.Context, s *sessionstore.Session) error {
	// Only what can be read has names to be forgotten. What cannot, and what
	// begins meanwhile, ends all the same; then its names end by themselves.
	known, err := e.config.Store.List(ctx, s.User.ID)
	unreadable, _ := sessionstore.Unreadable(err)
	stay := []sessionstore.Key{s.Key}
	known = slices.DeleteFunc(known, func(other *sessionstore.Session) bool {
		stays := other.Key == s.Key || e.isSomebodyElses(s, other)
		if stays {
			stay = append(stay, other.Key)
		}
		return stays
	})
	ended, err := e.config.Store.RevokeUser(ctx, s.User.ID, stay...)
	if err != nil {
		known, unreadable = e.goneOf(ctx, known, unreadable)
	}
	how, listed := parting{why: EndOthers, userID: s.User.ID, unreadable: true}, len(known)+len(unreadable)
	if err == nil && ended < listed { // somebody else has ended some meanwhile, and tells of those: which, is not known
		e.tellUnlisted(ctx, ended, how)
		how.why = ""
	}
	e.tellUnlisted(ctx, ended-listed, how)
	for _, other := range known {
		e.config.Ended(other.Key)
		e.tell(ctx, other.Key, other, how)
		e.farewell.tell(other)
	}
	for _, key := range unreadable {
		e.tell(ctx, key, nil, how)
	}
	if err == nil {
		e.links.forget(ctx, known...)
	}
	return err
}

// goneOf are those of them that have ended.
func (e *ender) goneOf(ctx context.Context, read []*sessionstore.Session, unreadable []sessionstore.Key) (sessions []*sessionstore.Session, keys []sessionstore.Key) {
	var all []sessionstore.Found
	for _, s := range read {
		all = append(all, sessionstore.Found{Key: s.Key, Session: s})
	}
	for _, key := range unreadable {
		all = append(all, sessionstore.Found{Key: key})
	}
	gone, _ := e.gone(ctx, all)
	for _, f := range gone {
		if f.Session != nil {
			sessions = append(sessions, f.Session)
		} else {
			keys = append(keys, f.Key)
		}
	}
	return sessions, keys
}

// isSomebodyElses reports whether a session of the same number is another person's.
func (e *ender) isSomebodyElses(own, s *sessionstore.Session) bool {
	p, v := &e.config.People, e.config.Vouching
	return s.Key != own.Key && !p.areOne(p.of(own, v), p.of(s, v))
}

// noLongerVouchedFor ends a session of whose person the login says no. What
// another has ended first is told by them.
func (e *ender) noLongerVouchedFor(ctx context.Context, s *sessionstore.Session, why string) error {
	was, err := e.revoke(ctx, s.Key, parting{why: why, before: s})
	if was != nil {
		e.config.Events.Happened(Event{Kind: Ended, Login: s.Method, UserID: s.User.ID, Session: s.Key, Count: 1})
	}
	return cmp.Or(err, ErrEnded)
}
