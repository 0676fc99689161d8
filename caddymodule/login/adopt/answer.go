package adopt

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/source"
)

// maxBody is the longest body of an answer, in bytes: it tells of one person.
const maxBody = 32 << 10

// factLogin is the name by which expressions know the answer.
const factLogin = "login"

// factOf is the answer as expressions see it: its status, its headers by their
// names in small letters, and its body where that is JSON. Cookies that it sets are
// not for us.
func factOf(a source.Answer) map[string]any {
	header := make(map[string]any, len(a.Header))
	for name, values := range a.Header {
		if name != "Set-Cookie" {
			header[strings.ToLower(name)] = strings.ToValidUTF8(strings.Join(values, ", "), "\uFFFD")
		}
	}
	fact := map[string]any{"status": int64(a.Status), "header": header}
	if body, err := profile.DecodeFact(a.Body); err == nil && body != nil {
		fact["body"] = body
	}
	return fact
}

// judge is nil where the other gateway knows somebody, login.ErrUnknown where it
// does not, and anything else where that cannot be told: redirects are how it leads
// people to its own login page.
func (l *Login) judge(status int, err error) error {
	switch {
	case status == http.StatusUnauthorized, status == http.StatusForbidden, status >= 300 && status <= 399:
		return fmt.Errorf("%w: %s answers %d", login.ErrUnknown, l.shown, status)
	case err != nil:
		return err
	case status >= 200 && status <= 299:
		return nil
	}
	return fmt.Errorf("%s answers %d: %s", l.shown, status, hintOf(status))
}

// hintOf says what may be the matter with an answer that is neither yes nor no.
func hintOf(status int) string {
	switch {
	case status >= 500:
		return "it is in trouble itself: its own log says why"
	case status == http.StatusTooManyRequests:
		return "it is asked more often than it takes: raise its limit for this gateway"
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed, status == http.StatusGone:
		return "is that the address where it says who somebody is?"
	case status >= 400:
		return "it does not take the question: Authelia answers so where the site is asked for without https (say `public_url https://...` where TLS ends in front of it, " +
			"or `trusted_proxies`), or where the host is in none of the domains of its session.cookies"
	}
	return "that says neither who somebody is nor that it is nobody"
}

// Silent is trouble of another gateway that was asked and has not said who somebody
// is: it had the work of the question.
type Silent struct{ Err error }

// Error is that of Err.
func (s *Silent) Error() string { return s.Err.Error() }

// Unwrap is Err.
func (s *Silent) Unwrap() error { return s.Err }

// silent makes a *Silent of what is neither a no, nor of a gateway that cannot be
// reached.
func silent(asked bool, err error) error {
	if !asked || errors.Is(err, login.ErrUnknown) || errors.Is(err, source.ErrNotReached) {
		return err
	}
	return &Silent{err}
}

// errTooLarge is for what is no word about one person.
var errTooLarge = errors.New("the answer's body is larger than 32 KiB")

// errNobody is for an answer that lets somebody pass and does not say whom, as
// gateways do where they let everybody pass.
var errNobody = fmt.Errorf("%w: the answer says of no email address whose it is: let the other gateway send it, or map it", login.ErrUnknown)

// person makes of an answer who somebody is.
func (l *Login) person(a source.Answer) (*profile.Person, error) {
	p, err := l.mapped(&profile.Kept{Facts: profile.Facts{factLogin: factOf(a)}})
	switch {
	case err != nil:
		return nil, err
	case p.Email == "":
		err = &login.Unclear{Err: errNobody}
	default:
		err = l.config.Domains.Admit(p.Email)
	}
	return p, concerning(p, err)
}

// concerning says of an error whom it is about, as far as the answer does.
func concerning(p *profile.Person, err error) error {
	return profile.Concerning(err, p.Email, p.Username)
}

// mapped fills the person from the facts that are kept.
func (l *Login) mapped(kept *profile.Kept) (*profile.Person, error) {
	p := &profile.Person{Kept: kept}
	fact, _ := kept.Facts[factLogin].(map[string]any)
	header, _ := fact["header"].(map[string]any)
	fill(p, header)
	if l.config.Mapper != nil {
		if err := l.config.Mapper.Apply(p, kept.Facts); err != nil {
			return nil, err
		}
	}
	email, err := profile.NormalizeEmail(p.Email)
	if err != nil {
		p.Email = "" // of nobody
		return p, nil
	}
	p.Email, p.Subject = email, email
	if l.config.Subject == nil {
		return p, nil
	}
	by := &profile.Person{Email: p.Email, Username: p.Username}
	if err := l.config.Subject.Apply(by, kept.Facts); err != nil {
		return nil, err
	}
	if p.Subject = by.Name; p.Subject == "" {
		return nil, concerning(p, &profile.Unmapped{Err: errors.New("map subject gives none")})
	}
	return p, nil
}

// fill takes what oauth2-proxy and Authelia say in headers, before any expression
// does. Roles are not among it: what another gateway calls a group gives nobody
// anything here unless the configuration says so.
func fill(p *profile.Person, header map[string]any) {
	first := func(names ...string) string {
		for _, name := range names {
			if value, _ := header[name].(string); value != "" {
				return value
			}
		}
		return ""
	}
	p.Email = first("x-auth-request-email", "remote-email")
	p.Username = first("x-auth-request-preferred-username", "remote-user")
	p.Name = first("remote-name")
}

// Found is whom the other gateway knows: a person of that login.
type Found struct {
	Method login.Method
	Person *profile.Person
	// Email is their address there.
	Email string
}

// found makes the person one of another login, where that is configured.
func (l *Login) found(ctx context.Context, p *profile.Person) (Found, error) {
	if l.config.As == nil {
		return Found{l, p, p.Email}, nil
	}
	method, known, err := l.config.As(ctx, p)
	return Found{method, known, p.Email}, concerning(p, err)
}
