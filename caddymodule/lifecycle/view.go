package lifecycle

import (
	"maps"
	"slices"
	"time"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// view is the session as this configuration has it, of what is at hand: the
// roles and what they permit, the demands, and the mappings of what the session
// keeps. It is not written down, or gateways that are configured in two ways
// would rebuild each other's sessions in turns.
func (v *Vouching) view(method login.Method, s *sessionstore.Session, rules string) (*sessionstore.Session, error) {
	view := *s
	view.View = &sessionstore.View{Of: s}
	known, err := v.recall(method, &view)
	if err != nil && !isRefused(err) && !profile.IsUnmapped(err) { // trouble, which says nothing of the person
		known, err = granted, v.flatten(&view)
	}
	if refused := v.config.Domains[s.Method].Admit(view.User.Email); refused != nil {
		err = refused
	}
	earlier, built := s.Under(rules)
	due := known != whole && !built
	switch {
	case isRefused(err):
		return nil, err
	case err != nil:
		view.User, view.Unmapped = withoutRights(s.User), true
	case known == granted && built:
		serveEarlier(&view, &earlier)
		due = earlier.Outdated || s.Unmapped && !earlier.Unmapped || earlier.BuiltAt.Before(v.since)
	}
	_, rebuilds := method.(login.Rebuilder)
	view.View.Due = rebuilds && due && !v.crowded(s)
	return &view, nil
}

// crowdedTime is how long a session is left alone whose person is served by more
// configurations than it remembers: each would ask for what the others forgot.
const crowdedTime = time.Minute

func (v *Vouching) crowded(s *sessionstore.Session) bool {
	return s.Grounds != nil && len(s.Grounds.Earlier) == sessionstore.MaxEarlier && v.config.Now().Sub(s.BuiltAt) < crowdedTime
}

// serveEarlier puts what was built under the rules of this configuration into the
// view: others have built the session since, under theirs. Where the sources
// have said something else since, it gives no more than they have made of that.
func serveEarlier(view *sessionstore.Session, earlier *sessionstore.Build) {
	user, attributes := earlier.User, earlier.Attributes
	if earlier.Outdated {
		user = within(user, &view.User)
		user.Email = view.User.Email // the former one may be somebody else's by now
		attributes = maps.Clone(attributes)
		maps.DeleteFunc(attributes, func(name, value string) bool { return view.Attributes[name] != value })
	}
	view.BuiltAt, view.Unmapped = earlier.BuiltAt, earlier.Unmapped
	view.User, view.Username, view.Name, view.Attributes = user, earlier.Username, earlier.Name, attributes
	keepChoice(view)
}

// within is the person with no more than another build of them lets them do.
func within(u sessionstore.UserSession, limit *sessionstore.UserSession) sessionstore.UserSession {
	u.FlatRolesList = both(u.FlatRolesList, limit.FlatRolesList)
	u.FlatPermissionsList = both(u.FlatPermissionsList, limit.FlatPermissionsList)
	accounts := make([]sessionstore.Account, 0, len(u.Accounts))
	for _, a := range u.Accounts {
		i := slices.IndexFunc(limit.Accounts, func(l sessionstore.Account) bool { return l.AccountID == a.AccountID })
		if i >= 0 {
			a.AccountAdmin = a.AccountAdmin && limit.Accounts[i].AccountAdmin
			accounts = append(accounts, a)
		}
	}
	u.Accounts, u.PrimaryAccount = accounts, nil
	for i := range accounts {
		if accounts[i].UsersPrimaryAccount {
			u.PrimaryAccount = &accounts[i]
		}
	}
	if u.PrimaryAccount == nil && len(accounts) > 0 {
		accounts[0].UsersPrimaryAccount = true
		u.PrimaryAccount = &accounts[0]
	}
	return u
}

func both(names, others []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !slices.Contains(others, name) })
}

// knowledge is how much is known at hand of a session's person.
type knowledge uint8

const (
	granted  knowledge = iota // what was granted, and what that brings with it here
	recalled                  // what the login last said, mapped here
	whole                     // all that there is to know
)

// recall fills in what is known at hand of the view's person.
func (v *Vouching) recall(method login.Method, view *sessionstore.Session) (knowledge, error) {
	recaller, ok := method.(login.Recaller)
	if !ok || view.Unmapped { // what is kept is from before the answer that could not be mapped
		return granted, v.flatten(view)
	}
	person, isWhole, err := recaller.Recall(view)
	switch {
	case err != nil:
		return recalled, err
	case v.config.Directories: // which have said more than the login does
		return granted, v.flatten(view)
	case isWhole:
		return whole, v.rebuilt(view, person)
	}
	return recalled, v.rebuilt(view, person)
}

// errOtherPerson is a demand of the configuration, for one that numbers people
// in another way takes the session for somebody else's.
var errOtherPerson = &profile.Refused{Why: "the person has another number under this configuration"}

// rebuilt puts the person into the view.
func (v *Vouching) rebuilt(view *sessionstore.Session, person *profile.Person) error {
	if person.ID == 0 && subjectOf(person, person.Email) == view.Subject {
		person.ID = view.User.ID
	}
	if person.ID != view.User.ID {
		return errOtherPerson
	}
	user, err := v.config.Roles.Build(*person)
	if err != nil {
		return err
	}
	view.User, view.Username, view.Name, view.Attributes = user, person.Username, person.Name, person.Attributes
	keepChoice(view)
	return nil
}

// flatten works out what the roles that were granted bring with them here.
func (v *Vouching) flatten(view *sessionstore.Session) (err error) {
	roles, permissions := view.Grounds.Roles, view.Grounds.Permissions
	if roles == nil && permissions == nil {
		roles, permissions = view.User.FlatRolesList, view.User.FlatPermissionsList
	}
	view.User.FlatRolesList, view.User.FlatPermissionsList, err = v.config.Roles.Flatten(roles, permissions)
	return err
}
