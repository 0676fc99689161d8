package sessionstore

import "time"

// decodeSession undoes appendSession; false says that the text is not one. All
// strings of the session are parts of the text, so that a session costs one
// string however many roles it has.
func decodeSession(text string) (*Session, bool) {
	s := new(Session)
	makeAside(s, text)
	makeLists(&s.User, text)
	f := fields{text: text}
	for {
		tag, value, ok := f.next()
		if !ok {
			break
		}
		if tag < tagUserID || tag == tagFormerSource || tag == tagUsername {
			ok = s.decode(tag, value)
		} else {
			ok = s.User.decode(tag, value)
		}
		if !ok {
			return nil, false
		}
	}
	if f.bad {
		return nil, false
	}
	s.User.sharePrimary()
	return s, true
}

// sharePrimary lets the primary account be the one of the list, if it is, as
// it should: sessions are read, never changed, so it is needed only once.
func (u *UserSession) sharePrimary() {
	for i := range u.Accounts {
		if u.PrimaryAccount != nil && *u.PrimaryAccount == u.Accounts[i] {
			u.PrimaryAccount = &u.Accounts[i]
			return
		}
	}
}

// aside is what a session points at, in one piece of memory: the collector looks at
// each by itself, a hundred thousand times when there are as many sessions. It is
// none with the session, which would be too large then: see Session.
type aside struct {
	grounds          Grounds
	created, updated time.Time
}

// makeAside makes room for what this text has of it. Without grounds there are at
// most two dates, which are smaller alone.
func makeAside(s *Session, text string) {
	var grounds, created, updated bool
	f := fields{text: text}
	for tag, _, ok := f.next(); ok; tag, _, ok = f.next() {
		switch tag {
		case tagGrounds:
			grounds = true
		case tagUserCreatedAt:
			created = true
		case tagUserUpdatedAt:
			updated = true
		}
	}
	switch {
	case !grounds:
		return
	case !created && !updated:
		s.Grounds = new(Grounds)
		return
	}
	room := new(aside)
	s.Grounds = &room.grounds
	if created {
		s.User.CreatedAt = &room.created
	}
	if updated {
		s.User.UpdatedAt = &room.updated
	}
}

// makeLists gives the lists their room at once. Each element is a field of the
// text, so there are never more of them than the text is long.
func makeLists(u *UserSession, text string) {
	var accounts, roles, permissions int
	f := fields{text: text}
	for tag, _, ok := f.next(); ok; tag, _, ok = f.next() {
		switch tag {
		case tagAccount:
			accounts++
		case tagRole:
			roles++
		case tagPermission:
			permissions++
		}
	}
	// Roles and permissions share one array; the cap keeps an append to the
	// one from writing into the other.
	names := make([]string, roles+permissions)
	u.Accounts = make([]Account, 0, accounts)
	u.FlatRolesList = names[:0:roles]
	u.FlatPermissionsList = names[roles:roles]
}

func (s *Session) decode(tag uint64, value string) (ok bool) {
	ok = true
	switch tag {
	case tagMethod:
		s.Method = value
	case tagSubject:
		s.Subject = value
	case tagChosenAccount:
		s.ChosenAccount = value
	case tagAddress:
		s.Address = value
	case tagUserAgent:
		s.UserAgent = value
	case tagCreatedAt:
		s.CreatedAt, ok = parseMoment(value)
	case tagExpiresAt:
		s.ExpiresAt, ok = parseMoment(value)
	case tagIdleTimeout:
		var n int64
		n, ok = parseNumber(value)
		s.IdleTimeout = time.Duration(n)
	case tagSourceSession:
		s.SourceSession = value
	case tagFormerSource:
		s.FormerSources = append(s.FormerSources, value)
	case tagUsername:
		s.Username = value
	case tagName:
		s.Name = value
	case tagAttribute:
		ok = s.decodeAttribute(value)
	case tagKept:
		s.Kept = value
	case tagBuiltAt:
		s.BuiltAt, ok = parseMoment(value)
	case tagUnmapped:
		s.Unmapped = true
	case tagGrounds:
		*s.Grounds, ok = decodeGrounds(value)
	}
	return ok
}

func (s *Session) decodeAttribute(row string) bool {
	var name, text string
	f := fields{text: row}
	for tag, value, ok := f.next(); ok; tag, value, ok = f.next() {
		switch tag {
		case tagAttributeName:
			name = value
		case tagAttributeValue:
			text = value
		}
	}
	if s.Attributes == nil {
		s.Attributes = make(map[string]string)
	}
	s.Attributes[name] = text
	return !f.bad
}

func (u *UserSession) decode(tag uint64, value string) (ok bool) {
	ok = true
	switch tag {
	case tagUserID:
		u.ID, ok = parseNumber(value)
	case tagEmail:
		u.Email = value
	case tagCreatedBy:
		u.CreatedBy = value
	case tagUpdatedBy:
		u.UpdatedBy = value
	case tagUserCreatedAt:
		ok = parseDate(&u.CreatedAt, value)
	case tagUserUpdatedAt:
		ok = parseDate(&u.UpdatedAt, value)
	case tagPrimaryAccount:
		u.PrimaryAccount = &Account{}
		ok = u.PrimaryAccount.decode(value)
	case tagAccount:
		var a Account
		ok = a.decode(value)
		u.Accounts = append(u.Accounts, a)
	case tagRole:
		u.FlatRolesList = append(u.FlatRolesList, value)
	case tagPermission:
		u.FlatPermissionsList = append(u.FlatPermissionsList, value)
	}
	return ok
}

func (a *Account) decode(row string) bool {
	f := fields{text: row}
	for tag, value, ok := f.next(); ok; tag, value, ok = f.next() {
		switch tag {
		case tagAccountID:
			a.AccountID = value
		case tagAccountName:
			a.AccountName = value
		case tagAccountPrimary:
			a.UsersPrimaryAccount = true
		case tagAccountAdmin:
			a.AccountAdmin = true
		}
	}
	return !f.bad
}
