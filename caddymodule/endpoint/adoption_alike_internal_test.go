package endpoint

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/login/adopt"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
)

// formerMark is a mark as earlier builds made it: of cookies as they are read alone.
func formerMark(kind, of string, key []byte, name, value string) string {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write([]byte(of + "\x00" + name + "\x00" + value))
	return kind + "\x00" + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// A mark of an earlier build does not say whose the cookie was; the session may.
func TestMarksOfAnEarlierBuildStillCount(t *testing.T) {
	key := bytes.Repeat([]byte{1}, 32)
	of := func(subject string) adopt.Owner {
		return adopt.Owner{Login: "old", Subject: subject, Emails: []string{subject}}
	}
	for _, c := range []struct {
		name          string
		lives, whole  bool
		who           adopt.Owner
		respelt, join bool
	}{
		{"of a session that has ended", false, true, of("zoe@example.com"), true, false},
		{"of whoever it was", false, true, of("mia@example.com"), true, false},
		{"of a session of that person", true, true, of("zoe@example.com"), true, true},
		{"of a session of that person, by one cookie of several", true, false, of("zoe@example.com"), true, false},
		{"of a session of that person, by another login", true, true, adopt.Owner{Login: "users", Subject: "1", Emails: []string{"zoe@example.com"}}, true, false},
		{"of somebody else's session", true, true, of("mia@example.com"), false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			store := memory.New(time.Now)
			made := sessionstore.NewSecret(1).Key()
			link := func(name string) {
				if err := store.Link(t.Context(), name, made, time.Hour); err != nil {
					t.Fatal(err)
				}
			}
			link(formerMark("adopted one", "one", key, "sid", "user-w")) // as user-1 is read
			if c.whole {
				link(formerMark("adopted all", "all", key, "sid", "user-w"))
			}
			if c.lives {
				s := &sessionstore.Session{Key: made, Method: "old", Subject: "zoe@example.com", ExpiresAt: time.Now().Add(time.Hour)}
				s.User.Email = "zoe@example.com"
				if _, err := store.Create(t.Context(), s, sessionstore.Limit{}); err != nil {
					t.Fatal(err)
				}
			}
			old, err := adopt.New(adopt.Config{Name: "old", URL: "http://127.0.0.1:1/", Cookies: []string{"sid"}, Until: time.Now().Add(time.Hour)})
			if err != nil {
				t.Fatal(err)
			}
			a := NewAdoption(AdoptionConfig{Logins: []*adopt.Login{old}, Marks: adopt.NewMarks(store, [][]byte{key}, time.Now), Store: store, Now: time.Now})
			came := newcomer{cookies: adopt.Presented{{Name: "sid", Value: "user-1"}}}
			if _, found, err := a.Marks.Session(t.Context(), came.cookies); found || err != nil {
				t.Errorf("it counts without a question: %v, %v", found, err)
			}
			got, respelt, err := a.respelt(t.Context(), came, c.who)
			if respelt != c.respelt || (got == made) != c.join || err != nil {
				t.Errorf("respelt %v, joined %v, %v", respelt, got == made, err)
			}
			again, found, _ := a.Marks.Session(t.Context(), came.cookies)
			if found != c.join || found && again != made {
				t.Errorf("found by it from then on: %v", found)
			}
		})
	}
}
