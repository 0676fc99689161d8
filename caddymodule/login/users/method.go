package users

import (
	"context"
	"fmt"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// Source is where the people of a Method come from: a File, which may have
// read its file anew between two calls.
type Source interface {
	// People returns those of the moment, never nil.
	People() *People
}

// Method signs in the people of a users file. It is a login.PasswordMethod
// and a login.Rebuilder, both without asking anybody, and safe for concurrent use.
type Method struct {
	name   string
	source Source
	gate   *login.Gate
	// compare is the hash comparison; tests count its calls.
	compare func(h hash, password string) (bool, error)
}

var (
	_ login.PasswordMethod = (*Method)(nil)
	_ login.Named          = (*Method)(nil)
	_ login.Rebuilder      = (*Method)(nil)
	_ login.Voucher        = (*Method)(nil)
	_ login.Recaller       = (*Method)(nil)
)

// New makes the login method of that name over the source's people. A nil gate
// means SharedGate.
func New(name string, source Source, gate *login.Gate) *Method {
	if gate == nil {
		gate = SharedGate()
	}
	return &Method{name: name, source: source, gate: gate, compare: compare}
}

// Name is the method's name in the configuration.
func (m *Method) Name() string { return m.name }

// TakesNames reports whether anybody of the file has a username.
func (m *Method) TakesNames() bool { return m.source.People().HaveUsernames() }

// SignIn checks the password of the person who has that email address or
// username. The errors are login.ErrUnknown, login.ErrRefused, login.ErrBusy,
// or the context's; login.ErrPublic is a login.ErrRefused.
//
// Whether the person is unknown, disabled, without a password or mistyped it, exactly
// one hash is compared, so that time does not tell which (OWASP ASVS 6.3.8);
// see People.MixedHashes for where that ends.
func (m *Method) SignIn(ctx context.Context, typed login.Typed) (*profile.Person, error) {
	// The same answer for everybody, before anything is looked up.
	if typed.Password == "" || len(typed.Password) > login.MaxPassword || len(typed.Name) > profile.MaxEmail {
		return nil, login.ErrRefused
	}
	entry, h, leave, err := m.enter(ctx, typed)
	if err != nil {
		return nil, err
	}
	defer leave()
	match, err := m.compare(h, typed.Password)
	switch {
	case err != nil:
		return nil, fmt.Errorf("comparing a password hash of the users file: %w", err)
	case entry == nil:
		return nil, login.ErrUnknown
	case entry.Disabled:
		return nil, &login.DisabledError{UserID: entry.person.ID, Err: errDisabled}
	case entry.hash.encoded == "": // what was compared is nobody's
		return nil, errNoPassword
	case !match:
		return nil, errMismatch
	case h.public && !typed.OnThisMachine:
		return nil, login.ErrPublic
	}
	return entry.Person(), nil
}

// What the log says of a refusal, and no answer.
var (
	errDisabled   = fmt.Errorf("%w: the person is disabled in the users file", login.ErrRefused)
	errNoPassword = fmt.Errorf("%w: the person has no password in the users file", login.ErrRefused)
	errMismatch   = fmt.Errorf("%w: the password is another", login.ErrRefused)
)

// enter waits for a place and returns the hash to compare, with whose it is: nil
// for nobody's. They are looked up after the wait again, in which the file may
// have been read anew.
func (m *Method) enter(ctx context.Context, typed login.Typed) (*Entry, hash, func(), error) {
	for {
		_, before := m.look(typed.Name)
		leave, err := m.gate.Enter(ctx, typed.Turn, before.work.bytes())
		if err != nil {
			return nil, hash{}, nil, err
		}
		entry, h := m.look(typed.Name)
		if h.work.bytes() <= before.work.bytes() {
			return entry, h, leave, nil
		}
		leave() // it takes more memory than there is room for
	}
}

// Person returns what the file says of whoever has that sign-in name, which
// login.ReadName has read, without a password: to explain what they may do. The
// errors are login.ErrUnknown and login.ErrRefused.
func (m *Method) Person(name string) (*profile.Person, error) {
	entry, known := m.source.People().ByName(name)
	switch {
	case !known:
		return nil, login.ErrUnknown
	case entry.Disabled:
		return nil, errDisabled
	}
	return entry.Person(), nil
}

// Names are the sign-in names of all people.
func (m *Method) Names() (names []string) {
	for entry := range m.source.People().All() {
		names = append(names, entry.person.Email)
		if entry.person.Username != "" {
			names = append(names, entry.person.Username)
		}
	}
	return names
}

func (m *Method) look(email string) (*Entry, hash) {
	people := m.source.People()
	entry, known := people.ByName(email)
	if !known {
		return nil, people.usual
	}
	if entry.hash.encoded == "" {
		return entry, people.usual
	}
	return entry, entry.hash
}

// Rebuild returns what the file says now of the session's person. The error
// is login.ErrUnknown when the id is gone or belongs to another email address
// now, and login.ErrRefused when the person is disabled.
func (m *Method) Rebuild(_ context.Context, s *sessionstore.Session) (*profile.Person, error) {
	entry, err := m.entryOf(s)
	if err != nil {
		return nil, err
	}
	return entry.Person(), nil
}

// Recall is Rebuild: the file is at hand.
func (m *Method) Recall(s *sessionstore.Session) (p *profile.Person, whole bool, err error) {
	p, err = m.Rebuild(context.Background(), s)
	return p, true, err
}

// Vouch returns what the file knows the session's person by now. Its errors are
// those of Rebuild.
func (m *Method) Vouch(s *sessionstore.Session) (profile.Standing, error) {
	entry, err := m.entryOf(s)
	if err != nil {
		return profile.Standing{}, err
	}
	return entry.person.Standing, nil
}

// entryOf finds the session's person, who may still be signed in.
func (m *Method) entryOf(s *sessionstore.Session) (*Entry, error) {
	entry, known := m.source.People().ByID(s.User.ID)
	if !known || entry.person.Subject != s.Subject {
		return nil, login.ErrUnknown
	}
	if entry.Disabled {
		return nil, login.ErrRefused
	}
	return entry, nil
}
