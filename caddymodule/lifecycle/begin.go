package lifecycle

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// Arrival is where somebody who signs in comes from.
type Arrival struct {
	Address   netip.Addr
	UserAgent string
	// Presented are the sessions whose credentials came with the sign-in.
	Presented []sessionstore.Key
	// Beside are sessions that the same browser has begun in other tabs since
	// this sign-in began.
	Beside []*sessionstore.Session
	// By is the login that found the person, where they are another one's. Empty: it is
	// theirs.
	By string
	// Ends is when the session ends at the latest; zero: after its lifetime.
	Ends time.Time
	// Claim is called with the session before it is kept, and when that fails there is
	// none. Nil: nothing need be claimed.
	Claim func(context.Context, *sessionstore.Session) error
}

// maxUserAgent bounds what is kept of a User-Agent, in bytes.
const maxUserAgent = 256

// Begin makes the session of somebody who has just signed in, and the secret
// that names it. It always has a new id, and the sessions that were presented
// end: who planted a session id on somebody gains nothing by their sign-in
// (session fixation). But where another tab of the browser has signed the same
// person in meanwhile, that session goes on, and the secret is the zero value:
// else tabs that come back at once would end each other's sessions.
//
// A *profile.Refused is a definite "no" of the configuration, a
// *profile.Unmapped an answer that will be no better the next time, and
// profile.ErrInvalid a person who makes no session; any other error means that
// nobody can tell, and that no session was left behind. All of them have been
// told to Events. So has sessionstore.ErrTooMany, which says that the person has
// as many sessions as they may have; login.ErrRefused, that the login vouches for
// them no longer; ErrNumberTaken; and ErrAskAgain.
func (l *Sessions) Begin(ctx context.Context, method login.Method, person *profile.Person, from Arrival) (*sessionstore.Session, sessionstore.Secret, error) {
	var none sessionstore.Secret
	b, err := l.builder.build(ctx, method, person, nil)
	if err != nil {
		err = profile.Concerning(err, person.Email, person.Username)
		l.NotBegun(ctx, method.Name(), person.ID, err)
		return nil, none, err
	}
	n := beginning{l.config, l.links, l.ender, from.Claim}
	if s := b.beganBeside(method, from); s != nil {
		err := n.replace(ctx, slices.DeleteFunc(slices.Clone(from.Presented), func(key sessionstore.Key) bool { return key == s.Key }))
		if err == nil {
			n.began(ctx, BeganBefore, method, s, from)
		}
		return s, none, err
	}
	secret := l.config.NewSecret(b.user.ID)
	s := n.session(secret.Key(), method, b, from)
	if err := n.begin(ctx, s, from.Presented); err != nil {
		return nil, none, err
	}
	l.AppCookies.leftOut(method.Name(), person.CookiesLeftOut)
	n.began(ctx, Began, method, s, from)
	if l.builder.noRole.began(method.Name(), len(s.User.FlatRolesList) > 0) {
		l.config.Events.Happened(Event{Kind: NoRoles, Login: method.Name(), Count: rolesDue})
	}
	return s, secret, nil
}

func (n beginning) began(ctx context.Context, kind Kind, method login.Method, s *sessionstore.Session, from Arrival) {
	n.config.Events.Happened(withAsker(ctx, Event{
		Kind: kind, Login: cmp.Or(from.By, method.Name()), UserID: s.User.ID, Session: s.Key, Client: from.Address,
	}))
}

// beganBeside is the session of another tab that this sign-in would make once
// more: of the same login and person, and of the same session at its source.
func (b *built) beganBeside(method login.Method, from Arrival) *sessionstore.Session {
	for _, s := range from.Beside {
		if s.Method == method.Name() && s.User.ID == b.user.ID && s.Subject == b.subject && s.SourceSession == b.source {
			return s
		}
	}
	return nil
}

// NotBegun tells Events why a sign-in came to nothing: the error of Begin, or
// of the login that was asked before it. Who it was is said by profile.Whom of it.
func (l *Sessions) NotBegun(ctx context.Context, login string, userID int64, err error) {
	refused, isRefused := errors.AsType[*profile.Refused](err)
	other, isTaken := errors.AsType[*taken](err)
	tell := func(e Event) { l.config.Events.Happened(withAsker(ctx, e)) }
	switch {
	case isTaken:
		tell(other.event(login, userID))
	case isRefused:
		tell(Event{Kind: NotAdmitted, Login: login, UserID: userID, Name: profile.Whom(err), Err: refused})
	case errors.Is(err, profile.ErrInvalid):
		tell(Event{Kind: NotSound, Login: login, UserID: userID, Name: profile.Whom(err), Err: err})
	case profile.IsLasting(err):
		tell(Event{Kind: NotMapped, Login: login, Name: profile.Whom(err), Err: err})
	case isStoreFault(err):
		l.config.Events.Trouble(ctx, "a sign-in could not be finished", err)
	default:
		l.config.Events.Trouble(ctx, "somebody signs in", SourceFault{err, login})
	}
}

func isStoreFault(err error) bool {
	_, ok := errors.AsType[storeFault](err)
	return ok
}

// beginning makes one session.
type beginning struct {
	config *Config
	links  *links
	ender  *ender
	claim  func(context.Context, *sessionstore.Session) error
}

func (n beginning) session(key sessionstore.Key, method login.Method, b *built, from Arrival) *sessionstore.Session {
	now := n.config.Now().UTC().Truncate(time.Millisecond)
	s := &sessionstore.Session{
		Key:         key,
		Method:      method.Name(),
		Address:     from.Address.String(),
		UserAgent:   abridge(from.UserAgent, maxUserAgent),
		CreatedAt:   now,
		ExpiresAt:   now.Add(n.config.Lifetime),
		IdleTimeout: n.config.IdleTimeout,
		LastSeenAt:  now,
		Version:     1,
	}
	if !from.Ends.IsZero() && from.Ends.Before(s.ExpiresAt) {
		s.ExpiresAt = from.Ends.UTC().Truncate(time.Millisecond)
	}
	b.put(s)
	return s
}

// begin keeps a new session in place of those that were presented, or tells
// Events why not.
func (n beginning) begin(ctx context.Context, s *sessionstore.Session, presented []sessionstore.Key) error {
	if err := n.create(ctx, s, presented); err != nil {
		n.notKept(ctx, s, err)
		return err
	}
	if err := n.replace(ctx, presented); err != nil {
		n.withdraw(ctx, s.Key)
		return err
	}
	return nil
}

// replace ends the sessions that came with a sign-in.
func (n beginning) replace(ctx context.Context, presented []sessionstore.Key) error {
	err := n.ender.endAll(ctx, presented, parting{why: EndReplaced})
	if err != nil {
		n.config.Events.Trouble(ctx, "the session before could not be ended", err)
	}
	return err
}

// create keeps a new session, and by which names its login's source may ask
// for its end. The names come first, so that no session lives that the source
// cannot name; and when its end was asked for in between it ends here.
func (n beginning) create(ctx context.Context, s *sessionstore.Session, replaced []sessionstore.Key) error {
	// Asked first too: who comes to nothing must end no other session for room.
	if err := n.stillVouchedFor(s); err != nil {
		return err
	}
	if err := n.links.add(ctx, s); err != nil {
		return err
	}
	if n.claim != nil {
		if err := n.claim(ctx, s); err != nil {
			n.links.forget(ctx, s)
			return err
		}
	}
	limit := sessionstore.Limit{Sessions: n.config.MaxSessions, Refuse: n.config.RefuseBeyond, Replaced: replaced}
	ended, err := n.config.Store.Create(ctx, s, limit)
	n.endedForRoom(ctx, s, ended)
	if errors.Is(err, sessionstore.ErrTooMany) {
		n.links.forget(ctx, s)
	}
	if err != nil {
		return err
	}
	if err = n.links.stillThere(ctx, s); err == nil {
		err = n.stillVouchedFor(s)
	}
	if err != nil {
		n.withdraw(ctx, s.Key)
	}
	return err
}

// stillVouchedFor asks the configuration in force, which may have changed since
// the login was asked. From here on whoever changes what is said of people finds
// the session in the store.
func (n beginning) stillVouchedFor(s *sessionstore.Session) error {
	v := n.config.InForce()
	if v == nil && n.config.Vouching != nil {
		return ErrAskAgain
	}
	_, err := v.judge(s)
	switch {
	case err == nil || isRefused(err):
		return err
	case errors.Is(err, errNoLogin):
		return ErrAskAgain
	}
	return errors.Join(login.ErrRefused, err)
}

// notKept tells why a new session was not kept.
func (n beginning) notKept(ctx context.Context, s *sessionstore.Session, err error) {
	told := Event{Login: s.Method, UserID: s.User.ID}
	switch {
	case errors.Is(err, sessionstore.ErrTooMany):
		told.Kind, told.Count = TooMany, n.config.MaxSessions
	case errors.Is(err, ErrAskAgain):
		told.Kind = Overtaken
	case isRefused(err):
		told.Kind, told.Err = NotAdmitted, err
	case errors.Is(err, login.ErrRefused):
		told.Kind, told.Err = RefusedMeanwhile, err
	default:
		n.config.Events.Trouble(ctx, "a new session could not be kept", err)
		return
	}
	n.config.Events.Happened(withAsker(ctx, told))
}

// endedForRoom has go what is kept elsewhere for sessions that have ended for a
// new one.
func (n beginning) endedForRoom(ctx context.Context, s *sessionstore.Session, ended []sessionstore.Ended) {
	if len(ended) == 0 {
		return
	}
	var known []*sessionstore.Session
	for _, e := range ended {
		n.config.Ended(e.Key)
		n.ender.tell(ctx, e.Key, e.Session, parting{why: EndForRoom, userID: s.User.ID, unreadable: true})
		if e.Session != nil {
			known = append(known, e.Session)
		}
	}
	n.links.forget(ctx, known...)
	n.config.Events.Happened(Event{Kind: EndedForRoom, Login: s.Method, UserID: s.User.ID, Count: len(ended)})
}

// withdraw takes a session back that nobody was told of. If that fails too it
// expires by itself, known to nobody.
func (n beginning) withdraw(ctx context.Context, key sessionstore.Key) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := n.ender.end(ctx, key, parting{}); err != nil {
		n.config.Events.Trouble(ctx, "a session that nobody has could not be ended", err)
	}
}

// abridge cuts text to n bytes, at a character's edge, and leaves out what is
// not text.
func abridge(text string, n int) string {
	text = strings.Map(func(c rune) rune {
		if c < ' ' || c == 0x7f || c == utf8.RuneError {
			return -1
		}
		return c
	}, text)
	for len(text) > n {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text
}
