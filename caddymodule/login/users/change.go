package users

// Change is what a new reading of the file means for people who may be signed
// in, as ids in the file's order. An id is in two lists only when it was given
// to somebody else, who is Added.
type Change struct {
	// Added people can sign in now and could not before.
	Added []int64
	// Removed people are gone, or their id belongs to another email address
	// now: end their sessions.
	Removed []int64
	// Disabled people could sign in before: end their sessions.
	Disabled []int64
	// NewPassword people have another hash: end their sessions, for the old
	// password may have been known to somebody (OWASP ASVS 7.4.3). Who had none is
	// not among them.
	NewPassword []int64
	// Changed people have other accounts, roles, permissions or texts:
	// rebuild their sessions.
	Changed []int64
	// Mended says that the file was broken or gone, which was told, and is good
	// again.
	Mended bool
}

// Any reports whether the change holds anything for people.
func (c Change) Any() bool {
	return len(c.Added)+len(c.Removed)+len(c.Disabled)+len(c.NewPassword)+len(c.Changed) > 0
}

// Diff is what changes for people when after takes the place of before.
func Diff(before, after *People) Change {
	var c Change
	for _, was := range before.entries {
		id := was.person.ID
		is, known := after.byID[id]
		switch {
		case !known || is.person.Subject != was.person.Subject:
			c.Removed = append(c.Removed, id)
		case is.Disabled && !was.Disabled:
			c.Disabled = append(c.Disabled, id)
		case is.Disabled || was.Disabled: // nobody of that id is signed in
		case is.hash != was.hash && !was.hash.none:
			c.NewPassword = append(c.NewPassword, id)
		case !sameFacts(&is.person, &was.person):
			c.Changed = append(c.Changed, id)
		}
	}
	for _, is := range after.entries {
		was, known := before.byID[is.person.ID]
		knew := known && !was.Disabled && was.person.Subject == is.person.Subject
		if !is.Disabled && !knew {
			c.Added = append(c.Added, is.person.ID)
		}
	}
	return c
}
