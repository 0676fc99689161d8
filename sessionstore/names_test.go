package sessionstore

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unsafe"
)

func namesRow(roles, permissions []string) []byte {
	return appendUser(nil, &UserSession{FlatRolesList: roles, FlatPermissionsList: permissions})
}

func TestNamesAreShared(t *testing.T) {
	sealer, err := NewSealer(make([]byte, SealingKeySize))
	if err != nil {
		t.Fatal(err)
	}
	open := func(userID int64, permissions ...string) *Session {
		s := codecSession()
		s.Key, s.User.ID, s.User.FlatPermissionsList = NewSecret(userID).Key(), userID, permissions
		opened, err := sealer.Open(s.Key, sealer.Seal(s))
		if err != nil {
			t.Fatal(err)
		}
		return opened
	}
	ada, grace, linus := open(1, "a:b", "c:d"), open(2, "a:b", "c:d"), open(3, "a:b", "c:e")
	t.Run("people with the same names have one list in memory", func(t *testing.T) {
		if unsafe.SliceData(ada.User.FlatPermissionsList) != unsafe.SliceData(grace.User.FlatPermissionsList) {
			t.Error("each has a list of their own")
		}
	})
	t.Run("and remain two people", func(t *testing.T) {
		if ada.User.ID != 1 || grace.User.ID != 2 || ada.Key == grace.Key {
			t.Errorf("got %+v and %+v", ada, grace)
		}
	})
	t.Run("a single letter makes other names", func(t *testing.T) {
		if !slices.Equal(linus.User.FlatPermissionsList, []string{"a:b", "c:e"}) || !slices.Equal(ada.User.FlatPermissionsList, []string{"a:b", "c:d"}) {
			t.Errorf("got %q and %q", linus.User.FlatPermissionsList, ada.User.FlatPermissionsList)
		}
	})
	t.Run("a list that is appended to does not grow into that of others", func(t *testing.T) {
		_ = append(ada.User.FlatRolesList, "mallory")
		_ = append(ada.User.FlatPermissionsList, "mallory")
		if again := open(4, "a:b", "c:d"); !slices.Equal(again.User.FlatRolesList, []string{"admin"}) || !slices.Equal(again.User.FlatPermissionsList, []string{"a:b", "c:d"}) {
			t.Errorf("got %+v", again.User)
		}
	})
	t.Run("a role is never taken for the permission of the same name", func(t *testing.T) {
		var nc namesCache
		asRole, _ := nc.of(namesRow([]string{"admin"}, nil))
		asPermission, _ := nc.of(namesRow(nil, []string{"admin"}))
		if len(asRole.roles) != 1 || len(asRole.permissions) != 0 || len(asPermission.roles) != 0 || len(asPermission.permissions) != 1 {
			t.Errorf("got %+v and %+v", asRole, asPermission)
		}
	})
	t.Run("the primary account is the one of the list", func(t *testing.T) {
		if ada.User.PrimaryAccount != &ada.User.Accounts[0] {
			t.Error("it is a copy")
		}
	})
	t.Run("a primary account that differs from the list stays as it is", func(t *testing.T) {
		s := codecSession()
		s.User.PrimaryAccount.AccountName = "Acme"
		opened, err := sealer.Open(s.Key, sealer.Seal(s))
		if err != nil || opened.User.PrimaryAccount.AccountName != "Acme" || opened.User.Accounts[0].AccountName != "" {
			t.Errorf("got %+v, %v", opened, err)
		}
	})
}

func TestNamesAreBounded(t *testing.T) {
	var nc namesCache
	for i := range maxNames + 10 {
		if _, ok := nc.of(namesRow([]string{fmt.Sprint("role-", i)}, nil)); !ok {
			t.Fatal("they cannot be read")
		}
		if len(nc.known) > maxNames {
			t.Fatalf("%d are remembered", len(nc.known))
		}
	}
	t.Run("a row that is too long is read and not remembered", func(t *testing.T) {
		before := len(nc.known)
		n, ok := nc.of(namesRow([]string{strings.Repeat("r", maxNamesText)}, nil))
		if !ok || len(n.roles) != 1 || len(nc.known) != before {
			t.Errorf("got %v, %v; %d are remembered, %d before", n, ok, len(nc.known), before)
		}
	})
}

func TestASharedReadIsNoOtherThanAPlainOne(t *testing.T) {
	plain := appendSession(nil, codecSession())
	withMore := appendField(slices.Clone(plain), 1<<40, "written by a newer gateway")
	for name, text := range map[string][]byte{
		"an ordinary record":                         plain,
		"one with a field behind the names":          withMore,
		"one without any name":                       plain[:namesBegin(plain)],
		"one with names alone":                       plain[namesBegin(plain):],
		"nothing":                                    nil,
		"one with a person's field behind the names": appendText(slices.Clone(plain), tagCreatedBy, "ops@example.com"),
	} {
		t.Run(name, func(t *testing.T) { sameAsPlain(t, text) })
	}
	t.Run("one that is cut anywhere", func(t *testing.T) {
		for end := range withMore {
			sameAsPlain(t, withMore[:end])
		}
	})
}

// sameAsPlain reads twice, for the second time from what is remembered.
func sameAsPlain(t *testing.T, text []byte) {
	t.Helper()
	want, wantOK := decodeSession(string(text))
	var nc namesCache
	for range 2 {
		if got, ok := nc.decode(slices.Clone(text)); ok != wantOK || !reflect.DeepEqual(got, want) {
			t.Fatalf("% x\ngot  %+v, %v\nwant %+v, %v", text, got, ok, want, wantOK)
		}
	}
}

func FuzzSharedNames(f *testing.F) {
	plain := appendSession(nil, codecSession())
	f.Add(plain)
	f.Add(plain[:len(plain)-1])
	f.Add(namesRow([]string{"admin"}, []string{"a:b"}))
	f.Add([]byte{tagRole, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add(appendField(slices.Clone(plain), tagPermission, "last"))
	f.Fuzz(func(t *testing.T, text []byte) { sameAsPlain(t, text) })
}

// A record may hold credentials that a login keeps.
func TestABufferThatIsUsedAgainHoldsNothing(t *testing.T) {
	room := []byte("a refresh token")
	putBack(&room)
	if strings.Trim(string(room), "\x00") != "" {
		t.Errorf("it still holds %q", room)
	}
}
