package lifecycle

import (
	"context"
	"fmt"
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
	name       string
	attributes map[string]string
	source     string // what the login's source calls its own session
	kept       string
	at         time.Time
}

// put writes what was built into a session.
func (b *built) put(s *sessionstore.Session) {
	s.User, s.Subject, s.Name, s.Attributes = b.user, b.subject, b.name, b.attributes
	s.SourceSession, s.Kept, s.BuiltAt, s.Unmapped = b.source, b.kept, b.at, false
}

// build makes what a session says of the person whom a login has found: the
// directories are asked, a number is handed out if no source has one, and the
// roles are flattened. before is the session that is built anew, nil at
// sign-in. A *profile.Refused is a definite "no", and ErrInvalid a person who
// makes no session.
func (l *Sessions) build(ctx context.Context, method login.Method, person *profile.Person, before *sessionstore.Session) (*built, error) {
	at := l.buildTime(before)
	if len(l.Directories) > 0 {
		if _, err := directory.Consult(ctx, l.Directories, person, factsOf(person)); err != nil {
			return nil, err
		}
	}
	if err := l.number(ctx, method, person, before); err != nil {
		return nil, err
	}
	user, err := l.Roles.Build(*person)
	if err != nil {
		return nil, err
	}
	kept, err := person.Kept.Encode()
	if err != nil {
		return nil, err
	}
	return &built{
		user: user, subject: subjectOf(person, user.Email), name: person.Name, attributes: person.Attributes,
		source: person.SourceSession, kept: kept, at: at,
	}, nil
}

// buildTime is now, and never the time of the build before: others tell by it
// that the session was built anew.
func (l *Sessions) buildTime(before *sessionstore.Session) time.Time {
	at := l.Now().UTC().Truncate(time.Millisecond)
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
func (l *Sessions) number(ctx context.Context, method login.Method, person *profile.Person, before *sessionstore.Session) error {
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
	issuer := person.Issuer
	if issuer == "" {
		issuer = "login:" + method.Name()
	}
	n, err := l.Store.Number(ctx, issuer+"\x00"+subject)
	if err != nil {
		return storeFault{fmt.Errorf("handing out a number for a new person: %w", err)}
	}
	person.ID = FirstNumber + n
	return nil
}
