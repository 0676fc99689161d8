package lifecycle

import (
	"context"
	"errors"
	"slices"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// rebuilder builds sessions anew and writes what has come of it.
type rebuilder struct {
	config  *Config
	builder *builder
	writer  writer
	links   *links
	ender   *ender
}

// rebuild asks the login, and the directories, again who the person is and
// writes the session anew. A definite "no" ends the session and gives ErrEnded;
// an answer that cannot be mapped leaves it without roles and permissions, and
// gives ErrUnmapped beside it; any other error means that it stays as it is.
func (r *rebuilder) rebuild(ctx context.Context, s *sessionstore.Session) (*sessionstore.Session, error) {
	method, ok := r.config.rebuilder(s.Method)
	if !ok || r.config.Vouching.isOfOther(s) {
		return s, nil // the login is gone from the configuration; it can say nothing
	}
	b, err := r.askAgain(ctx, method, s)
	switch {
	case isDefiniteNo(err):
		return nil, r.refused(ctx, s)
	case profile.IsUnmapped(err):
		return r.disrobe(ctx, s, err)
	case err != nil:
		return nil, r.keepRotated(ctx, s, err)
	case b.user.ID != s.User.ID:
		return nil, r.refused(ctx, s) // another person has the entry now
	}
	if err := r.links.rename(ctx, s, b.source); err != nil {
		return nil, errors.Join(storeFault{err}, r.keep(ctx, s, b.kept))
	}
	built, err := r.writeBuilt(ctx, s, b)
	if err != nil {
		return nil, err
	}
	end, err := r.links.renamed(ctx, s, built)
	if end {
		err = errors.Join(err, r.ender.noLongerVouchedFor(ctx, built, EndAtSource))
	}
	return built, err
}

// refused ends a session of whose person the sources said no, unless another
// configuration came into force meanwhile, which may admit them and asks for
// itself.
func (r *rebuilder) refused(ctx context.Context, s *sessionstore.Session) error {
	if r.config.InForce() != r.config.Vouching {
		return SourceFault{ErrAskAgain, s.Method}
	}
	return r.ender.noLongerVouchedFor(ctx, s, EndRefused)
}

func (r *rebuilder) writeBuilt(ctx context.Context, s *sessionstore.Session, b *built) (*sessionstore.Session, error) {
	write, from := r.writer.change, s.BuiltAt
	if b.kept != s.Kept {
		write = r.writer.persist
	}
	var rights string
	built, err := write(ctx, s, func(changed *sessionstore.Session) {
		rights = ""
		if !changed.BuiltAt.Equal(from) {
			return // another gateway has built it in between, from what is newer
		}
		kept, before := profile.WithCookiesOf(b.kept, changed.Kept), changed.User
		b.put(changed)
		changed.Kept = kept
		keepChoice(changed)
		rights = newRights(&before, &changed.User)
	})
	r.tellRights(s, rights, err)
	return built, err
}

// askAgain builds what the session says anew, and writes nothing.
func (r *rebuilder) askAgain(ctx context.Context, method login.Rebuilder, s *sessionstore.Session) (*built, error) {
	person, err := method.Rebuild(ctx, s)
	if err != nil {
		return nil, err
	}
	b, err := r.builder.build(ctx, method, person, s)
	if err != nil && !isDefiniteNo(err) && person.Kept != nil {
		err = &login.Rotated{Kept: person.Kept, Err: err}
	}
	return b, err
}

// isDefiniteNo tells that the person may no longer be signed in from trouble.
func isDefiniteNo(err error) bool {
	return isRefused(err) || errors.Is(err, login.ErrUnknown) || errors.Is(err, login.ErrRefused)
}

// isRefused reports whether the configuration refuses the person.
func isRefused(err error) bool {
	_, refused := errors.AsType[*profile.Refused](err)
	return refused
}

// keepRotated writes down what the source has replaced though the rest failed:
// a refresh token that was spent must not be presented again, for a provider
// that detects reuse would end the session.
func (r *rebuilder) keepRotated(ctx context.Context, s *sessionstore.Session, err error) error {
	kept, keepErr := rotatedBy(err, s)
	if keepErr == nil {
		keepErr = r.keep(ctx, s, kept)
	}
	return SourceFault{errors.Join(err, keepErr), s.Method}
}

// keep writes down what the session keeps from now on, if it is something else.
func (r *rebuilder) keep(ctx context.Context, s *sessionstore.Session, kept string) error {
	if kept == s.Kept {
		return nil
	}
	_, err := r.writer.persist(ctx, s, func(changed *sessionstore.Session) {
		if changed.Kept == s.Kept { // else another gateway has a newer one
			changed.Kept = kept
		}
	})
	return err
}

// rotatedBy is what the session keeps after a rebuild that failed with err.
func rotatedBy(err error, s *sessionstore.Session) (string, error) {
	rotated, ok := errors.AsType[*login.Rotated](err)
	if !ok {
		return s.Kept, nil
	}
	return rotated.Kept.Encode()
}

// disrobe takes the roles and permissions off a session of whose person an
// answer came that cannot be mapped: what was said before is no longer vouched
// for, and nobody is signed out by a source's slip. The next answer that can be
// mapped gives them back.
func (r *rebuilder) disrobe(ctx context.Context, s *sessionstore.Session, why error) (*sessionstore.Session, error) {
	kept, err := rotatedBy(why, s)
	if err != nil {
		return nil, SourceFault{errors.Join(why, err), s.Method}
	}
	write, from, at := r.writer.change, s.BuiltAt, r.builder.moment(s)
	if kept != s.Kept {
		write = r.writer.persist
	}
	var rights string
	disrobed, err := write(ctx, s, func(changed *sessionstore.Session) {
		rights = ""
		if !changed.BuiltAt.Equal(from) {
			return // another gateway has built it in between, from what is newer
		}
		changed.Kept, changed.BuiltAt, changed.Unmapped = profile.WithCookiesOf(kept, changed.Kept), at, true
		before := changed.User
		changed.User, changed.Grounds = withoutRights(changed.User), r.config.Vouching.disrobed(s)
		rights = newRights(&before, &changed.User)
	})
	r.tellRights(s, rights, err)
	if err != nil {
		return nil, err
	}
	r.config.Events.Happened(Event{Kind: Unmapped, Login: s.Method, UserID: s.User.ID, Session: s.Key, Err: why})
	return disrobed, ErrUnmapped
}

// withoutRights is the person with nothing that they may do: an account that
// they administer is one that they are a member of.
func withoutRights(u sessionstore.UserSession) sessionstore.UserSession {
	u.FlatRolesList, u.FlatPermissionsList = []string{}, []string{}
	u.Accounts = slices.Clone(u.Accounts)
	for i := range u.Accounts {
		u.Accounts[i].AccountAdmin = false
	}
	if u.PrimaryAccount != nil {
		primary := *u.PrimaryAccount
		primary.AccountAdmin = false
		u.PrimaryAccount = &primary
	}
	return u
}
