package gatewaytest

import (
	"net/http"
	"testing"
	"time"
)

// Device is an entry of GET /auth/sessions.
type Device struct {
	ID            string    `json:"id"`
	Current       bool      `json:"current"`
	Method        string    `json:"method"`
	CreatedAt     time.Time `json:"createdAt"`
	LastSeenAt    time.Time `json:"lastSeenAt"`
	ExpiresAt     time.Time `json:"expiresAt"`
	IdleExpiresAt time.Time `json:"idleExpiresAt"`
	Address       string    `json:"address"`
	UserAgent     string    `json:"userAgent"`
}

// DevicesOf lists where somebody is signed in.
func DevicesOf(c *Client) []Device {
	c.T.Helper()
	var list struct {
		Sessions []Device `json:"sessions"`
	}
	a := c.Get("/auth/sessions").Want(c.T, http.StatusOK)
	if a.Decode(c.T, &list); len(list.Sessions) == 0 {
		c.T.Fatalf("no device is listed: %s", a.Body)
	}
	return list.Sessions
}

// IDOf is the id of the client's own device.
func IDOf(t testing.TB, c *Client) string {
	t.Helper()
	for _, d := range DevicesOf(c) {
		if d.Current {
			return d.ID
		}
	}
	t.Fatal("no device is the current one")
	return ""
}

// IdleEnd is when the session ends without activity; to read it is none.
func IdleEnd(c *Client) time.Time {
	c.T.Helper()
	text := c.Get("/auth/session").Want(c.T, http.StatusOK).Header.Get("X-Session-Idle-Expires-At")
	end, err := time.Parse(time.RFC3339, text)
	if err != nil {
		c.T.Fatal(err)
	}
	return end
}
