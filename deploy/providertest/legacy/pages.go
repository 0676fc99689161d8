package legacy

import (
	"net/http"
	"slices"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

// PublicPath is the one page that is for everybody.
const PublicPath = "/healthz"

// Seen is a request as it came to the app.
type Seen struct {
	Method string      `json:"method"`
	Path   string      `json:"path"`
	Header http.Header `json:"header"`
}

// Page is what every page answers: who it is for, by which credential ("token"
// or "cookie"), and the request.
type Page struct {
	User string `json:"user,omitempty"`
	By   string `json:"by,omitempty"`
	Seen
}

// mostSeen bounds what is remembered: a benchmark may run in front of the app.
const mostSeen = 1000

// Requests are the last 1000 requests that came, the latest last, logins
// included.
func (a *App) Requests() []Seen {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.seen)
}

func (a *App) note(r *http.Request) Seen {
	seen := Seen{r.Method, r.URL.Path, r.Header.Clone()}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.seen = append(a.seen[max(0, len(a.seen)-mostSeen+1):], seen)
	return seen
}

// page shows the request to whoever has the app's JWT or its cookie. It does
// not believe any identity header: what opens it proves that the gateway gave
// the app's own credential back.
func (a *App) page(w http.ResponseWriter, r *http.Request) {
	p := Page{Seen: a.note(r)}
	if r.URL.Path == PublicPath {
		writeJSON(w, http.StatusOK, p)
		return
	}
	if p.User, p.By = a.who(r); p.User == "" {
		writeJSON(w, http.StatusUnauthorized, p)
		return
	}
	writeJSON(w, http.StatusOK, p)
}

// who reads the credentials; a wrong token is not made good by a cookie.
func (a *App) who(r *http.Request) (email, by string) {
	if raw, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		email, by = a.ofToken(raw), "token"
	} else if c, err := r.Cookie(CookieName); err == nil {
		email, by = a.ofCookie(c.Value), "cookie"
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if u, known := a.users[email]; !known || u.Active != "Y" {
		return "", ""
	}
	return email, by
}

func (a *App) ofToken(raw string) string {
	var claims struct {
		Email string `json:"email"`
		jwt.RegisteredClaims
	}
	_, err := jwt.ParseWithClaims(raw, &claims, func(*jwt.Token) (any, error) { return a.key, nil },
		jwt.WithValidMethods([]string{"HS256"}), jwt.WithExpirationRequired())
	if err != nil {
		return ""
	}
	return claims.Email
}

func (a *App) ofCookie(value string) string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.sessions[value]
}
