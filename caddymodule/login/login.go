package login

import (
	"context"
	"errors"
	"fmt"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// The definite answers of a method. Any other error means "cannot tell": the
// method failed, which is answered with 503 and ends no session. It counts as an
// attempt where it is Answered.
var (
	// ErrUnknown says that the method does not know this person; the next
	// method is asked.
	ErrUnknown = errors.New("person is not known here")
	// ErrNotAsked is an ErrUnknown of a method that would ask somebody else, and did
	// not: what was typed can be nobody's there.
	ErrNotAsked = fmt.Errorf("%w, and nobody was asked", ErrUnknown)
	// ErrRefused says that the method knows the person and refuses them: the
	// password is wrong, or they are disabled. No further method is asked.
	ErrRefused = errors.New("sign-in refused")
	// ErrBusy says that too many sign-ins are waiting, with better turns: try
	// again in a few seconds.
	ErrBusy = errors.New("too many sign-ins at once")
)

// Answered is the error of a method that has put the password to somebody else,
// an app for one, and was answered neither yes nor no. The attempt stays
// counted: were it free, an app that says 400 or 302 to a wrong password could
// be asked as fast as it answers.
type Answered struct {
	Err error
	// Down says that the other one serves nobody for now: such attempts have
	// higher limits of their own, so that an outage locks nobody out.
	Down bool
}

func (a *Answered) Error() string { return a.Err.Error() }

// Unwrap returns what was wrong with the answer.
func (a *Answered) Unwrap() error { return a.Err }

// Unclear is an ErrUnknown: an answer that could not be made out is a no. The
// operator is told of Err, for it may be the same with every answer.
type Unclear struct{ Err error }

func (u *Unclear) Error() string { return u.Err.Error() }

// Unwrap returns ErrUnknown, and why.
func (u *Unclear) Unwrap() []error { return []error{ErrUnknown, u.Err} }

// MaxPassword is the longest password that a person may type, in bytes. A
// longer one, like an address beyond profile.MaxEmail, is refused before
// anything is computed from it.
const MaxPassword = 1024

// Method is one configured way to sign in.
type Method interface {
	// Name is the method's name in the configuration; sessions remember it.
	Name() string
}

// Typed is what somebody typed to sign in, and where.
type Typed struct {
	// Name is as ReadName has read it: an address in its one spelling, or a name
	// as it was typed.
	Name string
	// Password is as it was typed.
	Password string
	// From is where the client is.
	From Client
	// Turn is how soon it is dealt with where many wait.
	Turn Turn
	// OnThisMachine says that it was typed on the machine that the gateway runs on.
	OnThisMachine bool
}

// PasswordMethod signs people in by name and password.
type PasswordMethod interface {
	Method
	// SignIn checks what was typed, in the same time and with the same work
	// whether the person is unknown, disabled, or mistyped the password.
	SignIn(ctx context.Context, typed Typed) (*profile.Person, error)
}

// Named is a PasswordMethod that may know people by names that are no email
// addresses.
type Named interface {
	PasswordMethod
	// TakesNames reports whether it does at the moment.
	TakesNames() bool
}

// Rebuilder can say again who somebody is, after they have signed in.
type Rebuilder interface {
	Method
	// Rebuild returns what is known now of the session's person. ErrUnknown
	// and ErrRefused are a definite "no" and end the session; any other error
	// leaves it as it is.
	Rebuild(ctx context.Context, s *sessionstore.Session) (*profile.Person, error)
}

// Voucher is a Method that keeps its people itself: it says at once, without
// asking anybody, whether it still vouches for them.
type Voucher interface {
	Method
	// Vouch returns what the session's person is known by now. ErrUnknown and
	// ErrRefused are a definite "no"; there is no other error.
	Vouch(s *sessionstore.Session) (profile.Standing, error)
}

// Recaller is a Method that can build its people from what is at hand, without
// asking anybody.
type Recaller interface {
	Method
	// Recall returns what is known of the session's person from what the method
	// or the session keeps; whole says that a Rebuild would know no more. The
	// errors are those of a Rebuild.
	Recall(s *sessionstore.Session) (p *profile.Person, whole bool, err error)
}

// Leaver is a Method whose source is told when somebody signs out here.
type Leaver interface {
	Method
	// SignsOut reports whether it is.
	SignsOut() bool
	// SignOut tells it, with the token and the cookies that the session kept of
	// it. It may take as long as ctx lives. Its errors hold no credential; after
	// one that is not *Definite it is called again.
	SignOut(ctx context.Context, kept *profile.Kept) error
}

// Definite is the error of what comes to nothing however often it is tried.
type Definite struct{ Err error }

func (d *Definite) Error() string { return d.Err.Error() }

// Unwrap returns why.
func (d *Definite) Unwrap() error { return d.Err }

// Rotated is the error of a Rebuild that failed after its source had replaced
// a credential, a refresh token for one: Kept holds the new one, and must be
// written down, for the old one is spent.
type Rotated struct {
	Kept *profile.Kept
	Err  error
}

func (r *Rotated) Error() string { return r.Err.Error() }

// Unwrap returns what failed.
func (r *Rotated) Unwrap() error { return r.Err }
