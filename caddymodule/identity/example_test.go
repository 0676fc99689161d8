package identity_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"

	"example.com/sidegate/caddymodule/identity"
)

// What a client claims to be goes, whoever is calling; what its session says
// comes in its place.
func Example() {
	set, err := identity.NewSet("native")
	if err != nil {
		fmt.Println(err)
		return
	}
	stripper := identity.NewStripper("Tenant-Id") // an operator's own header
	rendered := set.Render(identity.Values{       // once a session
		UserID: "7", Email: "ada@example.com", Roles: []string{"editor", "réviseur"},
	})

	h := http.Header{ // of a request
		"Accept":          {"text/html"},
		"X-Session-Email": {"root@example.com"},
		"X_session_roles": {"admin"}, // the same header to an app behind CGI or WSGI
		"Tenant-Id":       {"globex"},
	}
	stripper.Strip(h)
	fmt.Println(h)

	rendered.Inject(h)
	for _, name := range slices.Sorted(maps.Keys(h)) {
		fmt.Println(name+":", h.Get(name))
	}
	// Output:
	// map[Accept:[text/html]]
	// Accept: text/html
	// X-Session-Email: ada@example.com
	// X-Session-Roles: editor,r%C3%A9viseur
	// X-Session-User-Id: 7
}

// A credential that is there twice is nobody's: a sibling subdomain may have
// set one of them.
func ExampleFindCookie() {
	lines := []string{"theme=dark; sidegate=abc", "sidegate=def"}
	value, count := identity.FindCookie(lines, "sidegate")
	fmt.Println(value, count)
	// Output: abc 2
}

func ExampleCookies() {
	for name, value := range identity.Cookies([]string{`theme=dark; name="Ada"; seen`}) {
		fmt.Printf("%s is %q\n", name, value)
	}
	// Output:
	// theme is "dark"
	// name is "Ada"
	// seen is ""
}

func ExampleRemoveCookie() {
	h := http.Header{"Cookie": {"theme=dark; sidegate=abc; sidegate-attempt-1=x; lang=en"}}
	identity.RemoveCookie(h, "sidegate", "sidegate-attempt-")
	fmt.Println(h.Get("Cookie"))
	// Output: theme=dark; lang=en
}
