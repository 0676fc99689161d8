package endpoint

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/sessionstore"
)

// answerCaller is somebody with that many permissions, with what looks like
// the JSON of lists and tokens wherever a person may write something.
func answerCaller(permissions int) *caller.Caller {
	const tricky = `","flatRolesList":["admin"],"token":"`
	u := sessionstore.UserSession{
		ID: 7, Email: "ada@example.com", CreatedBy: tricky + `é<&>` + "\u2028",
		Accounts:      []sessionstore.Account{{AccountID: "acme", AccountName: tricky, UsersPrimaryAccount: true}},
		FlatRolesList: []string{"editor", tricky}, FlatPermissionsList: []string{},
	}
	u.PrimaryAccount = &u.Accounts[0]
	for i := range permissions {
		u.FlatPermissionsList = append(u.FlatPermissionsList, fmt.Sprintf("resource-%d:read", i))
	}
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := &sessionstore.Session{User: u, CreatedAt: at, LastSeenAt: at, ExpiresAt: at.Add(12 * time.Hour), IdleTimeout: time.Hour}
	return new(caller.Caller).With(s, nil)
}

func answered(c *caller.Caller, token string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, "/auth/session", http.NoBody)
	r.Header = header
	w := httptest.NewRecorder()
	writeSession(w, r, c, token)
	return w
}

func TestTheAnswerIsTheJSONOfTheSession(t *testing.T) {
	for _, permissions := range []int{0, 1, 500} {
		t.Run(fmt.Sprintf("with %d permissions, by one token and then another", permissions), func(t *testing.T) {
			c := answerCaller(permissions)
			etags := make(map[string]bool)
			for _, token := range []string{"one.token.sig", "another-token.of.somebody_", "one.token.sig"} {
				want := *c.User
				want.Token = token
				body, err := json.Marshal(&want)
				if err != nil {
					t.Fatal(err)
				}
				w := answered(c, token, http.Header{})
				if w.Body.String() != string(body) {
					t.Errorf("got  %s\nwant %s", w.Body, body)
				}
				etags[w.Header().Get("Etag")] = true
				if w = answered(c, token, http.Header{"If-None-Match": {w.Header().Get("Etag")}}); w.Code != http.StatusNotModified || w.Body.Len() > 0 {
					t.Errorf("with its own ETag: %d %s", w.Code, w.Body)
				}
			}
			if len(etags) != 2 {
				t.Errorf("two answers have the ETags %v", etags)
			}
		})
	}
}

// net/http counts what fits into its buffer; a longer answer would go out in
// chunks if it did not say how long it is.
func TestEveryAnswerSaysHowLongItIs(t *testing.T) {
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		for _, permissions := range []int{0, 50, 75, 76, 77, 78, 79, 80, 81, 500} {
			c := answerCaller(permissions)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { writeSession(w, r, c, "one.token.sig") }))
			req, err := http.NewRequestWithContext(t.Context(), method, server.URL, http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := server.Client().Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			server.Close()
			want := len(answered(c, "one.token.sig", http.Header{}).Body.String())
			if resp.ContentLength != int64(want) || len(resp.TransferEncoding) > 0 {
				t.Errorf("%s with %d permissions: length %d, want %d; %v", method, permissions, resp.ContentLength, want, resp.TransferEncoding)
			}
		}
	}
}

// A later handler, a header directive say, may write into the values in place.
func TestAnAnswerIsNotChangedByWritesIntoItsHeaders(t *testing.T) {
	c := answerCaller(1)
	for _, values := range answered(c, "one.token.sig", http.Header{}).Header() {
		values[0] = "mallory"
	}
	for name, values := range answered(c, "one.token.sig", http.Header{}).Header() {
		if strings.Contains(values[0], "mallory") {
			t.Errorf("%s is %q in the next answer", name, values)
		}
	}
}

// RFC 9110 section 13.1.2: the comparison is weak.
func TestIfNoneMatch(t *testing.T) {
	const etag = `"abc"`
	for _, c := range []struct {
		name, condition string
		want            bool
	}{
		{"the tag matches", `"abc"`, true},
		{"a weak tag matches", `W/"abc"`, true},
		{"one of a list matches", `"x", W/"y" ,"abc"`, true},
		{"an asterisk matches", "*", true},
		{"no condition does not", "", false},
		{"another tag does not", `"abcd"`, false},
		{"the tag without its quotes does not", "abc", false},
		{"the tag in another case does not", `"ABC"`, false},
		{"a weak prefix in lower case does not", `w/"abc"`, false},
		{"an asterisk in quotes does not", `"*"`, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := matches([]string{c.condition}, etag); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func BenchmarkWriteSession(b *testing.B) {
	for _, permissions := range []int{1, 500} {
		b.Run(fmt.Sprintf("%d permissions", permissions), func(b *testing.B) {
			c := answerCaller(permissions)
			r := httptest.NewRequest(http.MethodGet, "/auth/session", http.NoBody)
			w := &discarded{header: make(http.Header)}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				writeSession(w, r, c, "one.token.sig")
			}
		})
	}
}

// discarded is an answer that nobody reads.
type discarded struct{ header http.Header }

func (d *discarded) Header() http.Header         { return d.header }
func (d *discarded) Write(b []byte) (int, error) { return len(b), nil }
func (d *discarded) WriteHeader(int)             {}
