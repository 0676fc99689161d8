package caddymodule

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/profile/mapping"
)

// ruled is a login or a directory that says what it makes of the people it is
// asked about. It leaves out how it asks, and every credential: those may change
// and say the same of everybody.
type ruled interface{ rules() any }

func (o *OIDCLogin) rules() any {
	rules := []any{o.asked, o.TrustUnverifiedEmail, o.MapConfig}
	if o.NoUserInfo { // only then, so that the rules of all others are what they were
		rules = append(rules, "userinfo off")
	}
	return rules
}

func (a *AppLogin) rules() any { return []any{a.asked, a.MapConfig} }

func (a *AdoptLogin) rules() any { return []any{a.asked, a.Subject, a.MapConfig} }

func (h *HTTPDirectory) rules() any { return []any{h.Name, h.asked, h.Optional, h.MapConfig} }

// asking is a login that asks somebody, and says whom: a provider, an app.
type asking interface{ asks() string }

func (o *OIDCLogin) asks() string { return o.asked }

func (a *AppLogin) asks() string { return hostOf(a.asked) }

// hostOf is the host of an address, or all of it where it has none.
func hostOf(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Host
	}
	return address
}

func (a *AdoptLogin) asks() string { return hostOf(a.asked) }

// placeOf is an address without its query, which may hold a credential: an
// environment that names another place is another configuration, though it says
// the same.
func placeOf(address string) string {
	place, _, _ := strings.Cut(address, "?")
	return place
}

// sources are digests of whom each login asks: one that has only its name from
// another does not vouch for that one's people.
func (a *App) sources() map[string]string {
	sources := make(map[string]string, len(a.logins))
	for _, l := range a.logins {
		source := string(l.CaddyModule().ID)
		if asks, ok := l.(asking); ok {
			source += "\x00" + asks.asks()
		}
		sources[l.Name()] = digestOf([]byte(source))
	}
	return sources
}

// rules are digests of what the configuration says of the people of each login:
// a session that was built under others is not as it would be built here.
func (a *App) rules() (map[string]string, error) {
	digests := make(map[string]string, len(a.logins))
	for _, l := range a.logins {
		var own any
		if r, ok := l.(ruled); ok {
			own = r.rules()
		}
		text, err := json.Marshal([]any{1, a.Roles, a.asked, a.domains[l.Name()], own})
		if err != nil {
			return nil, fmt.Errorf("the rules of login %s cannot be told from others: %w", l.Name(), err)
		}
		digests[l.Name()] = digestOf(text)
	}
	return digests, nil
}

// digestOf stands for a text in sessions: 96 bits, of which nobody can find
// another that matches.
func digestOf(text []byte) string {
	sum := sha256.Sum256(text)
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// methods are the logins as those know them who need no module.
func (a *App) methods() []login.Method {
	methods := make([]login.Method, len(a.logins))
	for i, l := range a.logins {
		methods[i] = l
	}
	return methods
}

// EmailConfig is what a login says of its people's email addresses.
type EmailConfig struct {
	// EmailDomains are the domains that the addresses of the login's people may
	// be of: example.com, or *.example.com for all below it. Others are refused,
	// at sign-in and when their session is built anew. Default: any.
	EmailDomains []string `json:"email_domains,omitempty"`
}

// addressed is a login that says so.
type addressed interface{ emailDomains() []string }

func (c *EmailConfig) emailDomains() []string { return c.EmailDomains }

// readDomains reads the domains of every login.
func (o *LoginOptions) readDomains() error {
	o.domains = make(map[string]profile.Domains)
	for _, l := range o.logins {
		a, ok := l.(addressed)
		if !ok {
			continue
		}
		domains, err := profile.ParseDomains(a.emailDomains())
		if err != nil {
			return fmt.Errorf("login %s: email_domains: %w", l.Name(), err)
		}
		o.domains[l.Name()] = domains
	}
	return nil
}

// isTyped reports whether the field of a person may be what they have typed, or be
// made of it: an app's own login lets people in by any name that it knows, and its
// mallory may be called root@example.com.
func (a *AppLogin) isTyped(field string) bool {
	return a.mapper.Carries(field, "login", "username", "subject", "username", "email")
}

// refuseTypedIdentity finds a directory that would be asked about whoever a
// person at a login app says that they are, or would decide by it.
func (o *LoginOptions) refuseTypedIdentity(h *HTTPDirectory) error {
	m, err := h.compile(directoryVariables...)
	if err != nil {
		return err
	}
	for _, l := range o.logins {
		a, ok := l.(*AppLogin)
		if !ok || a.TrustTypedEmail {
			continue
		}
		if m.Reads("login", "username") {
			return typedIn(h.Name, "decides by login.username", a.Name(), "decide by identity.email")
		}
		for _, field := range append(mapping.Fields(), "subject") {
			switch {
			case !a.isTyped(field):
			case strings.Contains(h.URL, "{identity."+field+"}"):
				return typedIn(h.Name, "is asked by {identity."+field+"}", a.Name(), "ask by {identity.email}")
			case m.Reads("identity", field):
				return typedIn(h.Name, "decides by identity."+field, a.Name(), "decide by identity.email")
			}
		}
	}
	return nil
}

func typedIn(directory, does, login, instead string) error {
	return fmt.Errorf("directory %s %s, which at login %s is what people type: "+
		"whoever has an account of any name there could be anybody here. Map the email that the app answers with "+
		"(`email` in the block `map`, not made of what was typed) and %s; or say `trust_typed_email` in login %s if the app "+
		"lets people in by their own address alone", directory, does, login, instead, login)
}
