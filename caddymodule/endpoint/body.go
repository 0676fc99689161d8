package endpoint

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/caddymodule/web"
)

// The bodies that endpoints read.
const (
	mediaJSON = "application/json"
	mediaForm = "application/x-www-form-urlencoded"
)

// mediaType is the type of the request's body, without parameters. What is packed,
// or not in UTF-8, has none: another reader would see other fields in it.
func mediaType(r *http.Request) string {
	media, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	charset := cmp.Or(params["charset"], "utf-8")
	if err != nil || !strings.EqualFold(charset, "utf-8") || len(r.Header["Content-Encoding"]) > 0 {
		return ""
	}
	return media
}

// isForm tells a page's form from a program's call.
func isForm(r *http.Request) bool { return mediaType(r) == mediaForm || web.IsNavigation(r) }

// readJSON reads one JSON object and nothing behind it. A member of one of the
// names that is there twice is refused, for of two one reader takes the first and
// another the last; so is one in another spelling, see spelt.
func readJSON(r *http.Request, target any, names ...string) *refusal.Refusal {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return refuseBody(err)
	}
	found := make(url.Values)
	// What is no UTF-8 would be read as something else.
	if !utf8.Valid(body) || !token.Members(body, func(name string, _ json.RawMessage) { found.Add(name, "") }) {
		return refusal.Malformed
	}
	if why := spelt(names).of(found); why != nil {
		return why
	}
	if err := json.Unmarshal(body, target); err != nil {
		return refuseBody(err)
	}
	return nil
}

// doubled reports whether one of the fields is there more than once.
func doubled(given url.Values, fields ...string) bool {
	return slices.ContainsFunc(fields, func(field string) bool { return len(given[field]) > 1 })
}

// only is the value of a field that is there once, else empty.
func only(given url.Values, field string) string {
	if len(given[field]) != 1 {
		return ""
	}
	return given[field][0]
}

// refuseBody tells a body that is too large, or did not come in time, from one
// that is malformed. What was wrong with it is not told: it may hold a password.
func refuseBody(err error) *refusal.Refusal {
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return refusal.TooLarge
	}
	if errors.Is(err, errSlow) {
		return refusal.Slow
	}
	return refusal.Malformed
}

// The fields of a sign-in.
const (
	fieldUsername = "username"
	fieldEmail    = "email"
	fieldPassword = "password"
	fieldReturnTo = "return_to"
)

// typed are the fields that nobody puts into an address.
var typed = spelt{fieldUsername, fieldEmail, fieldPassword}

// credentials are what somebody typed, or a program sent. The name may come in
// either of two fields.
type credentials struct {
	Username string `json:"username"`
	Email    string `json:"email"`
	Password string `json:"password"`
	returnTo string
	form     bool
}

// name is the sign-in name, as it was typed.
func (c credentials) name() string {
	if c.Username != "" {
		return c.Username
	}
	return c.Email
}

// read is the sign-in name as login.ReadName has it, where somebody may be asked
// about it and the password. The error holds nothing of them.
func (c credentials) read() (name string, err error) {
	name, err = login.ReadName(c.name())
	switch {
	case err != nil:
		return "", err
	case c.Password == "":
		return "", errors.New("no password was typed")
	case len(c.Password) > login.MaxPassword:
		return "", fmt.Errorf("what was typed for a password is longer than %d bytes", login.MaxPassword)
	}
	return name, nil
}

// check refuses what says two things: the one would be counted, or logged in
// front of us, and the other let in.
func (c credentials) check(r *http.Request) *refusal.Refusal {
	switch {
	case typed.inQuery(r.URL.RawQuery):
		return refusal.InAddress
	case c.Username != "" && c.Email != "" && c.Username != c.Email:
		return refusal.TwoNames
	}
	return nil
}

func readCredentials(r *http.Request) (given credentials, why *refusal.Refusal) {
	switch mediaType(r) {
	case mediaJSON:
		why = readJSON(r, &given, typed...)
	case mediaForm:
		given, why = readForm(r)
	default:
		why = refusal.Media
	}
	if why == nil {
		why = given.check(r)
	}
	return given, why
}

func readForm(r *http.Request) (credentials, *refusal.Refusal) {
	if err := r.ParseForm(); err != nil {
		return credentials{form: true}, refuseBody(err)
	}
	given := credentials{
		Username: only(r.PostForm, fieldUsername),
		Email:    only(r.PostForm, fieldEmail),
		Password: only(r.PostForm, fieldPassword),
		returnTo: only(r.PostForm, fieldReturnTo),
		form:     true,
	}
	return given, append(spelt{fieldReturnTo}, typed...).of(r.PostForm)
}

// returnToOf is where the address asks to be led back to.
func returnToOf(r *http.Request) string { return only(r.URL.Query(), fieldReturnTo) }
