package origin

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// Sites says which site a request is for, and which tokens are good there. It is
// filled in while a configuration is read, and never changes after that.
//
// A site is an origin; the names of one site block are one site, if scheme and
// port are the same. Each host that only a wildcard covers is a site of its own:
// there often stand pages of people who do not know each other.
type Sites struct {
	// Public is the one site of the whole configuration, whatever Host says;
	// none: each request's own.
	Public Origin
	// Audience are sites where the tokens of all sites are good.
	Audience []Origin

	servers map[*caddyhttp.Server]*served
}

// Of is the site of a request as browsers see it.
func (s *Sites) Of(r *http.Request) Origin {
	if s.Public != (Origin{}) {
		return s.Public
	}
	return Of(r)
}

// Plain reports whether a browser came over plain http, and so keeps no Secure
// cookie (W3C Secure Contexts section 3.1: what is local is as good as https):
// the site is such a one, or a proxy that is believed says so, or the page of
// this host that the request is from has such an address. What browsers say over
// TLS alone counts for more.
func (s *Sites) Plain(r *http.Request) bool {
	here := s.Of(r)
	switch {
	case here.Local():
		return false
	case here.Scheme == plain:
		return true
	case r.Header.Get("Sec-Fetch-Site") != "":
		return false
	}
	if scheme, sure := schemeOf(r); sure {
		return scheme == plain
	}
	return plainPage(r.Header.Get("Origin"), here) || plainPage(r.Referer(), here)
}

// plainPage reports whether an address is one of that host over plain http.
func plainPage(address string, site Origin) bool {
	page, err := url.Parse(address)
	return err == nil && page.Scheme == plain && strings.EqualFold(page.Hostname(), site.Hostname())
}

// Takes reports whether a token of that site is good at the request's.
func (s *Sites) Takes(r *http.Request, site string) bool {
	here := s.Of(r)
	if s.Public == (Origin{}) && s.astray(r, here) {
		return false
	}
	return here.Is(site) || slices.Contains(s.Audience, here) || s.joined(r, here, site)
}

// Elsewhere is a token that came to another site than it is good at.
type Elsewhere struct {
	Token string // where it is good
	Here  string // where it came
}

// Error says where it is good and where it came.
func (e *Elsewhere) Error() string { return "a token of " + e.Token + " came to " + e.Here }

// Refuse is Takes that says what was compared; nil: the token is good here.
func (s *Sites) Refuse(r *http.Request, site string) *Elsewhere {
	if s.Takes(r, site) {
		return nil
	}
	return &Elsewhere{cut(site), cut(s.Of(r).String())}
}

// joined reports whether a site block has both names.
func (s *Sites) joined(r *http.Request, here Origin, site string) bool {
	scheme, host, ok := strings.Cut(site, "://")
	if !ok || scheme != here.Scheme {
		return false
	}
	server, ok := s.servers[serverOf(r)]
	if !ok {
		return false
	}
	name, port := split(here.Host)
	other, otherPort := split(host)
	one, two := server.names[name], server.names[other]
	return one != 0 && one == two && port == otherPort
}

// astray reports whether Host names a port that another server of this
// configuration listens at, and not this one. No browser sends that: somebody
// takes a token of the site there to the one here, and gives that one's name.
func (s *Sites) astray(r *http.Request, here Origin) bool {
	_, port := split(here.Host)
	if port == "" || len(s.servers) < 2 {
		return false
	}
	this := serverOf(r)
	if known := s.servers[this]; known == nil || known.listens(port) {
		return false
	}
	for server, known := range s.servers {
		if server != this && known.listens(port) {
			return true
		}
	}
	return false
}

func serverOf(r *http.Request) *caddyhttp.Server {
	server, _ := r.Context().Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server)
	return server
}
