package directory

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"example.com/sidegate/caddymodule/profile/mapping"
	"example.com/sidegate/caddymodule/source"
)

// The defaults of a Config.
const (
	DefaultTimeout = 2 * time.Second
	DefaultRetries = 2
	maxRetries     = 10
)

// Config is one directory as the operator wrote it, with its secrets resolved.
type Config struct {
	// Name is what expressions know its answer by: directory.<name>.
	Name string
	// URL is what is asked: http or https, with {identity.email},
	// {identity.id}, {identity.subject} and {identity.name} in its path or its
	// query, never in its scheme or host.
	URL string
	// Headers go with each request. Accept: application/json unless given.
	Headers http.Header
	// BasicUser and BasicPassword are the credentials of RFC 7617; both empty
	// for none.
	BasicUser, BasicPassword string
	// Timeout bounds the whole of asking, all attempts included. Not positive
	// means DefaultTimeout.
	Timeout time.Duration
	// Retries is how many attempts may follow the first one. Zero means
	// DefaultRetries, below zero none.
	Retries int
	// Optional makes trouble, and a person who is not known there, an empty
	// answer. An answer about somebody else is an error all the same.
	Optional bool
	// RootCAs are those that its certificate is verified with; nil means the
	// system's.
	RootCAs *x509.CertPool
	// Now is the clock that a date in Retry-After is read by. Nil means
	// time.Now.
	Now func() time.Time
	// Mapping is what Consult fills the person with; nil maps nothing.
	Mapping *mapping.Mapping
	// Report is told of the trouble of an optional directory, for the log. It
	// is called while Consult runs, one call at a time. Nil for nobody.
	Report func(name string, err error)
}

// withDefaults checks the configuration. Its errors name what is wrong, and
// never show a value: it may be a secret.
func (c Config) withDefaults() (Config, error) {
	if c.Name == "" {
		return c, errors.New("has no name: give it one, which expressions know its answer by")
	}
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	switch {
	case c.Retries == 0:
		c.Retries = DefaultRetries
	case c.Retries < 0:
		c.Retries = 0
	case c.Retries > maxRetries:
		return c, fmt.Errorf("has %d retries: %d at most", c.Retries, maxRetries)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	headers, err := source.CleanHeaders(c.Headers)
	c.Headers = headers
	if err == nil {
		err = c.checkCredentials()
	}
	return c, err
}

func (c Config) checkCredentials() error {
	if strings.Contains(c.BasicUser, ":") {
		return errors.New("has a colon in its basic user: everything behind it would be read as password (RFC 7617 section 2)")
	}
	if c.isBasic() && c.Headers.Get("Authorization") != "" {
		return errors.New("has both basic credentials and an Authorization header: keep one of them")
	}
	return nil
}

func (c Config) isBasic() bool { return c.BasicUser != "" || c.BasicPassword != "" }
