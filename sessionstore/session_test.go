package sessionstore_test

import (
	"reflect"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/storetest"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

func TestSessionLife(t *testing.T) {
	cases := []struct {
		name    string
		idle    time.Duration
		seen    time.Duration // after noon
		ends    time.Duration // after noon
		liveFor time.Duration // when active at noon
	}{
		{"without an idle timeout only the life counts", 0, 0, 12 * time.Hour, 12 * time.Hour},
		{"a negative idle timeout is none", -time.Hour, 0, 12 * time.Hour, 12 * time.Hour},
		{"an idle session ends before its life does", time.Hour, 0, time.Hour, time.Hour},
		{"activity puts the idle timeout off", time.Hour, 2 * time.Hour, 3 * time.Hour, time.Hour},
		{"activity never puts the end of life off", time.Hour, 11*time.Hour + 30*time.Minute, 12 * time.Hour, time.Hour},
		{"activity after the end changes nothing", time.Hour, 20 * time.Hour, 12 * time.Hour, time.Hour},
		{"an idle timeout longer than the life is cut", 24 * time.Hour, 0, 12 * time.Hour, 12 * time.Hour},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			s := &sessionstore.Session{ExpiresAt: noon.Add(12 * time.Hour), IdleTimeout: c.idle, LastSeenAt: noon.Add(c.seen)}
			ends := noon.Add(c.ends)
			if got := s.IdleExpiresAt(); !got.Equal(ends) {
				t.Errorf("it ends at %v; want %v", got, ends)
			}
			if !s.Live(ends.Add(-time.Nanosecond)) || s.Live(ends) {
				t.Errorf("it does not live exactly until %v", ends)
			}
			if got := s.LiveFor(noon); got != c.liveFor {
				t.Errorf("active at noon it lives for %v; want %v", got, c.liveFor)
			}
		})
	}
}

func TestClone(t *testing.T) {
	t.Run("a copy equals what comes back from a record", func(t *testing.T) {
		for _, s := range sessions() {
			sealer := storetest.NewSealer(t, 'k')
			got, err := sealer.Open(s.Key, sealer.Seal(s))
			if err != nil {
				t.Fatal(err)
			}
			if want := s.Clone(); !reflect.DeepEqual(got, want) {
				t.Errorf("the record gives\n%+v\nthe copy is\n%+v", got, want)
			}
		}
	})
	t.Run("a copy shares nothing that can change", func(t *testing.T) {
		s := fullSession()
		c := s.Clone()
		want := c.Clone()
		s.User.FlatRolesList[0], s.User.FlatPermissionsList[0] = "x", "x"
		s.User.Accounts[0].AccountID, s.User.PrimaryAccount.AccountID = "x", "x"
		*s.User.CreatedAt, *s.User.UpdatedAt = noon, noon
		s.Attributes["department"], s.Attributes["more"] = "x", "x"
		s.Grounds.Roles[0], s.Grounds.Permissions[0], s.Grounds.Password = "x", "x", "x"
		s.Grounds.Earlier[0].User.FlatRolesList[0], s.Grounds.Earlier[0].Attributes["a"], s.Grounds.Earlier[0].Rules = "x", "x", "x"
		if !reflect.DeepEqual(c, want) {
			t.Error("the copy changed along with the session")
		}
	})
	t.Run("a copy leaves the session alone, its token included", func(t *testing.T) {
		s := fullSession()
		s.User.Token = "a credential"
		c := s.Clone()
		if s.User.Token != "a credential" || c.User.Token != "" {
			t.Error("the token is not where it belongs")
		}
	})
}

func TestKeepLife(t *testing.T) {
	held, s := fullSession(), fullSession()
	s.CreatedAt, s.ExpiresAt, s.LastSeenAt = noon, noon.Add(99*time.Hour), noon.Add(time.Hour)
	s.IdleTimeout, s.User.ID, s.Method = 0, 99, "oidc"
	s.KeepLife(held)
	if s.Method != "oidc" {
		t.Error("it took more than the life over")
	}
	s.Method, s.Key = held.Method, held.Key
	if !reflect.DeepEqual(s, held) {
		t.Errorf("the life is\n%+v\nnot\n%+v", s, held)
	}
}
