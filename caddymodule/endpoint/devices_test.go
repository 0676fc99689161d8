package endpoint_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
)

const agent = "Lynx/2.9 (Test)"

// signInAs signs in with a User-Agent, as another device.
func signInAs(t testing.TB, s *gatewaytest.Server, email, userAgent string) *gatewaytest.Client {
	t.Helper()
	c := s.Client(t)
	body := `{"email":"` + email + `","password":"` + gatewaytest.Password + `"}`
	c.Do(http.MethodPost, "/auth/login", body, "Content-Type", "application/json", "User-Agent", userAgent).Want(t, http.StatusOK)
	return c
}

func TestDevicesAreListed(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "lifetime 2h\nidle_timeout 30m"})
	begun := time.Now().Add(-time.Second)
	phone := signInAs(t, s, gatewaytest.Ada, "Phone/1.0")
	laptop := signInAs(t, s, gatewaytest.Ada, agent)
	signInAs(t, s, gatewaytest.Grace, "Tablet/1.0")

	devices := gatewaytest.DevicesOf(laptop)
	if len(devices) != 2 {
		t.Fatalf("ada has two devices, listed are %+v", devices)
	}
	newest := devices[0]
	if !newest.Current || devices[1].Current || devices[1].UserAgent != "Phone/1.0" {
		t.Errorf("the newest is the current one: %+v", devices)
	}
	if newest.Method != "users" || newest.Address != "127.0.0.1" || newest.UserAgent != agent || len(newest.ID) != 16 {
		t.Errorf("listed as %+v", newest)
	}
	if newest.CreatedAt.Before(begun) || newest.LastSeenAt.Before(newest.CreatedAt) {
		t.Errorf("created %v, last seen %v, the test began %v", newest.CreatedAt, newest.LastSeenAt, begun)
	}
	if life := newest.IdleExpiresAt.Sub(newest.LastSeenAt); life != 30*time.Minute {
		t.Errorf("expires %v after it was seen", life)
	}
	if life := newest.ExpiresAt.Sub(newest.CreatedAt); life != 2*time.Hour {
		t.Errorf("expires %v after it was made, whatever is done", life)
	}
	t.Run("each device knows itself", func(t *testing.T) {
		for _, d := range gatewaytest.DevicesOf(phone.In(t)) {
			if d.Current != (d.UserAgent == "Phone/1.0") {
				t.Errorf("%+v", d)
			}
		}
	})
	t.Run("no secret is listed", func(t *testing.T) {
		body := laptop.In(t).Get("/auth/sessions").Body
		if strings.Contains(body, strings.TrimPrefix(laptop.Cookie, "sidegate=")) {
			t.Error("the cookie's secret is in the list")
		}
	})
	t.Run("a User-Agent is cut, not trusted", func(t *testing.T) {
		long := signInAs(t, s, gatewaytest.Grace, strings.Repeat("é", 300))
		if ua := gatewaytest.DevicesOf(long)[0].UserAgent; ua != strings.Repeat("é", 128) {
			t.Errorf("kept as %d bytes", len(ua))
		}
	})
}

func TestOneDeviceIsSignedOut(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	c, lost, other := s.WithCookie(t, gatewaytest.Ada), s.WithCookie(t, gatewaytest.Ada), s.WithCookie(t, gatewaytest.Grace)

	t.Run("a device of one's own", func(t *testing.T) {
		got := c.In(t).Do(http.MethodDelete, "/auth/sessions/"+gatewaytest.IDOf(t, lost), "").Want(t, http.StatusNoContent)
		got.WantHeader(t, "Set-Cookie", "")
		lost.Get("/auth/session").Want(t, http.StatusUnauthorized)
		c.In(t).Get("/auth/session").Want(t, http.StatusOK)
	})
	for name, id := range map[string]string{
		"somebody else's device":      gatewaytest.IDOf(t, other),
		"a device that never was":     "AAAAAAAAAAAAAAAA",
		"a session's secret":          strings.TrimPrefix(c.Cookie, "sidegate="),
		"an id with an encoded slash": gatewaytest.IDOf(t, c) + "%2f",
	} {
		t.Run(name+" is not found", func(t *testing.T) {
			c.In(t).Do(http.MethodDelete, "/auth/sessions/"+id, "").WantError(t, http.StatusNotFound, "not_found")
		})
	}
	other.Get("/auth/session").Want(t, http.StatusOK)
	t.Run("the current device", func(t *testing.T) {
		gone := c.Cookie
		got := c.In(t).Do(http.MethodDelete, "/auth/sessions/"+gatewaytest.IDOf(t, c), "").Want(t, http.StatusNoContent)
		if !strings.Contains(got.Header.Get("Set-Cookie"), "Max-Age=0") {
			t.Errorf("Set-Cookie is %q", got.Header.Get("Set-Cookie"))
		}
		s.WantDead(t, gone, "")
	})
	t.Run("nobody's without a session", func(t *testing.T) {
		s.Client(t).Do(http.MethodDelete, "/auth/sessions/"+gatewaytest.IDOf(t, other), "").Want(t, http.StatusUnauthorized)
		s.Client(t).Do(http.MethodDelete, "/auth/sessions", "").Want(t, http.StatusUnauthorized)
		s.Client(t).Get("/auth/sessions").Want(t, http.StatusUnauthorized)
		other.In(t).Get("/auth/session").Want(t, http.StatusOK)
	})
}

func TestAllOtherDevicesAreSignedOut(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	c, phone, script, other := s.WithCookie(t, gatewaytest.Ada), s.WithCookie(t, gatewaytest.Ada), s.WithToken(t, gatewaytest.Ada), s.WithCookie(t, gatewaytest.Grace)
	c.Do(http.MethodDelete, "/auth/sessions", "").Want(t, http.StatusNoContent).WantHeader(t, "Set-Cookie", "")
	if devices := gatewaytest.DevicesOf(c); len(devices) != 1 || !devices[0].Current {
		t.Errorf("left are %+v", devices)
	}
	s.WantDead(t, phone.Cookie, "")
	s.WantDead(t, "", script.Bearer)
	other.Get("/auth/session").Want(t, http.StatusOK)
}
