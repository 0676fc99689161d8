package app_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/app"
)

// Most login forms answer a wrong password with 200 and themselves.
func TestAPageIsNoYesByItsStatusAlone(t *testing.T) {
	page := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte("<form>the login form again</form>"))
	})
	for success, in := range map[string]bool{
		"login.status == 200":                                      false,
		"login.status == 200 || login.status == 302":               false,
		"login.status == 200 && login.username != ''":              false,
		"login.status == 200 && !has(login.body)":                  true,
		"login.status == 302 && login.location == '/home' || true": true, // it says so
	} {
		_, err := signIn(t, newLogin(t, app.Config{URL: page, Success: mustHold(t, success)}))
		if in != (err == nil) || err != nil && !strings.Contains(err.Error(), "may be its login form again") {
			t.Errorf("%s: %v", success, err)
		}
	}
}

// Where the form leads tells the operator what success is to look at.
func TestARefusalBySuccessSaysWhereTheAppLeads(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "/welcome?token=canary")
		w.WriteHeader(http.StatusFound)
	})
	_, err := signIn(t, newLogin(t, app.Config{URL: url, Success: mustHold(t, `login.status == 302 && login.location == "/home"`)}))
	if !errors.Is(err, login.ErrUnknown) || !strings.Contains(err.Error(), `answers 302 to "/welcome", and success does not hold`) || strings.Contains(err.Error(), "canary") {
		t.Errorf("got %v", err)
	}
}
