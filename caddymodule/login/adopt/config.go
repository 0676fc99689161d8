package adopt

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/source"
)

// DefaultTimeout bounds the other gateway's answer: somebody waits for a page. More
// than MaxTimeout nobody waits.
const (
	DefaultTimeout = 3 * time.Second
	MaxTimeout     = 10 * time.Second
)

// Config says whose people are taken over, and how.
type Config struct {
	// Name is the login's name.
	Name string
	// URL is the other gateway's own endpoint that says who somebody is: https, or at
	// a loopback address.
	URL string
	// Cookies are the names of that gateway's cookies. At least one.
	Cookies []string
	// Headers are names of further headers of the request that it is sent.
	Headers []string
	// Until is when that ends.
	Until time.Time
	// Domains are those that the people's email addresses may be of.
	Domains profile.Domains
	// Timeout bounds the answer, MaxTimeout at most. Zero means DefaultTimeout.
	Timeout time.Duration
	// RootCAs vouch for the gateway; nil means those of the system.
	RootCAs *x509.CertPool
	// Mapper fills the person from the answer; nil leaves it at what the answer says
	// in headers of oauth2-proxy and Authelia.
	Mapper Mapper
	// Subject fills the Name of an empty person with what the person is known by; nil:
	// that is the email address.
	Subject Mapper
	// As makes the person one of another login; nil: they are this login's.
	As As
	// Transport is how it is asked; nil makes one of RootCAs.
	Transport http.RoundTripper
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Mapper fills a person from facts; see mapping.Mapping.
type Mapper interface {
	Apply(*profile.Person, profile.Facts) error
}

func (c Config) withDefaults() Config {
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	if c.Transport == nil {
		c.Transport = source.NewTransport(c.RootCAs)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// addressOf reads the URL. What it is sent signs people in, so it goes over TLS or
// stays on this machine.
func addressOf(raw string) (*url.URL, error) {
	address, err := source.ParseAddress(raw)
	if err != nil {
		return nil, err
	}
	u, err := address.Expand(nil)
	if err != nil {
		return nil, err
	}
	if u.Scheme != "https" && !isLoopback(u.Hostname()) {
		return nil, fmt.Errorf("%s://%s is neither https nor a loopback address, and what it is sent signs people in: "+
			"ask it over https, or at 127.0.0.1; of another container, share the network namespace with it (network_mode \"service:...\", or one pod), or "+
			"have a forward at 127.0.0.1 lead to it", u.Scheme, u.Host)
	}
	return u, nil
}

func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && addr.IsLoopback()
}

// ErrOver says that Until has passed.
var ErrOver = errors.New("nobody is adopted any more: until has passed")

// ParseUntil reads a day, which it ends with (UTC), or a moment of RFC 3339.
func ParseUntil(text string) (time.Time, error) {
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.AddDate(0, 0, 1), nil
	}
	until, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return until, fmt.Errorf("until %q is no date: write 2027-03-31, which is that day to its end (UTC), or 2027-03-31T18:00:00Z", text)
	}
	return until.UTC(), nil
}
