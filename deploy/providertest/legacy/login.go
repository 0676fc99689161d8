package legacy

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// tokenLife is how long the app's JWT is good.
const tokenLife = 8 * time.Hour

// login answers as such apps do: everything in one object, and a cookie.
func (a *App) login(w http.ResponseWriter, r *http.Request) {
	a.note(r)
	email, password, status := credentials(w, r)
	if status != 0 {
		writeJSON(w, status, map[string]any{"success": "N", "message": "email and password, please"})
		return
	}
	u, ok := a.check(email, password)
	if !ok {
		writeJSON(w, a.refuse, map[string]any{"success": "N", "message": "wrong email or password"})
		return
	}
	token, cookie, err := a.admit(u)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	http.SetCookie(w, &http.Cookie{Name: CookieName, Value: cookie, Path: "/", HttpOnly: true})
	http.SetCookie(w, &http.Cookie{Name: "theme", Value: "dark", Path: "/"})
	writeJSON(w, http.StatusOK, map[string]any{"success": "Y", "token": token, "user": u})
}

// credentials reads {"email","password"} as JSON, or a form with the fields
// username and password.
func credentials(w http.ResponseWriter, r *http.Request) (email, password string, status int) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	switch kind {
	case "application/json":
		var body struct{ Email, Password string }
		if json.NewDecoder(r.Body).Decode(&body) != nil {
			return "", "", http.StatusBadRequest
		}
		email, password = body.Email, body.Password
	case "application/x-www-form-urlencoded":
		email, password = r.PostFormValue("username"), r.PostFormValue("password")
	default:
		return "", "", http.StatusUnsupportedMediaType
	}
	if email == "" || password == "" {
		return "", "", http.StatusUnprocessableEntity
	}
	return email, password, 0
}

func (a *App) check(email, password string) (User, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	u, known := a.users[email]
	right := subtle.ConstantTimeCompare([]byte(u.Password), []byte(password)) == 1
	return u, known && right && u.Active == "Y"
}

// admit makes the two credentials that the app's pages take.
func (a *App) admit(u User) (token, cookie string, err error) {
	now := time.Now()
	token, err = jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"sub": u.ID, "email": u.Email, "iat": now.Unix(), "exp": now.Add(tokenLife).Unix(), "jti": rand.Text(),
	}).SignedString(a.key)
	a.mu.Lock()
	defer a.mu.Unlock()
	cookie = rand.Text()
	a.sessions[cookie] = u.Email
	return token, cookie, err
}

func writeJSON(w http.ResponseWriter, status int, answer any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(answer) // the client may be gone
}
