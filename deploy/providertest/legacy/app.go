// Package legacy is an existing app with a login of its own, for tests: it
// keeps a cookie session, hands out a JWT, and answers as old databases do,
// with string ids, 'Y' and 'N', SQL dates and lists with commas. It knows
// nothing of the gateway.
package legacy

import (
	"crypto/rand"
	"fmt"
	"net/http"
	"sync"

	"example.com/sidegate/deploy/providertest/fault"
	"example.com/sidegate/deploy/providertest/loopback"
)

// CookieName is the app's own session cookie.
const CookieName = "LEGACYSESSID"

// Config is how an app begins.
type Config struct {
	// Address is host:port of loopback. Default: a free port.
	Address string
	Users   []User
	// RefuseWith is the status of a login that is refused. Default: 401. With
	// 200 only the answer's "success": "N" tells.
	RefuseWith int
}

// App is a running app. Its methods may be called at any time.
type App struct {
	server *loopback.Server
	key    []byte
	refuse int
	// Login is POST /api/login, Pages every other request: places for faults.
	Login, Pages fault.Point

	mu       sync.Mutex
	users    map[string]User   // by email
	sessions map[string]string // email, by the cookie's value
	seen     []Seen
}

// Start runs an app until Close.
func Start(c Config) (*App, error) {
	server, err := loopback.Listen(c.Address)
	if err != nil {
		return nil, fmt.Errorf("starting the app: %w", err)
	}
	a := &App{
		server: server, key: []byte(rand.Text()), refuse: c.RefuseWith,
		users: make(map[string]User), sessions: make(map[string]string),
	}
	if a.refuse == 0 {
		a.refuse = http.StatusUnauthorized
	}
	for _, u := range c.Users {
		a.SetUser(u)
	}
	server.Serve(a.handler())
	return a, nil
}

// URL is the app's origin, without a slash at its end.
func (a *App) URL() string { return a.server.URL() }

// Down cuts all connections and refuses further ones; Up undoes that.
func (a *App) Down() { a.server.Down() }

// Up undoes Down, at the same port.
func (a *App) Up() error { return a.server.Up() }

// Close ends the app.
func (a *App) Close() { a.server.Close() }

// SetUser adds a user, or changes them.
func (a *App) SetUser(u User) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.users[u.Email] = u
}

// RemoveUser forgets a user; their sessions and tokens are good no more.
func (a *App) RemoveUser(email string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.users, email)
}

// EndSessions makes the app forget all of its cookies, as a restart does.
func (a *App) EndSessions() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.sessions)
}

func (a *App) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /api/login", a.Login.Around(http.HandlerFunc(a.login)))
	mux.Handle("/", a.Pages.Around(http.HandlerFunc(a.page)))
	return mux
}
