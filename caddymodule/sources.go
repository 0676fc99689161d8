package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"

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
	s.SourceSession, s.Kept, s.BuiltAt = b.source, b.kept, b.at
}

// build makes what a session says of the person whom a login has found: the
// directories are asked, a number is handed out if no source has one, and the
// roles are flattened. before is the session that is built anew, nil at
// sign-in. A *profile.Refused is a definite "no", and ErrInvalid a person who
// makes no session.
func (g *gateway) build(ctx context.Context, method login.Method, person *profile.Person, before *sessionstore.Session) (*built, error) {
	at := g.app.now().UTC().Truncate(time.Millisecond)
	if before != nil && at.Equal(before.BuiltAt) {
		at = at.Add(time.Millisecond) // others tell by it that the session was built anew
	}
	if len(g.app.directories) > 0 {
		if _, err := directory.Consult(ctx, g.app.directories, person, factsOf(person)); err != nil {
			return nil, err
		}
	}
	if err := g.number(ctx, method, person, before); err != nil {
		return nil, err
	}
	user, err := g.app.roles.Build(*person)
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

// firstNumber keeps the numbers that the store hands out apart from those of
// a users file, which people write by hand and small. Both fit in 32 bits.
const firstNumber = 1_000_000_000

// number gives a person without an id one of the store: the same for the same
// issuer and subject, for good. A session that is built anew knows it already.
func (g *gateway) number(ctx context.Context, method login.Method, person *profile.Person, before *sessionstore.Session) error {
	if person.ID != 0 {
		return nil
	}
	subject := subjectOf(person, person.Email)
	if before != nil && before.Subject == subject && before.User.ID > firstNumber {
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
	n, err := g.store.Number(ctx, issuer+"\x00"+subject)
	if err != nil {
		return storeFault{fmt.Errorf("handing out a number for a new person: %w", err)}
	}
	person.ID = firstNumber + n
	return nil
}

// storeFault is trouble of the store in the midst of what logins do.
type storeFault struct{ error }

// Unwrap returns what the trouble was.
func (f storeFault) Unwrap() error { return f.error }

// refuseBuild turns the error of a sign-in that could not be built into its
// answer, and logs what the operator needs to know.
func (g *gateway) refuseBuild(ctx context.Context, method login.Method, person *profile.Person, err error) refusal {
	refused, ok := errors.AsType[*profile.Refused](err)
	switch {
	case ok:
		g.app.logger.Warn("sign-in refused by the configuration",
			zap.String("login", method.Name()), zap.Int64("user_id", person.ID), zap.String("why", refused.Why))
		return refuseByRule.because(refused.Message)
	case errors.Is(err, profile.ErrInvalid):
		g.app.logger.Warn("sign-in refused: the person's entry is not sound",
			zap.String("login", method.Name()), zap.Int64("user_id", person.ID), zap.Error(err))
		return refuseProfile
	}
	if _, ofStore := errors.AsType[storeFault](err); ofStore {
		g.reportStore(ctx, "a sign-in could not be finished", err)
	} else {
		g.reportStore(ctx, "a source of the session failed", loginFault{err})
	}
	return refuseUnavailable
}
