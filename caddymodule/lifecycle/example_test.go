package lifecycle_test

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
	methods "example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
)

// passport is a login: it can say again who somebody is.
type passport struct{ roles []string }

func (passport) Name() string { return "passport" }

func (p *passport) person() *profile.Person {
	return &profile.Person{ID: 7, Email: "ada@example.com", Roles: p.roles}
}

func (p *passport) Rebuild(context.Context, *sessionstore.Session) (*profile.Person, error) {
	return p.person(), nil
}

// printer prints what happens.
type printer struct{}

func (printer) Happened(e lifecycle.Event) {
	fmt.Printf("happened: %s\n", strings.TrimSpace(string(e.Kind)+" "+e.Result))
}

func (printer) Trouble(_ context.Context, what string, err error) { fmt.Println("trouble:", what, err) }

// A session is begun for somebody whom a login has found, built anew when what
// the login says has changed, and ended.
func Example() {
	ctx := context.Background()
	roles, err := profile.NewRoles([]profile.Role{{Name: "editor", Permissions: []string{"orders:write"}}})
	if err != nil {
		fmt.Println(err)
		return
	}
	login := &passport{roles: []string{"viewer"}}
	sessions := lifecycle.New(lifecycle.Config{
		Store: memory.New(nil), Logins: []methods.Method{login}, Roles: roles,
		Lifetime: 12 * time.Hour, IdleTimeout: time.Hour, Events: printer{}, Now: time.Now,
	})

	s, secret, err := sessions.Begin(ctx, login, login.person(), lifecycle.Arrival{Address: netip.MustParseAddr("192.0.2.1")})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("the secret names the session:", secret.Key() == s.Key, s.User.FlatRolesList)

	login.roles = []string{"editor"}
	if s, err = sessions.Refresh(ctx, s); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("built anew:", s.User.FlatRolesList, s.User.FlatPermissionsList)

	if err := sessions.End(ctx, s.Key); err != nil {
		fmt.Println(err)
	}
	_, err = sessions.Refresh(ctx, s)
	fmt.Println("after its end:", err)
	// Output:
	// happened: began
	// the secret names the session: true [viewer]
	// happened: rights changed roles +["editor"] -["viewer"], permissions +["orders:write"]
	// happened: refreshed built
	// built anew: [editor] [orders:write]
	// happened: session ended device
	// happened: refreshed ended
	// after its end: the session has ended
}
