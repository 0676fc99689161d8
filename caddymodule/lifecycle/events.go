package lifecycle

import (
	"context"
	"errors"
	"net/netip"

	"example.com/sidegate/sessionstore"
)

// Events hears what happens to sessions, and to those who ask for one. Its
// methods are called in the midst of the work: they must not block.
type Events interface {
	// Happened hears of one event.
	Happened(Event)
	// Trouble hears that something could not be asked or done because the
	// store, or with a SourceFault a source, gave no answer; what says in words
	// which work failed. ctx is that of who asked: one who went away is no
	// trouble.
	Trouble(ctx context.Context, what string, err error)
}

// Event is one thing that happened. What a Kind does not speak of is zero.
type Event struct {
	Kind Kind
	// Login is the login that the session began through, or that decided.
	Login string
	// UserID and Session are the person's and the session's.
	UserID  int64
	Session sessionstore.Key
	// Client is the address of who asked.
	Client netip.Addr
	// Name is what somebody typed to sign in by, which may be anything, or what a
	// source calls them.
	Name string
	// Count is how many sessions it was.
	Count int
	// Result is how an attempt or a refresh ended, or what its Kind says.
	Result string
	// Err is why. It may be logged: it holds no credential.
	Err error
	// Method, Host and Path are how and what was asked for, the path as it came and
	// without the query; empty where no request was, or none that matters.
	Method, Host, Path string
}

// Kind names what happened. Rooms that tell of more declare kinds of their own.
type Kind string

// What happens to sessions.
const (
	// Began: somebody is signed in. Login, UserID, Session, Client.
	Began Kind = "began"
	// BeganBefore: somebody has signed in whom another tab of their browser has signed
	// in meanwhile, and that session goes on. Login, UserID, Session, Client.
	BeganBefore Kind = "began before"
	// NotAdmitted: the configuration refused whom the login had found. Login,
	// UserID, Name, Err.
	NotAdmitted Kind = "not admitted"
	// NotSound: what is known of the person makes no session. Login, UserID, Name,
	// Err.
	NotSound Kind = "not sound"
	// NotMapped: what a source says of whom it let in cannot be mapped, so they
	// are not signed in, and will not be by trying again. Login, Name, Err.
	NotMapped Kind = "not mapped"
	// TooMany: somebody has as many sessions as they may have, and was refused
	// another. Login, UserID, Count: how many they may have.
	TooMany Kind = "too many"
	// EndedForRoom: somebody signed in who had as many sessions as they may
	// have, and those ended that were idle the longest. Login, UserID, Count.
	EndedForRoom Kind = "ended for room"
	// NumberTaken: somebody came with a number that belongs to another person, and
	// was refused. Login, UserID: the number, Result: the other's login, which is
	// empty when it is none of this configuration.
	NumberTaken Kind = "number taken"
	// NumberReserved: somebody came with a number that the store has handed out to
	// another person, and was refused. Login, UserID: the number.
	NumberReserved Kind = "number reserved"
	// RefusedMeanwhile: the login vouches no longer for somebody who was just
	// signing in. Login, UserID, Err.
	RefusedMeanwhile Kind = "refused meanwhile"
	// Overtaken: somebody was signing in while another configuration came into
	// force, which does not know the login. Login, UserID.
	Overtaken Kind = "overtaken"
	// LoginUnknown: a session is refused whose login is not configured here; the
	// first of that login. Login.
	LoginUnknown Kind = "login unknown"
	// RefusedHere: a session is refused whose person this configuration does not
	// admit; the first of that login. Login, UserID, Err.
	RefusedHere Kind = "refused here"
	// Doubted: a session is refused of whose person the login does not know, or
	// not by this password; it ends when that is still so after a while. Login,
	// UserID, Session, Err.
	Doubted Kind = "doubted"
	// Ended: the login knows the person no longer. Login, UserID, Session, Count.
	Ended Kind = "ended"
	// EndedAtSource: the login's source asked for the end. Login, Count.
	EndedAtSource Kind = "ended at source"
	// EndedByOperator: an operator ended sessions. Count, Result: the identity that they
	// had at the admin endpoint, Name: whose sessions they asked for (Asked.String);
	// Login and UserID where those are of one person, and Session where it is one.
	EndedByOperator Kind = "ended by operator"
	// SessionEnded: one session has ended, otherwise than by its time or by an
	// operator. Result: one of the Ends; Session, and Login and UserID as far as they
	// are known; Client where a person ended it; Count: how many it was, where
	// sessions ended that nobody could list.
	SessionEnded Kind = "session ended"
	// NoneEndedAtSource: the login's source asked for the end of a session of
	// its own, and of the sessions that its person has here none is of that. Login.
	NoneEndedAtSource Kind = "none ended at source"
	// Refreshed: a session was due to be built anew. Login, Session, Result, and Err
	// when it failed and will be tried again.
	Refreshed Kind = "refreshed"
	// RightsChanged: a session that was built anew gives its person other roles,
	// permissions or accounts to administer. Login, UserID, Session, Result: which.
	RightsChanged Kind = "rights changed"
	// Unmapped: a source's answer about the person cannot be mapped, and the
	// session goes on without roles and permissions. Login, UserID, Session, Err.
	Unmapped Kind = "unmapped"
	// NotRead: sessions of a person were to be built anew and cannot be read;
	// they stay as they are. Login, UserID, Count, Err.
	NotRead Kind = "not read"
	// CookiesPending: what an app has said of its own cookies could not be written
	// into the session; it is tried again. Login, Session, Err.
	CookiesPending Kind = "cookies pending"
	// CookiesLeftOut: an app sets more cookies than a session keeps; the first of
	// that login. Login, Count.
	CookiesLeftOut Kind = "cookies left out"
	// NotTold: the login's source could not be told that somebody has signed out.
	// Login, UserID, Session, Err; or Login, Count, Err of many whom an operator signed
	// out.
	NotTold Kind = "not told"
	// TokenLess: a route sends access tokens to its upstream, and this session has
	// none, nor a refresh token to get one with. Login, UserID, Session, Err: why.
	TokenLess Kind = "token-less"
	// NoRoles: of so many sign-ins since this configuration came into force, none had
	// a role, although a mapping gives them. Login, Count.
	NoRoles Kind = "no roles"
	// Pending: changes of people are not in all their sessions yet. Err.
	Pending Kind = "pending"
)

// Why sessions end: the values of Event.Result of a SessionEnded.
const (
	EndSignedOut  = "signed out"  // the person signed out there
	EndDevice     = "device"      // the person signed it out from another one
	EndOthers     = "others"      // the person signed all others out
	EndStartOver  = "start over"  // it could not be read, and who had its credential ended it
	EndReplaced   = "replaced"    // the person signed in again with its credential
	EndForRoom    = "for room"    // the person had more than they may have
	EndAtSource   = "at source"   // its login's source asked for its end
	EndPersonGone = "person gone" // its login ended those of the person
	EndRefused    = "refused"     // a source said no when it was to be built anew
	EndUnvouched  = "not vouched" // its login has not vouched for it for a while
)

// Ends are all of them.
var Ends = []string{
	EndSignedOut, EndDevice, EndOthers, EndStartOver, EndReplaced, EndForRoom, EndAtSource, EndPersonGone, EndRefused, EndUnvouched,
}

// How refreshes end: the values of Event.Result.
const (
	RefreshBuilt     = "built"
	RefreshElsewhere = "elsewhere" // by another gateway
	RefreshEnded     = "ended"     // a source said no, or the session was gone
	RefreshUnmapped  = "unmapped"  // what came cannot be mapped: without roles
	RefreshFailed    = "failed"
)

// ErrEnded says that a session was ended because its person may no longer be
// signed in, or that it was gone already.
var ErrEnded = errors.New("the session has ended")

// ErrAskAgain says that a sign-in was overtaken by a change of the configuration,
// and that no session was left behind: the person signs in again.
var ErrAskAgain = errors.New("the configuration was changed while somebody signed in: they sign in again")

// ErrUnmapped says that an answer about the person came which cannot be mapped:
// their session goes on without roles and permissions.
var ErrUnmapped = errors.New("what a source says of the person cannot be mapped: the session goes on without roles and permissions")

// SourceFault is trouble of a login or a directory, for which the store is not
// to blame.
type SourceFault struct {
	Err error
	// Login is whose trouble it is, as far as is known.
	Login string
}

func (f SourceFault) Error() string { return f.Err.Error() }

// Unwrap returns what the trouble was.
func (f SourceFault) Unwrap() error { return f.Err }

// storeFault is trouble of the store in the midst of what logins do.
type storeFault struct{ error }

// Unwrap returns what the trouble was.
func (f storeFault) Unwrap() error { return f.error }
