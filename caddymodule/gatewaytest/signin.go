package gatewaytest

import (
	"encoding/json"
	"net/http"
	"net/url"
	"testing"

	"example.com/sidegate/sessionstore"
)

// WithCookie signs in as the login page does and keeps the cookie alone.
func (s *Server) WithCookie(t testing.TB, email string) *Client {
	t.Helper()
	c := s.Client(t)
	c.SignInByForm(email, Password, "/").Want(t, http.StatusSeeOther)
	return c
}

// WithToken signs in by JSON and keeps the token alone.
func (s *Server) WithToken(t testing.TB, email string) *Client {
	t.Helper()
	c := s.Client(t)
	c.Bearer = c.SignIn(email).Token
	c.Cookie = ""
	return c
}

// SignIn signs in by JSON, as a program that keeps the cookie.
func (c *Client) SignIn(email string) sessionstore.UserSession {
	c.T.Helper()
	a := c.TrySignIn(email, Password)
	if a.StatusCode != http.StatusOK {
		c.T.Fatalf("sign-in of %s: %s %s", email, a.Status, a.Body)
	}
	return a.Session(c.T)
}

// TrySignIn is SignIn with any password and any outcome.
func (c *Client) TrySignIn(email, password string) Answer {
	c.T.Helper()
	body, err := json.Marshal(map[string]string{"email": email, "password": password})
	if err != nil {
		c.T.Fatal(err)
	}
	return c.Do(http.MethodPost, "/auth/login", string(body), "Content-Type", AsJSON)
}

// SignInByForm signs in as the login page does.
func (c *Client) SignInByForm(email, password, returnTo string) Answer {
	c.T.Helper()
	form := url.Values{"email": {email}, "password": {password}, "return_to": {returnTo}}
	return c.Do(http.MethodPost, "/auth/login", form.Encode(), "Content-Type", AsForm,
		"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin", "Accept", "text/html")
}

// Choose makes an account of the person the primary one.
func (c *Client) Choose(account string) Answer {
	c.T.Helper()
	return c.Do(http.MethodPut, "/auth/session/primary-account", `{"accountId":"`+account+`"}`, "Content-Type", AsJSON)
}

// WantDead checks that the credential opens nothing.
func (s *Server) WantDead(t testing.TB, cookie, token string) {
	t.Helper()
	c := s.With(t, cookie, token)
	c.Get("/app").Want(t, http.StatusUnauthorized)
	c.Cookie = cookie
	c.Get("/auth/session").Want(t, http.StatusUnauthorized)
}

// WantCannotTell checks that a cookie is neither believed nor refused.
func (c *Client) WantCannotTell(t testing.TB) {
	t.Helper()
	cookie := c.Cookie
	for path, status := range map[string]int{
		"/auth/session":  http.StatusInternalServerError,
		"/auth/sessions": http.StatusServiceUnavailable,
		"/app":           http.StatusServiceUnavailable,
	} {
		if a := c.Get(path).Want(t, status); len(a.Header["Set-Cookie"]) > 0 || c.Cookie != cookie {
			t.Errorf("%s touches the cookie", path)
		}
	}
}
