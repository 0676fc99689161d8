package caller

import (
	"net/http"

	"example.com/sidegate/caddymodule/identity"
	"example.com/sidegate/caddymodule/origin"
)

// IsPreflight reports whether a browser asks whether a page of another origin may
// send a request (Fetch section 4.8). Browsers ask without credentials, without a
// body and with no header of the page's: what tells an app to take another method is
// no such question, whatever it says of itself, for the app would do what it tells.
func IsPreflight(r *http.Request) bool {
	if r.Method != http.MethodOptions || !origin.IsPreflight(r) {
		return false
	}
	for name := range r.Header {
		if identity.MethodOverrides.Has(name) {
			return false
		}
	}
	_, overrides := identity.WithoutOverride(r.URL.RawQuery)
	return !overrides
}
