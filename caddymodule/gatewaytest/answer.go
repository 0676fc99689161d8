package gatewaytest

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/sessionstore"
)

// Answer is a response with its body read.
type Answer struct {
	*http.Response
	Body string
}

// Decode reads the answer as JSON.
func (a Answer) Decode(t testing.TB, target any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.Body), target); err != nil {
		t.Fatalf("answer is no JSON: %v\n%s", err, a.Body)
	}
}

// Session reads the answer as a UserSession.
func (a Answer) Session(t testing.TB) sessionstore.UserSession {
	t.Helper()
	var u sessionstore.UserSession
	a.Decode(t, &u)
	return u
}

// Want checks an answer's status.
func (a Answer) Want(t testing.TB, status int) Answer {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("%s %s: got %s, want %d\n%s", a.Request.Method, a.Request.URL.Path, a.Status, status, a.Body)
	}
	return a
}

// WantHeader checks an answer's header; an empty want means absent.
func (a Answer) WantHeader(t testing.TB, name, want string) {
	t.Helper()
	if got := strings.Join(a.Header.Values(name), " | "); got != want {
		t.Errorf("%s %s: header %s is %q, want %q", a.Request.Method, a.Request.URL.Path, name, got, want)
	}
}

// WantError checks that the answer is an Error of the contract.
func (a Answer) WantError(t testing.TB, status int, code string) {
	t.Helper()
	var e struct {
		Error, Message string
		Status         int
	}
	a.Want(t, status).Decode(t, &e)
	if e.Error != code || e.Status != status || e.Message == "" {
		t.Errorf("got %s, want the error %s", a.Body, code)
	}
}

// WantAccount checks which account of a session is the primary one.
func (a Answer) WantAccount(t testing.TB, want string) {
	t.Helper()
	u := a.Want(t, http.StatusOK).Session(t)
	if u.PrimaryAccount == nil || u.PrimaryAccount.AccountID != want {
		t.Fatalf("primary account is %+v, want %s", u.PrimaryAccount, want)
	}
	for _, account := range u.Accounts {
		if account.UsersPrimaryAccount != (account.AccountID == want) {
			t.Errorf("flags are %+v, want %s alone", u.Accounts, want)
		}
	}
}

// Seen is what an [Echo] says that it has seen; nothing when there is no answer.
func (a Answer) Seen(what string) string {
	if a.Response == nil {
		return ""
	}
	return a.Header.Get("Seen-" + what)
}
