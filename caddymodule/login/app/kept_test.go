package app_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/app"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/profile/mapping"
	"example.com/sidegate/sessionstore"
)

// An app that sends the password back, in whatever spelling.
func TestThePasswordIsNotKept(t *testing.T) {
	quoted, err := json.Marshal(canary)
	if err != nil {
		t.Fatal(err)
	}
	text := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	for _, c := range []struct{ name, body, want string }{
		{"under its own name", `{"password":` + string(quoted) + `,"id":1}`, "map[id:1]"},
		{"as a hash", `{"user":{"PASSWORD":"$2y$10$abc","id":1}}`, "map[user:map[id:1]]"},
		{"under another name", `{"echo":` + string(quoted) + `,"id":1}`, "map[echo: id:1]"},
		{"within a text", `{"message":` + text("no such user: "+canary+"!") + `}`, "map[message:]"},
		{"as the JSON that was sent", `{"data":` + text(`{"password":`+string(quoted)+`}`) + `}`, "map[data:]"},
		{"as a query", `{"next":` + text("/?p="+url.QueryEscape(canary)) + `}`, "map[next:]"},
		{"as a path", `{"next":` + text("/"+url.PathEscape(canary)) + `}`, "map[next:]"},
		{"as HTML", `{"page":` + text("<p>"+html.EscapeString(canary)) + `}`, "map[page:]"},
		{"in a list", `{"form":{"pw":[` + string(quoted) + `,"x",["y",` + string(quoted) + `]]}}`, "map[form:map[pw:[x [y]]]]"},
		{"as a key", `{` + string(quoted) + `:true,"id":1}`, "map[id:1]"},
		{"as all of it", string(quoted), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			person, err := signIn(t, newLogin(t, app.Config{URL: serve(t, answer(200, c.body))}))
			if err != nil {
				t.Fatal(err)
			}
			fact, _ := person.Kept.Facts["login"].(map[string]any)
			if got := fmt.Sprint(fact["body"]); got != c.want {
				t.Fatalf("kept %s, want %s", got, c.want)
			}
		})
	}
	t.Run("in a mapping that fails for it", func(t *testing.T) {
		l := newLogin(t, app.Config{
			URL:    serve(t, answer(200, `{"echo":`+string(quoted)+`,`+string(quoted)+`:1}`)),
			Mapper: mustMap(t, nil, "name", "login.body.name"),
		})
		if _, err := signIn(t, l); err == nil {
			t.Fatal("mapped")
		}
	})
	t.Run("in where it redirects to", func(t *testing.T) {
		person, err := signIn(t, newLogin(t, app.Config{Success: mustHold(t, "login.status == 302"), URL: serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/?p="+url.QueryEscape(canary))
			w.WriteHeader(http.StatusFound)
		})}))
		if err != nil || !reflect.DeepEqual(person.Kept.Facts["login"], map[string]any{"status": int64(302), "location": "", "username": email}) {
			t.Fatalf("got %+v, %v", person, err)
		}
	})
	t.Run("in a cookie", func(t *testing.T) {
		person, err := signIn(t, newLogin(t, app.Config{KeepCookies: true, URL: serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Add("Set-Cookie", "remember=ada:"+url.QueryEscape(canary))
			w.Header().Add("Set-Cookie", "lang=de; Path=/"+url.QueryEscape(canary))
			w.Header().Add("Set-Cookie", "sid=1; HttpOnly")
		})}))
		if err != nil || len(person.CookieLines) != 0 || !slices.Contains(person.Kept.UpstreamCookies, "sid=1") || strings.Contains(fmt.Sprint(person.Kept.UpstreamCookies), url.QueryEscape(canary)) {
			t.Fatalf("got %v, %v", person.Kept.UpstreamCookies, err)
		}
	})
}

// A short password is in many texts, and nobody loses a role for it.
func TestAPasswordThatIsAWordBreaksNoSignIn(t *testing.T) {
	const body = `{"role":"admin","pw":"admin","name":"admin"}`
	l := newLogin(t, app.Config{
		URL: serve(t, answer(200, body)), Fields: [][2]string{{"user", "{login.username}"}, {"pw", "{login.password}"}},
	})
	person, err := l.SignIn(t.Context(), login.Typed{Name: email, Password: "admin"})
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(person.Kept.Facts["login"]); got != "map[body:map[name:admin role:admin] status:200 username:ada@example.com]" {
		t.Fatalf("kept %s", got)
	}
	t.Run("the name of the field that it was sent in may mean something else", func(t *testing.T) {
		l := newLogin(t, app.Config{
			URL: serve(t, answer(200, `{"token":"t1"}`)), Fields: [][2]string{{"user", "{login.username}"}, {"token", "{login.password}"}},
		})
		person, err := l.SignIn(t.Context(), login.Typed{Name: email, Password: "admin"})
		if err != nil || fmt.Sprint(person.Kept.Facts["login"]) != "map[body:map[token:t1] status:200 username:ada@example.com]" {
			t.Fatalf("got %+v, %v", person, err)
		}
	})
	t.Run("somebody's own address is no secret, even as their password", func(t *testing.T) {
		l := newLogin(t, app.Config{URL: serve(t, answer(200, `{"mail":"Ada@example.com"}`)), Mapper: mustMap(t, nil, "email", "login.body.mail")})
		person, err := l.SignIn(t.Context(), login.Typed{Name: email, Password: "Ada@example.com"})
		if err != nil || person.Email != "Ada@example.com" {
			t.Fatalf("got %+v, %v", person, err)
		}
	})
}

func TestCookies(t *testing.T) {
	now := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	at := func(d time.Duration) string { return "; Expires=" + now.Add(d).Format(http.TimeFormat) }
	many := make([]string, profile.MaxAppCookies+5)
	for i := range many {
		many[i] = fmt.Sprintf("c%d=%d; HttpOnly", i, i)
	}
	firsts := make([]string, len(many))
	for i := range many {
		if firsts[i] = fmt.Sprintf("c%d=%d", i, i); i >= profile.MaxAppCookies {
			firsts[i] = fmt.Sprintf("c%d;;;g", i)
		}
	}
	chunk := strings.Repeat("x", 4000)
	const only = "; HttpOnly"
	for _, c := range []struct {
		name    string
		set     []string
		want    []string
		browser []string
	}{
		{"none are none", nil, nil, nil},
		{"name and value are kept, and until when it lives", []string{"sid=a=b; Path=/; HttpOnly; Secure; SameSite=Lax; Max-Age=60"}, []string{"sid=a=b", "sid;1893456060;e"}, nil},
		{"and where a browser would have it, in words that builds before pass over", []string{"sid=1; Path=/app" + only, "b=2; Domain=.Example.com" + only, "c=3; Path=/a; Path=nonsense" + only},
			[]string{"sid=1", "sid;/app;;h", "b=2", "b;;example.com;h", "c=3"}, nil},
		{"in the order in which they came", []string{"b=2" + only, "a=1" + only}, []string{"b=2", "a=1"}, nil},
		{"whatever a value is, byte for byte", []string{`q="a b"` + only, `j={"a":1}` + only, `o="x\054y"` + only, "t=a\tb" + only, "e=" + only},
			[]string{`q="a b"`, `j={"a":1}`, `o="x\054y"`, "t=a\tb", "e="}, nil},
		{"and what is no text", []string{"uml=\xe4" + only}, []string{"dW1s;5A;;;h;0"}, nil},
		{"the last of a name counts", []string{"sid=1" + only, "x=1" + only, "sid=2" + only}, []string{"x=1", "sid=2"}, nil},
		{"a deleted one is not, and the browser forgets it", []string{"a=1; Max-Age=0" + only, "b=1; Max-Age=-1; Path=/b", "c=1" + only}, []string{"c=1"},
			[]string{"a=1; Max-Age=0" + only + "; Path=/", "b=1; Max-Age=-1; Path=/b"}},
		{"an expired one is not", []string{"a=1" + at(0) + "; Path=/"}, nil, []string{"a=1" + at(0) + "; Path=/"}},
		{"Max-Age goes before Expires", []string{"a=1; Max-Age=60" + at(-time.Hour) + only}, []string{"a=1", "a;1893456060;e"}, nil},
		{"one that is set and deleted is not", []string{"sid=old" + only, "sid=; Max-Age=0"}, nil, []string{"sid=; Max-Age=0; Path=/"}},
		{"but for one that is deleted under another path", []string{"sid=1" + only, "sid=; Path=/old; Max-Age=0"}, []string{"sid=1"}, []string{"sid=; Path=/old; Max-Age=0"}},
		{"a control character is no value", []string{"a=1\x01" + only, "b=1\x7f" + only, "ok=1" + only}, []string{"ok=1"}, nil},
		{"what has no name, or one beyond measure, is none", []string{"=1" + only, "x" + only, strings.Repeat("n", 256) + "=1" + only, "ok=1" + only}, []string{"ok=1"}, nil},
		{"one for scripts is the browser's, and known here by its name", []string{"csrftoken=c1; Path=/; SameSite=Lax", "lang=de", "sid=1" + only},
			[]string{"csrftoken;;;b", "lang;;;b", "sid=1"}, []string{"csrftoken=c1; Path=/; SameSite=Lax", "lang=de; Path=/"}},
		{"those that are beyond the number are known by their names", many, firsts, nil},
		{"three chunks of 4 KB fit", []string{"a=" + chunk + only, "b=" + chunk + only, "c=" + chunk + only, "d=1" + only}, []string{"a=" + chunk, "b=" + chunk, "c=" + chunk, "d=1"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := app.Config{
				Now: func() time.Time { return now },
				// A transport of the test's own: a server would not send these.
				URL: "http://127.0.0.1/", Transport: roundTrip(func(*http.Request) (*http.Response, error) {
					return &http.Response{StatusCode: 200, Header: http.Header{"Set-Cookie": c.set}, Body: io.NopCloser(strings.NewReader("{}"))}, nil
				}),
			}
			for _, keep := range []bool{true, false} {
				config.KeepCookies = keep
				person, err := signIn(t, newLogin(t, config))
				if err != nil {
					t.Fatal(err)
				}
				want, browser := c.want, c.browser
				if !keep {
					want, browser = nil, nil
				}
				if !slices.Equal(person.Kept.UpstreamCookies, want) || !slices.Equal(person.CookieLines, browser) {
					t.Fatalf("keep_cookies %v: got %q, and %q for the browser; want %q and %q", keep, person.Kept.UpstreamCookies, person.CookieLines, want, browser)
				}
				if out := person.CookiesLeftOut; out != max(0, len(want)-profile.MaxAppCookies) {
					t.Errorf("%d are said to be left out", out)
				}
			}
		})
	}
}

// session is what the gateway makes of a sign-in, as far as a rebuild reads it.
func session(t *testing.T, p *profile.Person) *sessionstore.Session {
	t.Helper()
	kept, err := p.Kept.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return &sessionstore.Session{Method: "legacy", Subject: p.Subject, Kept: kept, User: sessionstore.UserSession{ID: p.ID, Email: p.Email}}
}

func TestRebuild(t *testing.T) {
	var asked int
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		w.Header().Set("Set-Cookie", "sid=1; HttpOnly")
		answer(200, `{"id":42,"mail":"al@example.com","groups":["staff"],"token":"t1","active":true,"since":1.5}`)(w, r)
	})
	rules := []string{"id", "login.body.id", "email", "login.body.mail", "roles", "login.body.groups", "upstream_token", "login.body.token"}
	l := newLogin(t, app.Config{URL: url, KeepCookies: true, Mapper: mustMap(t, nil, rules...)})
	first, err := signIn(t, l)
	if err != nil {
		t.Fatal(err)
	}
	s := session(t, first)
	t.Run("it gives the same person without asking the app", func(t *testing.T) {
		again, err := l.Rebuild(t.Context(), s)
		if err != nil || asked != 1 {
			t.Fatalf("got %v after %d questions", err, asked)
		}
		if !reflect.DeepEqual(again, first) || !reflect.DeepEqual(again.Kept, first.Kept) {
			t.Fatalf("got  %+v %v\nwant %+v %v", again, again.Kept.Facts, first, first.Kept.Facts)
		}
		if again.Kept.UpstreamToken != "t1" || !slices.Equal(again.Kept.UpstreamCookies, []string{"sid=1"}) {
			t.Fatal("what the app handed out is lost")
		}
	})
	t.Run("it follows the mapping of the moment", func(t *testing.T) {
		changed := newLogin(t, app.Config{URL: url, Mapper: mustMap(t, nil, "roles", "login.body.groups + ['new']")})
		again, err := changed.Rebuild(t.Context(), s)
		if err != nil || fmt.Sprint(again.Roles) != "[staff new]" || again.Email != email || again.Subject != email || again.Kept.UpstreamToken != "t1" {
			t.Fatalf("got %+v, %v", again, err)
		}
	})
	t.Run("a demand of the moment may refuse", func(t *testing.T) {
		demands := []mapping.Demand{{Expr: "!login.body.active", Message: "no"}}
		_, err := newLogin(t, app.Config{URL: url, Mapper: mustMap(t, demands)}).Rebuild(t.Context(), s)
		if _, ok := errors.AsType[*profile.Refused](err); !ok {
			t.Fatalf("got %v", err)
		}
	})
	t.Run("a session without a subject is known by its email", func(t *testing.T) {
		bare := *s
		bare.Subject = ""
		again, err := newLogin(t, app.Config{URL: url}).Rebuild(t.Context(), &bare)
		if err != nil || again.Subject != "al@example.com" {
			t.Fatalf("got %+v, %v", again, err)
		}
	})
	for _, c := range []struct{ name, kept string }{
		{"a session that keeps nothing stays as it is", ""},
		{"a session that keeps another login's facts stays as it is", `{"facts":{"token":{"sub":"hunter2"}}}`},
		{"a session that keeps no facts stays as it is", `{"upstream_token":"hunter2"}`},
		{"a session that keeps nonsense stays as it is", "hunter2"},
	} {
		t.Run(c.name, func(t *testing.T) {
			other := *s
			other.Kept = c.kept
			_, err := l.Rebuild(t.Context(), &other)
			_, refused := errors.AsType[*profile.Refused](err)
			if err == nil || refused || errors.Is(err, login.ErrUnknown) || errors.Is(err, login.ErrRefused) || strings.Contains(err.Error(), "hunter2") {
				t.Fatalf("got %v, want trouble", err)
			}
		})
	}
}
