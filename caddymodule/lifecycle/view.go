package lifecycle

import (
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
	whole, err := v.recall(method, &view)
	if err != nil && !isRefused(err) && !profile.IsUnmapped(err) { // trouble, which says nothing of the person
		whole, err = false, v.flatten(&view)
	}
	if refused := v.config.Domains[s.Method].Admit(view.User.Email); refused != nil {
		err = refused
	}
	switch earlier, built := s.Grounds.Under(rules); {
	case isRefused(err):
		return nil, err
	case err != nil:
		view.User, view.Unmapped = withoutRights(s.User), true
	case !whole && built:
		serveEarlier(&view, earlier)
		return &view, nil
	}
	_, rebuilds := method.(login.Rebuilder)
	view.View.Due = rebuilds && !whole
	return &view, nil
}

// serveEarlier puts what was built under the rules of this configuration into the
// view: others have built the session since, under theirs.
func serveEarlier(view *sessionstore.Session, earlier sessionstore.Build) {
	view.BuiltAt, view.Unmapped = earlier.BuiltAt, earlier.Unmapped
	view.User, view.Name, view.Attributes = earlier.User, earlier.Name, earlier.Attributes
	keepChoice(view)
}

// recall fills in what is known at hand of the view's person, and reports
// whether that is all that there is to know.
func (v *Vouching) recall(method login.Method, view *sessionstore.Session) (whole bool, err error) {
	recaller, ok := method.(login.Recaller)
	if !ok || view.Unmapped { // what is kept is from before the answer that could not be mapped
		return false, v.flatten(view)
	}
	person, whole, err := recaller.Recall(view)
	if err != nil {
		return whole, err
	}
	if v.config.Directories { // which have said more than the login does
		return false, v.flatten(view)
	}
	return whole, v.rebuilt(view, person)
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
	view.User, view.Name, view.Attributes = user, person.Name, person.Attributes
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
