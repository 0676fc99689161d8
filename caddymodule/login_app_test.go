package caddymodule_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/login"
)

// legacy is an app with a login API of its own, which gives out a token and a
// cookie, and shows what it is sent.
type legacy struct {
	*httptest.Server
	mu     sync.Mutex
	seen   []*http.Request
	bodies []string
	answer func(w http.ResponseWriter, email string) // to a good password
	wrong  func(w http.ResponseWriter)               // to another one; nil: 401
	status int                                       // when set, whatever came
	page   http.HandlerFunc                          // answers all but the login; nil: with "app"
}

// legacyPassword is good there, and nowhere else.
const legacyPassword = "a pass phrase of the legacy app"

func newLegacy(t testing.TB) *legacy {
	l := &legacy{answer: func(w http.ResponseWriter, email string) {
		http.SetCookie(w, &http.Cookie{Name: "SID", Value: "of-the-app", HttpOnly: true})
		fmt.Fprintf(w, `{"user":{"mail":%q,"roles":["admin"],"nr":7},"jwt":"token-of-the-app"}`, email)
	}}
	l.Server = httptest.NewServer(http.HandlerFunc(l.serve))
	t.Cleanup(l.Close)
	return l
}

func (l *legacy) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.seen, l.bodies = append(l.seen, r), append(l.bodies, string(body))
	var sent struct{ Email, Password string }
	_ = json.Unmarshal(body, &sent)
	switch {
	case r.URL.Path != "/api/login" && l.page != nil:
		l.page(w, r)
	case r.URL.Path != "/api/login":
		fmt.Fprintln(w, "app")
	case l.status != 0:
		w.WriteHeader(l.status)
	case sent.Password != legacyPassword && l.wrong != nil:
		l.wrong(w)
	case sent.Password != legacyPassword:
		w.WriteHeader(http.StatusUnauthorized)
	default:
		w.Header().Set("Content-Type", "application/json")
		l.answer(w, sent.Email)
	}
}

// asked is how many requests there were since the last time, and the last one.
func (l *legacy) asked() (int, *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.seen)
	if n == 0 {
		return 0, nil
	}
	last := l.seen[n-1]
	l.seen = nil
	return n, last
}

// fails has the app's login answer with that status for the test's duration.
func (l *legacy) fails(t testing.TB, status int) {
	set := func(status int) { l.mu.Lock(); defer l.mu.Unlock(); l.status = status }
	set(status)
	t.Cleanup(func() { set(0) })
}

// login is the app as a login of that name.
func (l *legacy) login(name, lines string) string {
	return "login app " + name + " " + l.URL + "/api/login {\n" + lines + "\n}\n"
}

const legacyMap = "map {\nemail `login.body.user.mail`\nid `login.body.user.nr`\nroles `login.body.user.roles`\nupstream_token `login.body.jwt`\n}"

// secondMap tells who was let in by the second app.
const secondMap = "success `login.status == 200`\nmap {\nid `8`\n}"

func TestSeveralPasswordMethodsAreAskedInTheirOrder(t *testing.T) {
	one, two := newLegacy(t), newLegacy(t)
	two.answer = func(w http.ResponseWriter, _ string) { fmt.Fprint(w, `{}`) }
	s := gatewaytest.Start(t, gatewaytest.Site{Options: one.login("one", legacyMap) + two.login("two", secondMap)})
	t.Run("who is in the users file is asked for nowhere else", func(t *testing.T) {
		s.Client(t).SignIn(gatewaytest.Ada)
		s.Client(t).TrySignIn(gatewaytest.Ada, "wrong").Want(t, http.StatusUnauthorized)
		if n, _ := one.asked(); n != 0 {
			t.Errorf("the app was asked %d times for somebody of the users file", n)
		}
	})
	t.Run("who is not is asked for at the first app", func(t *testing.T) {
		u := s.Client(t).TrySignIn("mary@example.com", legacyPassword).Want(t, http.StatusOK).Session(t)
		if u.ID != 7 || u.Email != "mary@example.com" || len(u.FlatPermissionsList) == 0 {
			t.Errorf("the session is %+v", u)
		}
		if n, _ := two.asked(); n != 0 {
			t.Errorf("the second was asked %d times", n)
		}
	})
	t.Run("whom the first does not know is asked for at the second", func(t *testing.T) {
		one.fails(t, http.StatusNotFound)
		if u := s.Client(t).TrySignIn("mary@example.com", legacyPassword).Want(t, http.StatusOK).Session(t); u.ID != 8 {
			t.Errorf("the session is %+v", u)
		}
	})
	t.Run("whom nobody knows is told what everybody is told", func(t *testing.T) {
		for _, status := range []int{401, 403, 404, 422} {
			one.fails(t, status)
			two.fails(t, status)
			got := s.Client(t).TrySignIn(fmt.Sprintf("x%d@example.com", status), "wrong")
			got.WantError(t, http.StatusUnauthorized, "unauthorized")
			if want := s.Client(t).TrySignIn(gatewaytest.Grace, "wrong"); got.Body != want.Body {
				t.Errorf("%d there: %s; else %s", status, got.Body, want.Body)
			}
		}
	})
}

func TestLoginOrderSaysWhoIsAskedFirstAboutAPassword(t *testing.T) {
	one, two := newLegacy(t), newLegacy(t)
	two.answer = func(w http.ResponseWriter, _ string) { fmt.Fprint(w, `{}`) }
	for _, c := range []struct {
		name, order string
		who         int64 // whose answer the session is
		first, then *legacy
	}{
		{"the one that is named first", "two one users", 8, two, one},
		{"the one that is named, before those that are not", "two", 8, two, one},
		{"the users file, and then the first of those that are not named", "users", 7, one, two},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := gatewaytest.Start(t, gatewaytest.Site{Options: one.login("one", legacyMap) + two.login("two", secondMap) + "login_order " + c.order})
			if u := s.Client(t).TrySignIn("mary@example.com", legacyPassword).Want(t, http.StatusOK).Session(t); u.ID != c.who {
				t.Errorf("the session is %+v", u)
			}
			asked, _ := c.first.asked()
			other, _ := c.then.asked()
			if asked != 1 || other != 0 {
				t.Errorf("it was asked %d times, the other one %d", asked, other)
			}
		})
	}
	t.Run("the users file is asked last, where it is named last", func(t *testing.T) {
		s := gatewaytest.Start(t, gatewaytest.Site{Options: one.login("one", legacyMap) + "login_order one users"})
		s.Client(t).SignIn(gatewaytest.Ada)
		if n, _ := one.asked(); n != 1 {
			t.Errorf("the app was asked %d times for somebody of the users file", n)
		}
	})
}

func TestARuleOfTheConfigurationRefusesAPerson(t *testing.T) {
	l := newLegacy(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: l.login("legacy", legacyMap+"\nrequire `login.body.user.mail != 'mallory@example.com'` \"Staff <b>only</b>\"")})
	t.Run("a program is told so", func(t *testing.T) {
		a := s.Client(t).TrySignIn("mallory@example.com", legacyPassword)
		a.WantError(t, http.StatusForbidden, "not_admitted")
		var said struct{ Message string }
		if a.Decode(t, &said); said.Message != "Staff <b>only</b>" {
			t.Errorf("the message is %q", said.Message)
		}
	})
	t.Run("a person is told so on the page, escaped", func(t *testing.T) {
		a := s.Client(t).SignInByForm("mallory@example.com", legacyPassword, "/").Want(t, http.StatusForbidden)
		if !strings.Contains(a.Body, "Staff &lt;b&gt;only&lt;/b&gt;") {
			t.Errorf("the page is\n%s", a.Body)
		}
	})
	t.Run("and counts as an attempt, for it may be by the demand that a password is told to be wrong", func(t *testing.T) {
		for range login.DefaultPerPair - 2 {
			s.Client(t).TrySignIn("mallory@example.com", legacyPassword).Want(t, http.StatusForbidden)
		}
		s.Client(t).TrySignIn("mallory@example.com", legacyPassword).Want(t, http.StatusTooManyRequests)
	})
}

// Whom an app knows by a name that looks like somebody's address must not have
// what a directory knows of that somebody.
func TestADirectoryIsAskedByNoTypedAddress(t *testing.T) {
	app := newLegacy(t)
	directory := "directory http crm " + app.URL + "/people?e={identity.email} {\noptional\nmap {\nroles `identity.email == 'root@example.com' ? ['admin'] : []`\n}\n}\n"
	for name, lines := range map[string]string{
		"unless the app says whose it is":    legacyMap,
		"unless the operator trusts the app": "trust_typed_email\n" + secondMap,
	} {
		t.Run(name, func(t *testing.T) {
			gatewaytest.Start(t, gatewaytest.Site{Options: app.login("legacy", lines) + directory})
		})
	}
}

func TestPeopleOfOtherDomainsAreRefused(t *testing.T) {
	app := newLegacy(t)
	people := filepath.Join(t.TempDir(), "people.yaml")
	gatewaytest.WriteFile(t, people, gatewaytest.UsersFile)
	s := gatewaytest.Start(t, gatewaytest.Site{
		Bare:    true,
		Options: "login users " + people + " {\nemail_domains example.org\n}\n" + app.login("legacy", "email_domains example.com *.example.net\n"+legacyMap),
	})
	t.Run("by the users file, with the right password", func(t *testing.T) {
		s.Client(t).TrySignIn(gatewaytest.Ada, gatewaytest.Password).WantError(t, http.StatusForbidden, "not_admitted")
	})
	t.Run("and those of the domain are not", func(t *testing.T) {
		s.Client(t).TrySignIn("mary@example.com", legacyPassword).Want(t, http.StatusOK)
	})
	app.answer = func(w http.ResponseWriter, _ string) {
		fmt.Fprint(w, `{"user":{"nr":9,"mail":"mary@evil-example.net","roles":[]},"jwt":"x"}`)
	}
	t.Run("by what the app says of them, whatever they typed", func(t *testing.T) {
		s.Client(t).TrySignIn("mary@example.com", legacyPassword).WantError(t, http.StatusForbidden, "not_admitted")
	})
}

// Once the app has answered, a wrong password is counted, whatever it says:
// else it could be asked as fast as it answers.
func TestEveryAnswerToAWrongPasswordIsCounted(t *testing.T) {
	says := func(status int, body string) func(w http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Location", "/login")
			w.WriteHeader(status)
			fmt.Fprint(w, body)
		}
	}
	const down = login.DefaultPerPairDown + login.DefaultPerPair
	for name, c := range map[string]struct {
		lines   string
		wrong   func(w http.ResponseWriter)
		answers int // how many guesses it gets
	}{
		"401":                               {legacyMap, says(401, ""), login.DefaultPerPair},
		"400":                               {legacyMap, says(400, "{}"), login.DefaultPerPair},
		"a redirect to its form":            {legacyMap, says(302, ""), login.DefaultPerPair},
		"its form again":                    {legacyMap, func(w http.ResponseWriter) { w.Header().Set("Content-Type", "text/html") }, login.DefaultPerPair},
		"a body that cannot be mapped":      {legacyMap, says(200, `{"error":"wrong"}`), login.DefaultPerPair},
		"a body that is none":               {legacyMap, says(200, "wrong"), login.DefaultPerPair},
		"what success cannot make out":      {"success `login.body.user.nr > 0`\n" + legacyMap, says(200, `{"error":"wrong"}`), login.DefaultPerPair},
		"what a demand does not hold for":   {"require `login.body.ok` \"No.\"\n" + legacyMap, says(200, `{"ok":false,"user":{"mail":"ada@legacy.test","nr":7,"roles":[]},"jwt":""}`), login.DefaultPerPair},
		"what a demand cannot make out":     {"require `login.body.ok`\n" + legacyMap, says(200, `{"user":{"mail":"ada@legacy.test","nr":7,"roles":[]},"jwt":""}`), login.DefaultPerPair},
		"a guest, whose domain is refused":  {"email_domains legacy.test\n" + legacyMap, says(200, `{"user":{"mail":"guest@guest.test","nr":9,"roles":[]},"jwt":""}`), login.DefaultPerPair},
		"a guest who has no address":        {legacyMap, says(200, `{"user":{"mail":"guest","nr":9,"roles":[]},"jwt":""}`), login.DefaultPerPair},
		"500, which may be an outage":       {legacyMap, says(500, ""), down},
		"429, as often as an outage may be": {legacyMap, says(429, ""), down},
		"nothing, and hangs up":             {legacyMap, func(http.ResponseWriter) { panic(http.ErrAbortHandler) }, down},
	} {
		t.Run(name, func(t *testing.T) {
			app := newLegacy(t)
			app.wrong = c.wrong
			s := gatewaytest.Start(t, gatewaytest.Site{Options: app.login("legacy", c.lines), Bare: true})
			for i := range c.answers + 1 {
				a := s.Client(t).TrySignIn("ada@legacy.test", "wrong")
				if throttled := a.StatusCode == http.StatusTooManyRequests; throttled != (i == c.answers) {
					t.Fatalf("guess %d is answered with %d", i+1, a.StatusCode)
				}
			}
			s.Client(t).TrySignIn("ada@legacy.test", legacyPassword).Want(t, http.StatusTooManyRequests)
			if n, _ := app.asked(); n != c.answers {
				t.Errorf("the app was asked %d times", n)
			}
		})
	}
}

func TestAnAppThatIsDownLocksNobodyOut(t *testing.T) {
	app := newLegacy(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: app.login("legacy", legacyMap), Bare: true})
	app.fails(t, http.StatusServiceUnavailable)
	for range login.DefaultPerPairDown {
		s.Client(t).TrySignIn("ada@legacy.test", legacyPassword).Want(t, http.StatusServiceUnavailable)
	}
	app.fails(t, 0)
	s.Client(t).TrySignIn("ada@legacy.test", legacyPassword).Want(t, http.StatusOK)
}

// An app that cannot be reached has looked at no password.
func TestAnAppThatCannotBeReachedCountsNothing(t *testing.T) {
	app, address := newLegacy(t), fmt.Sprintf("127.0.0.1:%d", gatewaytest.FreePort(t))
	app.URL = "http://" + address // where nobody listens yet
	s := gatewaytest.Start(t, gatewaytest.Site{Options: app.login("legacy", legacyMap), Bare: true})
	for range login.DefaultPerPairDown + 2*login.DefaultPerPair {
		s.Client(t).TrySignIn("ada@legacy.test", legacyPassword).Want(t, http.StatusServiceUnavailable)
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	up := &http.Server{Handler: http.HandlerFunc(app.serve)}
	t.Cleanup(func() { _ = up.Close() })
	go func() { _ = up.Serve(listener) }()
	s.Client(t).TrySignIn("ada@legacy.test", legacyPassword).Want(t, http.StatusOK)
}

// A password that one app has refused is no free guess for the trouble of the
// next.
func TestTheTroubleOfTheNextAppMakesNoGuessFree(t *testing.T) {
	one, two := newLegacy(t), newLegacy(t)
	two.fails(t, http.StatusBadGateway)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: one.login("one", legacyMap) + two.login("two", legacyMap), Bare: true})
	for range (login.DefaultPerPairDown + login.DefaultPerPair) / 10 { // each is held for a while
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				if a := s.Client(t).TrySignIn("ada@legacy.test", "wrong"); a.StatusCode != http.StatusServiceUnavailable {
					t.Errorf("a wrong password is answered with %d", a.StatusCode)
				}
			})
		}
		all.Wait()
	}
	s.Client(t).TrySignIn("ada@legacy.test", "wrong").Want(t, http.StatusTooManyRequests)
	two.Close()
	if n, _ := one.asked(); n != login.DefaultPerPairDown+login.DefaultPerPair {
		t.Errorf("the first app was asked %d times", n)
	}
}

// A no that may have been none is told, or nobody could sign in and nobody knew
// why.
func TestASuccessThatErrsIsTold(t *testing.T) {
	app, log := newLegacy(t), filepath.Join(t.TempDir(), "log")
	s := gatewaytest.Start(t, gatewaytest.Site{
		Options: app.login("legacy", "success `login.body.okay`\n"+legacyMap), Bare: true,
		Global: "log default {\noutput file " + log + "\nformat json\n}",
	})
	s.Client(t).TrySignIn("ada@legacy.test", legacyPassword).Want(t, http.StatusUnauthorized)
	var told string
	gatewaytest.Await(t, "the log tells of it", func() bool {
		text, _ := os.ReadFile(log)
		told = string(text)
		return strings.Contains(told, "a login's answer is taken for a no") && strings.Contains(told, "(success)")
	}, func() string { return told })
}

// An app that says 200 {"success": false} would let anybody in.
func TestALoginAppWhoseAnswerMakesNoDifferenceIsRefused(t *testing.T) {
	for lines, sound := range map[string]bool{
		"":                                                     false,
		"map {\nid `8`\n}":                                     false,
		"map {\nid `login.status`\n}":                          false,
		"require `login.status == 200`":                        false,
		"success `login.status == 200`":                        true,
		"require `login.body.ok`":                              true,
		"map {\nid `login[\"body\"].nr`\n}":                    true,
		"map {\nname `login.?body.?name`\n}":                   false,
		"map {\nroles `login.map(k, k)`\n}":                    false,
		"map {\nname `login.body == null ? '' : 'x'`\n}":       false,
		"require `login.body.?ok.orValue(false)`":              true,
		"success `true`":                                       false,
		"success `login.username != \"\"`":                     false,
		"success `login.username != \"root\"`":                 false,
		"success `\"login.body\" != \"\"`":                     false,
		"success `login.status < 500`":                         false,
		"success `has(login.body) || true`":                    false,
		"success `has(login.body)`":                            false,
		"success `login.body != null`":                         false,
		"success `login.status == 200 || login.status == 400`": false,
		"success `login.status != 302`":                        false,
		"success `login.status == 200 && has(login.body)`":     true,
		"success `login.username != \"somebody@example.com\" || login.status == 201`":                                          false,
		"require `login.username != \"somebody@example.com\"`":                                                                 false,
		"map {\nemail `login.username.contains(\"@\") ? login.body.email : login.username + \"@users.invalid\"`\n}":            false,
		"map {\nemail `login.username.endsWith(\"@example.com\") ? login.body.email : login.username + \"@users.invalid\"`\n}": false,
		"map {\nemail `login.username.endsWith(\"@acme.test\") ? login.username : login.body.email`\n}":                        false,
		"map {\nemail `login.username.contains(\"@\") ? login.body.email : login.body.name + \"@users.invalid\"`\n}":           true,
		"success `login.location == \"/home\"`":                                                                                true,
		"success `login.body.?error.orValue('') == ''`":                                                                        true,
		"success `login.body.ok`\nmap {\nid `8`\n}":                                                                            true,
		"map {\nid `stable_id(\"x\", login.body.n)`\n}":                                                                        true,
	} {
		site := gatewaytest.Site{Options: "login app legacy http://127.0.0.1:1/login {\n" + lines + "\n}", Bare: true}
		if !sound {
			wantRefused(t, site, "success `login.status == 200`")
			continue
		}
		_, config := adapted(t, site)
		if err := validate(t, config); err != nil {
			t.Errorf("%q: %v", lines, err)
		}
	}
}

// What the app does not say of a person is not made up by what they typed.
func TestWhereAnAppTellsNoAddressTheTypedOneIsNone(t *testing.T) {
	app, d := newLegacy(t), newCRM(t)
	s := gatewaytest.Start(t, gatewaytest.Site{
		Options: app.login("legacy", "success `login.body.user.nr > 0`\nmap {\nemail `login.body.?user.?address`\n}") + d.directory("crm", ""), Bare: true,
	})
	s.Client(t).TrySignIn("root@example.com", legacyPassword).WantError(t, http.StatusForbidden, "not_mapped")
	if n := d.asked.Load(); n != 0 {
		t.Errorf("the directory was asked %d times", n)
	}
}

// A wrong address looks like a wrong password to the person, and must not to the
// operator.
func TestARefusalSaysWhichLoginAnsweredWhat(t *testing.T) {
	app := newLegacy(t)
	app.status = http.StatusNotFound
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Options: strings.Replace(app.login("legacy", legacyMap), "/login {", "/login?key=canary {", 1), Bare: true})
	p.Client(t).TrySignIn("ada@legacy.test", legacyPassword).Want(t, http.StatusUnauthorized)
	p.AwaitLog("sign-in refused", "login legacy: ", app.URL+"/api/login answers 404", "not the address of its login API")
	if strings.Contains(p.Log.String(), "canary") {
		t.Error("the log tells the query, which may hold a key")
	}
}

// ownStore counts attempts for one test alone.
func ownStore(t *testing.T) string {
	return "store embedded " + filepath.Join(t.TempDir(), "sessions.db") + "\n"
}

// Another's success at one login would have the failed guesses at somebody of the
// same name at another login forgotten.
func TestASuccessAtOneLoginForgetsNoFailuresAtAnother(t *testing.T) {
	own, guessed := newLegacy(t), newLegacy(t)
	guessed.status = http.StatusUnauthorized
	for name, options := range map[string]string{
		"an app asked before it": guessed.login("guessed", legacyMap) + own.login("own", legacyMap),
		"an app asked behind it": own.login("own", legacyMap) + guessed.login("guessed", legacyMap),
	} {
		t.Run(name, func(t *testing.T) {
			c := gatewaytest.Start(t, gatewaytest.Site{Options: ownStore(t) + options, Bare: true}).Client(t)
			guesses := 0
			for c.TrySignIn("ada@legacy.test", "wrong").StatusCode == http.StatusUnauthorized && guesses < 30 {
				if guesses++; guesses%2 == 0 && guesses < login.DefaultPerPair {
					c.TrySignIn("ada@legacy.test", legacyPassword).Want(t, http.StatusOK)
				}
			}
			if guesses != login.DefaultPerPair {
				t.Errorf("%d guesses were answered", guesses)
			}
		})
	}
	t.Run("but a users file, whose people no app is asked about, forgets its own", func(t *testing.T) {
		c := gatewaytest.Start(t, gatewaytest.Site{Options: ownStore(t) + own.login("own", legacyMap) + "login_order users own"}).Client(t)
		for n := range login.DefaultPerPair + 2 {
			c.TrySignIn(gatewaytest.Ada, "wrong").Want(t, http.StatusUnauthorized)
			if n%5 == 4 {
				c.TrySignIn(gatewaytest.Ada, gatewaytest.Password).Want(t, http.StatusOK)
			}
		}
	})
	t.Run("but a login that is alone forgets its own", func(t *testing.T) {
		c := gatewaytest.Start(t, gatewaytest.Site{Options: ownStore(t) + own.login("own", legacyMap), Bare: true}).Client(t)
		for n := range login.DefaultPerPair + 2 {
			c.TrySignIn("ada@legacy.test", "wrong").Want(t, http.StatusUnauthorized)
			if n%5 == 4 {
				c.TrySignIn("ada@legacy.test", legacyPassword).Want(t, http.StatusOK)
			}
		}
	})
}
