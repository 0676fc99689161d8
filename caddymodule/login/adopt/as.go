package adopt

import (
	"context"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// As makes somebody whom the other gateway knows a person of a login: what that login
// makes of them, with its number and its word for them, at once and at every refresh.
type As func(context.Context, *profile.Person) (login.Method, *profile.Person, error)

// Knower is a login that keeps its people itself.
type Knower interface {
	login.Method
	// Known returns the person of that sign-in name.
	Known(name string) (*profile.Person, error)
}

// AsKnown is for a login that keeps its people itself: who is not among them, or is
// disabled, is nobody.
func AsKnown(m Knower) As {
	return func(_ context.Context, p *profile.Person) (login.Method, *profile.Person, error) {
		known, err := m.Known(p.Subject)
		return m, known, err
	}
}

// AsClaimed is for an OpenID provider: what the other gateway says stands for the
// claims of a sign-in there, of whom the subject is.
func AsClaimed(m login.Rebuilder, issuer string) As {
	return func(ctx context.Context, p *profile.Person) (login.Method, *profile.Person, error) {
		claims := map[string]any{"iss": issuer, "sub": p.Subject, "email": p.Email, "email_verified": true}
		for name, value := range map[string]string{"name": p.Name, "preferred_username": p.Username} {
			if value != "" {
				claims[name] = value
			}
		}
		if p.Roles != nil {
			groups := make([]any, len(p.Roles))
			for i, role := range p.Roles {
				groups[i] = role
			}
			claims["groups"] = groups
		}
		return rebuilt(ctx, m, p, profile.Facts{"token": claims})
	}
}

// AsTyped is for an app's own login: the other gateway's answer stands for the app's,
// and the subject for what was typed.
func AsTyped(m login.Rebuilder) As {
	return func(ctx context.Context, p *profile.Person) (login.Method, *profile.Person, error) {
		said, _ := p.Kept.Facts[factLogin].(map[string]any)
		return rebuilt(ctx, m, p, profile.Facts{factLogin: map[string]any(profile.Facts(said).With("username", p.Subject))})
	}
}

// rebuilt asks the login as it is asked at a refresh.
func rebuilt(ctx context.Context, m login.Rebuilder, p *profile.Person, facts profile.Facts) (login.Method, *profile.Person, error) {
	kept, err := (&profile.Kept{Facts: facts}).Encode()
	if err != nil {
		return m, nil, err
	}
	known, err := m.Rebuild(ctx, &sessionstore.Session{
		Method: m.Name(), Subject: p.Subject, User: sessionstore.UserSession{Email: p.Email}, Kept: kept,
	})
	return m, known, err
}
