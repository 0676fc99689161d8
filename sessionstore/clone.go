package sessionstore

import (
	"maps"
	"slices"
	"time"
)

// Clone returns a copy that shares nothing with s, just as a store gives it
// back: times in UTC and to the millisecond, lists that are never nil, and no
// User.Token.
func (s *Session) Clone() *Session {
	c := *s
	c.CreatedAt, c.ExpiresAt = toMilli(s.CreatedAt), toMilli(s.ExpiresAt)
	c.LastSeenAt = toMilli(s.LastSeenAt)
	if !s.BuiltAt.IsZero() {
		c.BuiltAt = toMilli(s.BuiltAt)
	}
	c.Attributes = nil // as it comes back when there are none
	if len(s.Attributes) > 0 {
		c.Attributes = maps.Clone(s.Attributes)
	}
	c.FormerSources = slices.Clone(s.FormerSources)
	c.Grounds, c.View = s.Grounds.clone(), nil
	u := &c.User
	u.Token = ""
	u.CreatedAt, u.UpdatedAt = cloneDate(u.CreatedAt), cloneDate(u.UpdatedAt)
	if u.PrimaryAccount != nil {
		primary := *u.PrimaryAccount
		u.PrimaryAccount = &primary
	}
	u.Accounts = cloneList(u.Accounts)
	u.FlatRolesList = cloneList(u.FlatRolesList)
	u.FlatPermissionsList = cloneList(u.FlatPermissionsList)
	return &c
}

// cloneList copies a list; the copy of nil is empty, for JSON's sake.
func cloneList[T any](list []T) []T { return append([]T{}, list...) }

func cloneDate(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	utc := t.UTC()
	return &utc
}

func toMilli(t time.Time) time.Time { return time.UnixMilli(t.UnixMilli()).UTC() }

// KeepLife gives s what an update leaves as it is, from the session that the
// store holds: life, activity and person.
func (s *Session) KeepLife(held *Session) {
	s.CreatedAt, s.ExpiresAt = held.CreatedAt, held.ExpiresAt
	s.IdleTimeout, s.LastSeenAt = held.IdleTimeout, held.LastSeenAt
	s.User.ID = held.User.ID
}
