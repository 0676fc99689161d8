package web

import "net/http"

// Unreadable is the page for whom was signed in, and whose session is there and
// cannot be read. It offers to end that session and sign in again, by a form,
// because a mere link could be followed by a prefetch or planted elsewhere.
type Unreadable struct {
	// Base is the configured base_path, such as /auth.
	Base string
	// ReturnTo is where signing in leads back to. The caller has checked that
	// it may. Empty means the front page.
	ReturnTo string
}

// Write answers 503 with the page.
func (u Unreadable) Write(w http.ResponseWriter, v View) {
	page{name: "unreadable", data: u, status: http.StatusServiceUnavailable, script: takeAlong}.write(w, v)
}

// StartedOver is the page that leads to the login page at once when such a
// session is over. It stands in for a redirect where that would go on to a
// provider, which the policy of the form's page does not allow.
type StartedOver struct {
	// To is the login page, with where it leads back to.
	To string
}

// Write answers 200 with the page.
func (s StartedOver) Write(w http.ResponseWriter, v View) {
	page{name: "startedover", data: s, status: http.StatusOK}.write(w, v)
}

// Relayed is the page that leads to the login page at once where a redirect would come
// to nothing: a script has asked for the page, and whoever follows redirects for it
// may not show where they lead in its place (Fetch section 4.3, "redirect mode").
type Relayed struct {
	// To is the login page, with where it leads back to.
	To string
}

// Write answers 401 with the page.
func (p Relayed) Write(w http.ResponseWriter, v View) {
	page{name: "startedover", data: p, status: http.StatusUnauthorized}.write(w, v)
}
