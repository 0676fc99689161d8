package lifecycle

import (
	"cmp"
	"errors"
	"sync"
	"time"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// VouchingConfig is what a configuration vouches by.
type VouchingConfig struct {
	// Logins are the ways to sign in. Those that are login.Vouchers are asked
	// about each session, and login.Recallers when its rules are others.
	Logins []login.Method
	// Roles says what roles include and permit.
	Roles *profile.Roles
	// Rules are digests, by the names of the logins, of what the configuration
	// says of their people: roles, mappings, demands, directories.
	Rules map[string]string
	// Sources are digests, by the names of the logins, of whom they ask. A login
	// that asks somebody else by now does not vouch for who came before.
	Sources map[string]string
	// Domains are those of Config.
	Domains map[string]profile.Domains
	// Directories says that some are asked about each person.
	Directories bool
	// Keys are what digests of password hashes are made with: the first makes
	// them, all are known. Without any there are none.
	Keys [][]byte
	// Events hears what happens.
	Events Events
	// Now is the clock.
	Now func() time.Time
}

// Vouching answers whether a session is still vouched for under one
// configuration, and how it is served there. It asks nobody, neither the store
// nor the network: what it goes by is at hand. It may be used concurrently; nil
// vouches for all as they are.
type Vouching struct {
	config  VouchingConfig
	since   time.Time // it came into force
	backlog *backlog
	doubts  doubts
	told    sync.Map // what need be told once: a kind and a login
}

// NewVouching returns the Vouching of a configuration.
func NewVouching(c VouchingConfig) *Vouching {
	return &Vouching{config: c, since: c.Now().Truncate(time.Millisecond), backlog: newBacklog(), doubts: doubts{now: c.Now}}
}

// unvouched says why nobody is served by a session.
type unvouched struct {
	err  error
	gone bool // for good: it ends
}

func (u *unvouched) Error() string { return u.err.Error() }

// Unwrap returns why.
func (u *unvouched) Unwrap() error { return u.err }

// Is lets a session that ends be one that there is not, and another be good
// elsewhere.
func (u *unvouched) Is(target error) bool {
	return u.gone && target == sessionstore.ErrNotFound || !u.gone && target == sessionstore.ErrNotHere
}

var (
	errNoLogin       = errors.New("the login of the session is not configured here")
	errOtherPassword = errors.New("the person has another password by now")
)

// Of returns the session as it is served here: itself, or a view of it when
// this configuration says something else of its person. The error wraps
// sessionstore.ErrNotFound when the session is no longer vouched for, which ends
// it, and sessionstore.ErrNotHere when it is not here, which does not.
func (v *Vouching) Of(s *sessionstore.Session) (*sessionstore.Session, error) {
	view, err := v.judge(s)
	switch {
	case err == nil:
		if v != nil {
			v.doubts.forget(s.Key)
		}
		return view, nil
	case errors.Is(err, errNoLogin):
		v.tellOnce(Event{Kind: LoginUnknown, Login: s.Method})
	case isRefused(err):
		v.tellOnce(Event{Kind: RefusedHere, Login: s.Method, UserID: s.User.ID, Err: err})
	default:
		return nil, v.refuse(s, err)
	}
	return nil, &unvouched{err: err}
}

// served is a session that was just written, as it is served here.
func (v *Vouching) served(s *sessionstore.Session, err error) (*sessionstore.Session, error) {
	if s == nil {
		return nil, err
	}
	view, vouchErr := v.Of(s)
	if errors.Is(vouchErr, sessionstore.ErrNotFound) || errors.Is(vouchErr, sessionstore.ErrNotHere) {
		return nil, ErrEnded
	}
	return view, cmp.Or(err, vouchErr)
}

// judge is Of without what follows. Its error says why not.
func (v *Vouching) judge(s *sessionstore.Session) (*sessionstore.Session, error) {
	if v == nil {
		return s, nil
	}
	method := v.login(s.Method)
	if method == nil || v.isOfOther(s) {
		return nil, errNoLogin
	}
	standing, err := v.standing(method, s)
	if err != nil {
		return nil, err
	}
	rules := v.rules(s.Method, standing)
	if under := s.Grounds.BuiltUnder(); under == "" || under == rules {
		return s, nil // the same, or of before this was written down
	}
	return v.view(method, s, rules)
}

// isOfOther reports whether the session began at another login of that name.
func (v *Vouching) isOfOther(s *sessionstore.Session) bool {
	return v != nil && s.Grounds != nil && s.Grounds.Source != "" && s.Grounds.Source != v.config.Sources[s.Method]
}

func (v *Vouching) login(name string) login.Method { return named(v.config.Logins, name) }

// standing asks a login that keeps its people itself. Its error is its "no".
func (v *Vouching) standing(method login.Method, s *sessionstore.Session) (profile.Standing, error) {
	keeper, ok := method.(login.Voucher)
	if !ok {
		return profile.Standing{}, nil
	}
	standing, err := keeper.Vouch(s)
	if err == nil && v.otherPassword(s.Grounds, standing) {
		err = errOtherPassword
	}
	return standing, err
}

// refuse ends a session of whose person the login says no, when that is still so
// after a while; nobody is served by it meanwhile. What a login goes by is a
// file, which reaches one gateway before another: this one may have yet to hear
// of somebody, of their new password, or that they are enabled again.
func (v *Vouching) refuse(s *sessionstore.Session, why error) error {
	gone, first := v.doubts.old(s.Key)
	if first {
		v.config.Events.Happened(Event{Kind: Doubted, Login: s.Method, UserID: s.User.ID, Session: s.Key, Err: why})
	}
	if gone {
		v.backlog.add(personTask{method: s.Method, userID: s.User.ID, end: true, session: s.Key})
	}
	return &unvouched{err: why, gone: gone}
}

// ripe are the sessions that have not been vouched for in a long while.
func (v *Vouching) ripe() []sessionstore.Key {
	if v == nil {
		return nil
	}
	return v.doubts.ripe()
}

// tellOnce tells of something that every request meets.
func (v *Vouching) tellOnce(e Event) {
	type about struct {
		kind  Kind
		login string
	}
	if _, again := v.told.LoadOrStore(about{e.Kind, e.Login}, true); !again {
		v.config.Events.Happened(e)
	}
}
