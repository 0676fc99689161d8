package caddymodule

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"

	"example.com/sidegate/caddymodule/login"
)

// ruled is a login or a directory that says what it makes of the people it is
// asked about. It leaves out how it asks, and every credential: those may change
// and say the same of everybody.
type ruled interface{ rules() any }

func (o *OIDCLogin) rules() any {
	return []any{o.Issuer, o.TrustUnverifiedEmail, o.MapConfig}
}

func (a *AppLogin) rules() any { return []any{a.URL, a.MapConfig} }

func (h *HTTPDirectory) rules() any { return []any{h.Name, h.URL, h.Optional, h.MapConfig} }

// asking is a login that asks somebody, and says whom: a provider, an app.
type asking interface{ asks() string }

func (o *OIDCLogin) asks() string { return o.Issuer }

func (a *AppLogin) asks() string {
	if u, err := url.Parse(a.URL); err == nil && u.Host != "" {
		return u.Host
	}
	return a.URL
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
		sum := sha256.Sum256([]byte(source))
		sources[l.Name()] = base64.RawURLEncoding.EncodeToString(sum[:12])
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
		text, err := json.Marshal([]any{1, a.Roles, a.asked, own})
		if err != nil {
			return nil, fmt.Errorf("the rules of login %s cannot be told from others: %w", l.Name(), err)
		}
		sum := sha256.Sum256(text)
		digests[l.Name()] = base64.RawURLEncoding.EncodeToString(sum[:12])
	}
	return digests, nil
}

// methods are the logins as those know them who need no module.
func (a *App) methods() []login.Method {
	methods := make([]login.Method, len(a.logins))
	for i, l := range a.logins {
		methods[i] = l
	}
	return methods
}
