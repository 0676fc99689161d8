package faults_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/web/webtest"
)

// heldBack is a request of which the gateway waits for the rest of the body.
type heldBack struct {
	*gatewaytest.Socket
	request *http.Request
	rest    string
}

// holdBack sends a request up to the last byte of its body. A server that says
// "continue" has handed it on to whoever reads it (RFC 9110 section 10.1.1).
func holdBack(t *testing.T, p *gatewaytest.Process, path, body string, header ...string) heldBack {
	t.Helper()
	request := &http.Request{Method: http.MethodPost, URL: &url.URL{Path: path}, Header: make(http.Header)}
	h := heldBack{gatewaytest.Dial(t, p.Address()), request, body[len(body)-1:]}
	head := fmt.Sprintf("POST %s HTTP/1.1\nHost: %s\nContent-Length: %d\nExpect: 100-continue\n", path, p.Address(), len(body))
	for i := 0; i < len(header); i += 2 {
		head += header[i] + ": " + header[i+1] + "\n"
		request.Header.Set(header[i], header[i+1])
	}
	h.Send(t, gatewaytest.CRLF(head+"\n"))
	h.Receive(t, http.MethodPost).Want(t, http.StatusContinue)
	h.Send(t, body[:len(body)-1])
	return h
}

// holdSignIn holds back the sign-in of a program, and of a form.
func holdSignIn(t *testing.T, p *gatewaytest.Process, email string) (program, form heldBack) {
	t.Helper()
	typed := url.Values{"email": {email}, "password": {gatewaytest.Password}}.Encode()
	return holdBack(t, p, "/auth/login", fmt.Sprintf(`{"email":%q,"password":%q}`, email, gatewaytest.Password), "Content-Type", gatewaytest.AsJSON),
		holdBack(t, p, "/auth/login", typed, "Content-Type", gatewaytest.AsForm, "Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin")
}

// finish sends the rest.
func (h heldBack) finish(t *testing.T) gatewaytest.Answer {
	t.Helper()
	h.Send(t, h.rest)
	a := h.Receive(t, http.MethodPost)
	a.Request = h.request
	webtest.Check(t, a.Request, a.Response, []byte(a.Body))
	return a
}

// cookieOf is the session cookie that an answer sets, as the browser sends it.
func cookieOf(a gatewaytest.Answer) string {
	for _, set := range a.Cookies() {
		if set.MaxAge >= 0 && set.Value != "" {
			return set.Name + "=" + set.Value
		}
	}
	return ""
}

// The configuration that has begun a sign-in may be long gone when the rest of
// it comes. What it knew of people then counts no more.
func TestWhatARetiredConfigurationHasBegunIsDecidedByTheOneInForce(t *testing.T) {
	t.Parallel()
	for name, s := range gatewaytest.Stores(t) {
		t.Run("with the store "+name, func(t *testing.T) {
			t.Parallel()
			s.Routes = gatewaytest.RoundRoutes(0)
			p := gatewaytest.NewProcess(t, s)
			gatewaytest.WriteFile(t, p.Users, usersBefore())
			p.Start()
			as, round := p.Site, 0
			reload := func(s gatewaytest.Site) {
				t.Helper()
				round++
				p.Site = s
				p.Site.Routes = gatewaytest.RoundRoutes(round)
				p.Reload()
			}
			t.Run("a sign-in goes on, when nothing has changed", func(t *testing.T) {
				program, form := holdSignIn(t, p, gatewaytest.Ada)
				reload(as)
				for _, a := range []gatewaytest.Answer{program.finish(t).Want(t, http.StatusOK), form.finish(t).Want(t, http.StatusSeeOther)} {
					c := p.With(t, cookieOf(a), "")
					c.Get("/app").Want(t, http.StatusOK)
					c.Post("/auth/refresh").Want(t, http.StatusOK)
				}
			})
			t.Run("who was disabled meanwhile is refused", func(t *testing.T) {
				program, form := holdSignIn(t, p, leavers[0].email())
				gatewaytest.WriteFile(t, p.Users, usersAfter())
				reload(as)
				for _, a := range []gatewaytest.Answer{program.finish(t), form.finish(t)} {
					if a.StatusCode != http.StatusUnauthorized || cookieOf(a) != "" {
						t.Errorf("the answer is %s with the cookie %q", a.Status, cookieOf(a))
					}
				}
			})
			t.Run("who signs in by a login that is gone is asked to sign in again", func(t *testing.T) {
				program, form := holdSignIn(t, p, gatewaytest.Ada)
				without := as
				without.Bare, without.Options = true, "login app elsewhere http://127.0.0.1:1/ {\nsuccess `login.status == 200`\n}\n"+as.Options
				reload(without)
				wantAskedAgain(t, program.finish(t), form.finish(t))
			})
			t.Run("and so is everybody when the store is another", func(t *testing.T) {
				reload(as)
				program, form := holdSignIn(t, p, gatewaytest.Ada)
				other := as
				other.Options = "store embedded " + p.Dir + "/other.db"
				reload(other)
				wantAskedAgain(t, program.finish(t), form.finish(t))
			})
			t.Run("and when there is no gateway any more", func(t *testing.T) {
				reload(as)
				program, form := holdSignIn(t, p, gatewaytest.Ada)
				if status, said := p.TryReload(fmt.Sprintf("{\nadmin %s\n}\nhttp://127.0.0.1:%d {\nrespond gone\n}\n", p.Site.Admin, p.Port)); status != http.StatusOK {
					t.Fatalf("%d %s", status, said)
				}
				wantAskedAgain(t, program.finish(t), form.finish(t))
			})
		})
	}
}

// wantAskedAgain checks that a program and a person are told to sign in again.
func wantAskedAgain(t *testing.T, program, form gatewaytest.Answer) {
	t.Helper()
	program.WantError(t, http.StatusServiceUnavailable, "ask_again")
	form.Want(t, http.StatusServiceUnavailable)
	if !strings.Contains(form.Body, "Please sign in again.") || !strings.Contains(form.Body, `type="password"`) {
		t.Errorf("the page does not say so, or has no form:\n%s", form.Body)
	}
	for _, a := range []gatewaytest.Answer{program, form} {
		if a.Header.Get("Retry-After") == "" || cookieOf(a) != "" {
			t.Errorf("the header is %v", a.Header)
		}
	}
}

// Whoever wants out gets out, whatever is configured by now.
func TestASignOutThatARetiredConfigurationHasBegunGoesThrough(t *testing.T) {
	t.Parallel()
	for name, s := range gatewaytest.Stores(t) {
		t.Run("with the store "+name, func(t *testing.T) {
			t.Parallel()
			p := gatewaytest.StartProcess(t, s)
			b, as := p.WithCookie(t, gatewaytest.Ada), p.Site
			out := holdBack(t, p, "/auth/logout", "return_to=%2F", "Cookie", b.Cookie, "Content-Type", gatewaytest.AsForm,
				"Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin")
			p.Site.Bare, p.Site.Options = true, "login app elsewhere http://127.0.0.1:1/ {\nsuccess `login.status == 200`\n}\n"+as.Options
			p.Reload()
			out.finish(t).Want(t, http.StatusSeeOther)
			p.Site = as
			p.Reload()
			p.WantDead(t, b.Cookie, "")
		})
	}
}

// Sign-ins that take their time, for a directory does, over one reload after the
// other.
func TestNoSignInIsLostOverReloads(t *testing.T) {
	t.Parallel()
	const people, reloads = 100, 10
	d := newDirectory(t)
	d.pause = 1500 * time.Millisecond
	s := gatewaytest.Site{Upstream: gatewaytest.NewEcho(t).Address(), Options: d.options(), Routes: gatewaytest.RoundRoutes(0)}
	p := gatewaytest.NewProcess(t, s)
	gatewaytest.WriteFile(t, p.Users, gatewaytest.UsersFileOf(people))
	p.Start()
	cookies := make([]string, people)
	var signing sync.WaitGroup
	for id := range people {
		signing.Go(func() {
			c := p.Client(t)
			a, err := program(c, gatewaytest.EmailOf(id+1))
			if err != nil || a.StatusCode != http.StatusOK {
				t.Errorf("person %d: %v %v", id+1, err, a)
			}
			cookies[id] = c.Cookie
		})
		if begun := id + 1; begun%(people/reloads) == 0 {
			gatewaytest.Await(t, "the sign-ins are under way", func() bool { return d.asked.Load() == int64(begun) }, d.said)
			p.Site.Routes = gatewaytest.RoundRoutes(begun)
			p.Reload()
		}
	}
	signing.Wait()
	for id, cookie := range cookies {
		if seen := p.With(t, cookie, "").Get("/app").Want(t, http.StatusOK).Seen("User"); seen != fmt.Sprint(id+1) {
			t.Errorf("person %d is %q to the app", id+1, seen)
		}
	}
}
