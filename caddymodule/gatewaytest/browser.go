package gatewaytest

import (
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// Browser is a browser with a jar: it has any number of cookies, in the order
// in which they came, and shows no credential that it was not given.
type Browser struct {
	*Client
	Jar []string // name=value
	// Note is the cookie that says for a while that a sign-in has succeeded. It is apart, for it signs nobody in.
	Note string
}

// Browser is one without any cookie.
func (s *Server) Browser(t testing.TB) *Browser { return &Browser{Client: s.Client(t)} }

// At is the same browser at another server, or in another test.
func (b *Browser) At(t testing.TB, s *Server) *Browser {
	return &Browser{Client: s.Client(t), Jar: slices.Clone(b.Jar), Note: b.Note}
}

// Do is Client.Do with the jar.
func (b *Browser) Do(method, path, body string, header ...string) Answer {
	b.T.Helper()
	b.Cookie = strings.Trim(strings.Join(b.Jar, "; ")+"; "+b.Note, "; ")
	a := b.Client.Do(method, path, body, header...)
	b.Take(a)
	return a
}

// Take is what a browser does with the cookies of an answer.
func (b *Browser) Take(a Answer) {
	for _, set := range a.Cookies() {
		if strings.HasSuffix(set.Name, "-succeeded") {
			if b.Note = ""; set.MaxAge >= 0 {
				b.Note = set.Name + "=" + set.Value
			}
			continue
		}
		b.Jar = slices.DeleteFunc(b.Jar, func(pair string) bool { return strings.HasPrefix(pair, set.Name+"=") })
		if set.MaxAge >= 0 {
			b.Jar = append(b.Jar, set.Name+"="+set.Value)
		}
	}
}

// AtOnce opens all of the paths as a browser does that opens its tabs anew: no
// request has the cookies of another's answer. The answers come in any order.
func (b *Browser) AtOnce(paths ...string) []Answer {
	b.T.Helper()
	answers := make([]Answer, len(paths))
	var wait sync.WaitGroup
	for i, path := range paths {
		wait.Go(func() { answers[i] = b.At(b.T, b.Server).Open(path) })
	}
	wait.Wait()
	for _, i := range rand.Perm(len(answers)) {
		b.Take(answers[i])
	}
	return answers
}

// Open follows a link, as a person does.
func (b *Browser) Open(path string, header ...string) Answer {
	b.T.Helper()
	return b.Do(http.MethodGet, path, "", append([]string{"Accept", "text/html", "Sec-Fetch-Mode", "navigate"}, header...)...)
}

// Submit sends a page's form.
func (b *Browser) Submit(path string, form url.Values) Answer {
	b.T.Helper()
	return b.Do(http.MethodPost, path, form.Encode(), "Content-Type", AsForm, "Accept", "text/html",
		"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin")
}

// Begin goes to the provider by that login, and comes back as far as the
// callback's address.
func (b *Browser) Begin(p *IDP, name, returnTo string) (callback string) {
	b.T.Helper()
	path := "/auth/login/" + name
	if returnTo != "" {
		path += "?return_to=" + url.QueryEscape(returnTo)
	}
	return p.Consent(b.T, b.Open(path).Want(b.T, http.StatusSeeOther).Header.Get("Location"))
}

// Return opens a callback's address, and what that leads over where the browser had
// another attempt when this one began.
func (b *Browser) Return(callback string) Answer {
	b.T.Helper()
	a := b.Open(callback)
	if to := a.Header.Get("Location"); strings.Contains(to, "succeeded=") {
		return b.Open(to)
	}
	return a
}

// SignInAt goes the whole way.
func (b *Browser) SignInAt(p *IDP, name string) Answer {
	b.T.Helper()
	return b.Open(b.Begin(p, name, "")).Want(b.T, http.StatusSeeOther)
}

// Attempts are the names of the attempts' cookies in the jar.
func (b *Browser) Attempts() []string {
	var names []string
	for _, pair := range b.Jar {
		if name, _, _ := strings.Cut(pair, "="); strings.Contains(name, "attempt") && !strings.Contains(name, "-link-") && !strings.HasSuffix(name, "-crowded") {
			names = append(names, name)
		}
	}
	return names
}

// WantSignedIn checks who the browser is signed in as.
func (b *Browser) WantSignedIn(t testing.TB, email string) {
	t.Helper()
	a := b.Do(http.MethodGet, "/auth/session", "").Want(t, http.StatusOK)
	if got := a.Session(t).Email; got != email {
		t.Errorf("signed in as %s; want %s", got, email)
	}
}

// WantSignedOut checks that it is nobody.
func (b *Browser) WantSignedOut(t testing.TB) {
	t.Helper()
	b.Do(http.MethodGet, "/auth/session", "").Want(t, http.StatusUnauthorized)
}

// SignedInAt is a browser of that person, whose session at the provider is sid.
func (s *Server) SignedInAt(t testing.TB, p *IDP, sub, sid string) *Browser {
	t.Helper()
	p.But(t, map[string]any{"sub": sub, "sid": sid, "email": sub + "@example.com"})
	b := s.Browser(t)
	b.SignInAt(p, "sso")
	return b
}
