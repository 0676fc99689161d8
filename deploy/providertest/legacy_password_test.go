package providertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/deploy/providertest/fault"
	"example.com/sidegate/deploy/providertest/legacy"
	"example.com/sidegate/deploy/providertest/provider"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// visitorOf is the browser at the gateway's form.
func visitorOf(b *caller) *provider.Visitor {
	v := provider.NewVisitor("")
	v.Client.Jar = b.client.Jar
	return v
}

func TestEveryRefusalOfTheAppIsTheSame401(t *testing.T) {
	t.Parallel()
	a := startLegacy(t)
	g := startGateway(t, legacySite(a, legacyLogin("legacy", a, mapping(withToken...))))
	const generic = "The sign-in name or the password is wrong."
	var first string
	for _, c := range []struct {
		name, email, password string
		fault                 fault.Fault
	}{
		{"a wrong password", adaAddress, "wrong-password", nil},
		{"somebody whom the app does not know", "nobody@example.com", "wrong-password", nil},
		{"somebody who is not active there", linusAddress, legacy.DemoPassword, nil},
		{"an app that answers 401", graceAddress, legacy.DemoPassword, fault.Status(401)},
		{"an app that answers 403", graceAddress, legacy.DemoPassword, fault.Status(403)},
		{"an app that answers 404", graceAddress, legacy.DemoPassword, fault.Status(404)},
		{"an app that answers 422", graceAddress, legacy.DemoPassword, fault.Status(422)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.fault != nil {
				a.Login.Break(c.fault)
				defer a.Login.Mend()
			}
			status, body := sendLogin(t, g, c.email, c.password)
			if first == "" {
				first = body
			}
			if status != http.StatusUnauthorized || !strings.Contains(body, generic) || body != first {
				t.Errorf("%d %s", status, body)
			}
			if _, status := typed(t, g, c.email, c.password); status != http.StatusUnauthorized {
				t.Errorf("on the form: %d", status)
			}
		})
	}
}

// An app that is down says nothing about a password: no attempt is counted until
// it were too many even for an outage.
func TestAnAppThatIsDownCountsNoAttempt(t *testing.T) {
	t.Parallel()
	const limit = 10 // on one account by one address
	forever := make(chan struct{})
	t.Cleanup(func() { close(forever) })
	for _, c := range []struct {
		name  string
		fault fault.Fault
		lines []string
	}{
		{"fails", fault.Status(http.StatusInternalServerError), nil},
		{"is unavailable", fault.Status(http.StatusServiceUnavailable), nil},
		{"closes the connection", fault.Refused(), nil},
		{"does not answer in time", fault.Held(forever), []string{"timeout 3s"}},
	} {
		t.Run("one that "+c.name, func(t *testing.T) {
			t.Parallel()
			a := startLegacy(t)
			g := startGateway(t, legacySite(a, legacyLogin("legacy", a, append(c.lines, mapping(withToken...))...)))
			a.Login.Break(c.fault)
			tries := limit + 2
			if c.lines != nil {
				tries = 1 // each takes its time
			}
			for range tries {
				if status, body := sendLogin(t, g, adaAddress, "wrong-password"); status != http.StatusServiceUnavailable {
					t.Fatalf("%d %s", status, body)
				}
			}
			a.Login.Mend()
			for n := range limit {
				if status, body := sendLogin(t, g, adaAddress, "wrong-password"); status != http.StatusUnauthorized {
					t.Fatalf("attempt %d of %d: %d %s", n+1, limit, status, body)
				}
			}
			asked := a.Login.Count()
			if status, _ := sendLogin(t, g, adaAddress, legacy.DemoPassword); status != http.StatusTooManyRequests {
				t.Errorf("after %d wrong attempts: %d", limit, status)
			}
			if a.Login.Count() != asked {
				t.Error("the app was asked for an attempt that was one too many")
			}
		})
	}
}

// What is neither yes nor no is an answer all the same: an app that gives it to a
// wrong password could be asked without end.
func TestAnAnswerThatIsNeitherYesNorNoIsCounted(t *testing.T) {
	t.Parallel()
	const limit = 10
	for name, broken := range map[string]fault.Fault{"its own form": fault.HTML(), "a redirect": fault.Redirected("/login")} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := startLegacy(t)
			g := startGateway(t, legacySite(a, legacyLogin("legacy", a, mapping(withToken...))))
			a.Login.Break(broken)
			for range limit {
				if status, body := sendLogin(t, g, adaAddress, "wrong-password"); status != http.StatusServiceUnavailable {
					t.Fatalf("%d %s", status, body)
				}
			}
			if status, _ := sendLogin(t, g, adaAddress, "wrong-password"); status != http.StatusTooManyRequests || a.Login.Count() != limit {
				t.Errorf("after %d: %d, and the app was asked %d times", limit, status, a.Login.Count())
			}
		})
	}
}

// The app is asked once for an attempt, so that its own count is right too.
func TestTheAppIsAskedOnceForAnAttempt(t *testing.T) {
	t.Parallel()
	a := startLegacy(t)
	g := startGateway(t, legacySite(a, legacyLogin("legacy", a, mapping(withToken...))))
	for _, f := range []fault.Fault{fault.Status(503), fault.Refused(), fault.Dropped()} {
		before := a.Login.Count()
		a.Login.Break(f)
		sendLogin(t, g, adaAddress, "wrong-password")
		if asked := a.Login.Count() - before; asked != 1 {
			t.Errorf("it was asked %d times", asked)
		}
	}
}

// One method after the other: who is not known to one may be to the next, and
// one in trouble leaves it open.
func TestPasswordMethodsAreAskedInTheOrderOfTheCaddyfile(t *testing.T) {
	t.Parallel()
	a := startLegacy(t)
	users := usersLogin(t)
	app := legacyLogin("legacy", a, mapping(withToken...))
	appFirst := startGateway(t, legacySite(a, app+users))
	usersFirst := startGateway(t, legacySite(a, users+app))
	const ofFile = 1 // Ada's id in the users file
	for _, c := range []struct {
		name            string
		g               *gatewaytest.Process
		email, password string
		status          int
		fromFile, asked bool
	}{
		{"the app knows them", appFirst, adaAddress, legacy.DemoPassword, 200, false, true},
		{"the app does not, the file does", appFirst, adaAddress, usersPassword, 200, true, true},
		{"neither does", appFirst, adaAddress, "wrong-password", 401, false, true},
		{"the file knows them, so that the app is not asked", usersFirst, adaAddress, usersPassword, 200, true, false},
		{"the file knows them and refuses", usersFirst, adaAddress, legacy.DemoPassword, 401, false, false},
		{"the file does not know them, the app does", usersFirst, graceAddress, legacy.DemoPassword, 200, false, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := a.Login.Count()
			status, body := sendLogin(t, c.g, c.email, c.password)
			var s struct{ ID int64 }
			_ = json.Unmarshal([]byte(body), &s) // a refusal has none
			if status != c.status || (s.ID == ofFile) != c.fromFile {
				t.Errorf("%d %s", status, body)
			}
			if asked := a.Login.Count() > before; asked != c.asked {
				t.Errorf("the app was asked: %v", asked)
			}
		})
	}
	t.Run("the app cannot tell, so nobody is asked after it", func(t *testing.T) {
		a.Login.Break(fault.Status(http.StatusServiceUnavailable))
		defer a.Login.Mend()
		if status, body := sendLogin(t, appFirst, adaAddress, usersPassword); status != http.StatusServiceUnavailable {
			t.Errorf("%d %s", status, body)
		}
		if status, body := sendLogin(t, usersFirst, adaAddress, usersPassword); status != http.StatusOK {
			t.Errorf("where it comes last: %d %s", status, body)
		}
	})
}

// The app sends the password back in every place that it has. It goes nowhere
// from there: not into the log, not into Redis, not into the record, and not
// to the app's pages.
func TestAPasswordIsKeptNowhere(t *testing.T) {
	t.Parallel()
	const password = "a-password-like-no-other"
	a, srv := startLegacy(t), redistest.Start(t)
	user := legacy.DemoUsers()[0]
	user.Password = password
	a.SetUser(user)
	g := startGateway(t, legacySite(a, legacyLogin("legacy", a, "keep_cookies", mapping(append(withToken[:len(withToken):len(withToken)], "name", "login.body.?echo")...))).OnRedis(srv, gatewaytest.PresentSecret))
	a.Login.Break(fault.All(fault.Rewrite(func(_ *http.Request, answer *fault.Answer) {
		answer.Header.Add("Set-Cookie", "remember="+password)
	}), fault.JSON(func(body map[string]any) {
		body["echo"], body["password"], body["request"] = "you typed "+password, password, map[string]any{"text": password, "list": []string{password, "x"}}
	})))
	b := mustType(t, g, adaAddress, password)
	b.open(g.URL + "/orders")
	a.Login.Break(fault.Rewrite(func(_ *http.Request, answer *fault.Answer) {
		answer.Status, answer.Body = http.StatusInternalServerError, []byte("cannot read "+password)
	}))
	if status, body := sendLogin(t, g, adaAddress, password); status != http.StatusServiceUnavailable || strings.Contains(body, password) {
		t.Errorf("%d %s", status, body)
	}
	a.Login.Mend()
	sendLogin(t, g, adaAddress, password+"-mistyped")
	_, _, s := b.session(g)
	records := recordsOf(t, srv, s.ID)
	if len(records) != 1 || !strings.Contains(records[0].Kept, "ADA01") {
		t.Fatalf("there are %d records, or nothing is kept", len(records))
	}
	if strings.Contains(fmt.Sprintf("%+v", *records[0]), password) {
		t.Error("the record has it")
	}
	if strings.Contains(g.Log.String(), password) {
		t.Error("the log has it")
	}
	for _, r := range a.Requests() {
		if holds(r.Header, password) {
			t.Errorf("%s %s came with it", r.Method, r.Path)
		}
	}
	wantNotInRedis(t, srv, password, user.Email, "ADA01")
}

// wantNotInRedis looks for texts in all that Redis has: keys, and values of
// any kind.
func wantNotInRedis(t *testing.T, srv *redistest.Server, texts ...string) {
	t.Helper()
	client := srv.Client()
	keys := client.Keys(t.Context(), "*").Val()
	if len(keys) == 0 {
		t.Fatal("Redis is empty")
	}
	for _, key := range keys {
		all := key + client.Get(t.Context(), key).Val() + strings.Join(client.ZRange(t.Context(), key, 0, -1).Val(), " ")
		for _, text := range texts {
			if strings.Contains(all, text) {
				t.Errorf("Redis has it in the open at %s", key)
			}
		}
	}
}
