package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/profile/directory"
	"example.com/sidegate/sessionstore"
)

// built is what the sources make of a person: the part of a session that a
// refresh makes anew.
type built struct {
	user       sessionstore.UserSession
	subject    string
	username   string
	name       string
	attributes map[string]string
	grounds    *sessionstore.Grounds
	source     string // what the login's source calls its own session
	kept       string
	at         time.Time
}

// put writes what was built into a session.
func (b *built) put(s *sessionstore.Session) {
	if s.SourceSession != "" && s.SourceSession != b.source {
		former := append(slices.Clone(s.FormerSources), s.SourceSession)
		s.FormerSources = former[max(0, len(former)-sessionstore.MaxFormer):]
	}
	s.User, s.Subject, s.Username, s.Name, s.Attributes, s.Grounds = b.user, b.subject, b.username, b.name, b.attributes, b.grounds
	s.SourceSession, s.Kept, s.BuiltAt, s.Unmapped = b.source, b.kept, b.at, false
}

// builder makes what sessions say of the people whom logins have found.
type builder struct {
	config *Config
	owners *owners
	noRole *roleless
}

// build makes what a session says of the person whom a login has found: the
// directories are asked, a number is handed out if no source has one, and the
// roles are flattened. before is the session that is built anew, nil at
// sign-in. A *profile.Refused is a definite "no", and ErrInvalid a person who
// makes no session.
func (b *builder) build(ctx context.Context, method login.Method, person *profile.Person, before *sessionstore.Session) (*built, error) {
	at := b.moment(before)
	if err := b.admit(method, person); err != nil {
		return nil, err
	}
	if len(b.config.Directories) > 0 {
		if _, err := directory.Consult(ctx, b.config.Directories, person, factsOf(person)); err != nil {
			return nil, err
		}
	}
	numbered := person.ID != 0
	if err := b.number(ctx, method, person, before); err != nil {
		return nil, err
	}
	user, err := b.config.Roles.Build(*person)
	if err == nil {
		err = b.config.Domains[method.Name()].Admit(user.Email) // of whatever source it is
	}
	if err == nil && numbered && before == nil {
		err = b.owners.claim(ctx, claimantOf(method, person, numbered))
	}
	if err != nil {
		return nil, err
	}
	kept, err := person.Kept.Encode()
	if err != nil {
		return nil, err
	}
	return &built{
		user: user, subject: subjectOf(person, user.Email), username: person.Username, name: person.Name, attributes: person.Attributes,
		grounds: b.config.Vouching.grounds(method.Name(), person, before, &user),
		source:  person.SourceSession, kept: kept, at: at,
	}, nil
}

// admit refuses whom the login may not sign in, before anybody else is asked
// about them. An address that is none is for others to judge: a directory may
// know the person's.
func (b *builder) admit(method login.Method, person *profile.Person) error {
	email, err := profile.NormalizeEmail(person.Email)
	if err != nil {
		return nil //nolint:nilerr // Build says what is wrong with it, when all have been asked
	}
	return b.config.Domains[method.Name()].Admit(email)
}

// moment is now, and never the time of the build before: others tell by it
// that the session was built anew.
func (b *builder) moment(before *sessionstore.Session) time.Time {
	at := b.config.Now().UTC().Truncate(time.Millisecond)
	if before != nil && at.Equal(before.BuiltAt) {
		at = at.Add(time.Millisecond)
	}
	return at
}

// factsOf is what the login's source said, for the directories' expressions.
func factsOf(person *profile.Person) profile.Facts {
	if person.Kept == nil {
		return nil
	}
	return person.Kept.Facts
}

func subjectOf(person *profile.Person, email string) string {
	if person.Subject != "" {
		return person.Subject
	}
	return email
}

// FirstNumber keeps the numbers that the store hands out apart from those of
// a users file, which people write by hand and small. Both fit in 32 bits.
const FirstNumber = 1_000_000_000

// number gives a person without an id one of the store: the same for the same
// issuer and subject, for good. A session that is built anew knows it already.
func (b *builder) number(ctx context.Context, method login.Method, person *profile.Person, before *sessionstore.Session) error {
	if person.ID != 0 {
		return nil
	}
	subject := subjectOf(person, person.Email)
	if before != nil && before.Subject == subject && before.User.ID > FirstNumber {
		person.ID = before.User.ID
		return nil
	}
	if subject == "" {
		return fmt.Errorf("%w: there is neither an id nor a subject to hand a number out for", profile.ErrInvalid)
	}
	if before != nil {
		return b.hand(ctx, person, nameFor(method, person))
	}
	return b.handFree(ctx, method, person)
}

// handFree hands out a number that belongs to nobody: somebody may have come with
// the next one before it was handed out, and shuts nobody out by that. Who was
// given another is given the same again.
func (b *builder) handFree(ctx context.Context, method login.Method, person *profile.Person) error {
	name := nameFor(method, person)
	err := b.hand(ctx, person, name)
	for again := 1; err == nil; again++ {
		err = b.owners.claimGiven(ctx, claimantOf(method, person, false))
		if !errors.Is(err, ErrNumberTaken) || again == mostNumbers {
			return err
		}
		err = b.hand(ctx, person, "another "+strconv.Itoa(again)+"\x00"+name)
	}
	return err
}

// mostNumbers bounds how many numbers one person is handed out.
const mostNumbers = 8

// hand gives the person the number of that name.
func (b *builder) hand(ctx context.Context, person *profile.Person, name string) error {
	n, err := b.config.Store.Number(ctx, name)
	if err != nil {
		return storeFault{fmt.Errorf("handing out a number for a new person: %w", err)}
	}
	person.ID = FirstNumber + n
	return nil
}

// nameFor is what the store hands a number out for.
func nameFor(method login.Method, person *profile.Person) string {
	return vouchedBy(person.Issuer, method.Name()) + "\x00" + subjectOf(person, person.Email)
}

// claimantOf is the person as they come with their number; numbered says that a
// source has given it.
func claimantOf(method login.Method, person *profile.Person, numbered bool) claimant {
	c := claimant{number: person.ID, name: nameFor(method, person)}
	c.people = vouchedBy(person.Issuer, method.Name())
	if person.Issuer != "" || !numbered {
		c.subject = subjectOf(person, person.Email)
	}
	return c
}
