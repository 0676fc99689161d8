package adminapi

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// askedParams say whose sessions are meant.
var askedParams = []string{"user", "email", "login", "all"}

// asked reads which sessions are meant.
func (c *call) asked() (asked lifecycle.Asked, err error) {
	given := ""
	for _, name := range askedParams {
		if _, ok := c.query[name]; !ok {
			continue
		}
		if given != "" {
			return asked, fault(http.StatusBadRequest, "%s and %s are both given: say whose sessions by one of user=<id>, email=<address>, login=<name> and all=true", given, name)
		}
		given = name
	}
	switch given {
	case "":
		return asked, fault(http.StatusBadRequest, "say whose sessions: one of user=<id>, email=<address>, login=<name> and all=true")
	case "user":
		asked.UserID, err = c.user()
	case "email":
		if asked.Email, err = profile.NormalizeEmail(c.query["email"]); err != nil {
			err = fault(http.StatusBadRequest, "email is no address (%v): give it as the session has it, with a plus sign as %%2B", err)
		}
	case "login":
		asked.Login = c.query["login"]
	default:
		if asked.All = c.query["all"] == "true"; !asked.All {
			err = fault(http.StatusBadRequest, "all is given as all=true")
		}
	}
	return asked, err
}

// user reads the number of a person.
func (c *call) user() (int64, error) {
	id, ok := number(c.query["user"], sessionstore.MaxNumber)
	if !ok {
		return 0, fault(http.StatusBadRequest, "user is the number of a person, from 1 to %d: see the field id of GET /auth/session, or ask by email=<address>", int64(sessionstore.MaxNumber))
	}
	return id, nil
}

// number reads one between 1 and most, in its only spelling.
func number(text string, most int64) (int64, bool) {
	n, err := strconv.ParseInt(text, 10, 64)
	return n, err == nil && n >= 1 && n <= most && strconv.FormatInt(n, 10) == text
}

const (
	idSize      = 12 // bytes of a session's public name
	defaultPage = 100
	largestPage = 1000
)

// encoding is strict, so that one cursor has one spelling.
var encoding = base64.RawURLEncoding.Strict()

// decode reads a text that is exactly so many bytes.
func decode(into []byte, text string) bool {
	if len(text) != encoding.EncodedLen(len(into)) || strings.ContainsAny(text, "\r\n") { // which a decoder skips
		return false
	}
	n, err := encoding.Decode(into, []byte(text))
	return err == nil && n == len(into)
}

// id reads the public name of a session.
func (c *call) id() (string, error) {
	if _, err := sessionstore.ParseID(c.name); err != nil {
		return "", fault(http.StatusBadRequest, "the id of a session has 16 letters, digits, - and _, as X-Session-Id, the log and GET %ssessions have it", prefix)
	}
	return c.name, nil
}

// limit reads how many sessions a page has at most.
func (c *call) limit() (int, error) {
	text, ok := c.query["limit"]
	if !ok {
		return defaultPage, nil
	}
	n, ok := number(text, largestPage)
	if !ok {
		return 0, fault(http.StatusBadRequest, "limit is a number of sessions from 1 to %d; without one it is %d", largestPage, defaultPage)
	}
	return int(n), nil
}

// notFound says that there is no session of that name.
func notFound(id string) caddy.APIError {
	return fault(http.StatusNotFound, "there is no session %s: it has ended, or is in another store; GET %ssessions?all=true lists those that there are", id, prefix)
}
