package app

import (
	"crypto/x509"
	"errors"
	"net/http"
	"time"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/profile/mapping"
	"example.com/sidegate/caddymodule/source"
)

// The kinds of body that an app's login reads.
const (
	BodyJSON = "json"
	BodyForm = "form"
)

// DefaultTimeout is how long an app may take to answer a sign-in.
const DefaultTimeout = 5 * time.Second

// Mapper fills a person from facts: a *mapping.Mapping. Its errors are a
// *profile.Refused where a demand does not hold, else trouble.
type Mapper interface {
	Apply(person *profile.Person, facts profile.Facts) error
}

// Config is one app's own login as the operator wrote it, with its secrets
// resolved.
type Config struct {
	// Name is the method's name in the configuration.
	Name string
	// URL is the app's login API, http or https.
	URL string
	// Body is BodyJSON or BodyForm. Empty means BodyJSON.
	Body string
	// Fields are the names and values of what is sent, in order. In a value,
	// {login.username} and {login.password} stand for what was typed. Empty
	// means email and password.
	Fields [][2]string
	// Headers go with each request.
	Headers http.Header
	// Timeout bounds the whole call. Not positive means DefaultTimeout.
	Timeout time.Duration
	// Success says whether the app let the person in, by the variable login:
	// status, body where it is JSON, location where it is a redirect, and username,
	// what was typed. Nil
	// means any status 2xx whose body is not a web page: many apps answer a
	// wrong password with 200 and their form again.
	//
	// Where it is given it decides on 2xx, and on what login forms answer with:
	// 302, 303 and 400. Redirects are never followed; for an app that answers
	// a good password with one, say how to tell, such as
	// `login.status == 302 && login.location == "/home"`. On any other status
	// it can only let the person in: where it does not, that is trouble.
	Success *mapping.Condition
	// Mapper fills the person; nil maps nothing.
	Mapper Mapper
	// TellsEmail says that the Mapper fills the email address, so that what was
	// typed is none.
	TellsEmail bool
	// TakesNames says that the Mapper fills it also of who signs in by a name that
	// is no address; where it does not, such a name is nobody's.
	TakesNames bool
	// KeepCookies keeps the cookies that the app sets, to be given back to it.
	// CookieNames are those that it keeps, whatever they are; none means those that
	// are HttpOnly.
	KeepCookies bool
	CookieNames []string
	// Seen is what is known of the app's cookies, which may be that of a
	// configuration before. Nil: nothing yet.
	Seen *Seen
	// Logout is the app's address for sign-outs, http or https. Empty: it is told
	// of none.
	Logout string
	// RootCAs are those that the app's certificate is verified with; nil means
	// the system's.
	RootCAs *x509.CertPool
	// Transport replaces the login's own one, and with it RootCAs. Optional.
	Transport http.RoundTripper
	// Now is the clock that cookies expire by. Nil means time.Now.
	Now func() time.Time
}

// withDefaults checks what does not belong to another part.
func (c Config) withDefaults() (Config, error) {
	if c.Name == "" {
		return c, errors.New("has no name: give it one, which sessions remember it by")
	}
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Transport == nil {
		c.Transport = source.NewTransport(c.RootCAs)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Seen == nil {
		c.Seen = new(Seen)
	}
	var err error
	c.Headers, err = source.CleanHeaders(c.Headers)
	return c, err
}
