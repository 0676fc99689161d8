package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/web"
)

func TestAProblemIsToldInItsOwnWords(t *testing.T) {
	for name, c := range map[string]struct {
		problem web.Problem
		status  int
		title   string
		says    string
	}{
		"a bad request":                     {web.Problem{Status: 400}, 400, "That did not work", "cannot be read"},
		"nobody signed in":                  {web.Problem{Status: 401}, 401, "Sign in first", "not signed in"},
		"a role that is missing":            {web.Problem{Status: 403}, 403, "No access", "does not open this page"},
		"a page that is not there":          {web.Problem{Status: 404}, 404, "Nothing here", "leads nowhere"},
		"a method that is not allowed":      {web.Problem{Status: 405}, 405, "Not this way", "kind of request"},
		"a body that is too large":          {web.Problem{Status: 413}, 413, "Too much at once", "larger"},
		"a body of another type":            {web.Problem{Status: 415}, 415, "Wrong kind of content", "does not read"},
		"too many attempts":                 {web.Problem{Status: 429, RetryAfter: time.Minute}, 429, "Too many attempts", "Try again in 60 seconds."},
		"another mistake of the client's":   {web.Problem{Status: 431}, 431, "That did not work", "cannot be read"},
		"a fault of ours":                   {web.Problem{Status: 500}, 500, "Something went wrong", "not with you"},
		"another fault of ours":             {web.Problem{Status: 502}, 502, "Something went wrong", "not with you"},
		"texts of the caller's":             {web.Problem{Status: 403, Title: "From elsewhere", Detail: "Open the page anew."}, 403, "From elsewhere", "Open the page anew."},
		"a success is none":                 {web.Problem{Status: 200}, 500, "Something went wrong", "Status 500"},
		"a status that was forgotten":       {web.Problem{}, 500, "Something went wrong", "Status 500"},
		"a status that HTTP does not know":  {web.Problem{Status: 1000}, 500, "Something went wrong", "Status 500"},
		"a wait is told whatever the error": {web.Problem{Status: 502, RetryAfter: time.Second}, 502, "Something went wrong", "Try again in 1 second."},
	} {
		t.Run(name, func(t *testing.T) {
			w := record(problem(c.problem))
			if w.Code != c.status {
				t.Errorf("status is %d, want %d", w.Code, c.status)
			}
			all := elements(t, w.Body.String())
			if h1, title := find(all, "h1")[0].text, find(all, "title")[0].text; h1 != c.title || title != c.title {
				t.Errorf("headed %q, titled %q, want %q", h1, title, c.title)
			}
			if text := find(all, "main")[0].text; !strings.Contains(text, c.says) {
				t.Errorf("page says %q, want %q", text, c.says)
			}
		})
	}
}

// A store that cannot be asked signs nobody out, and the page says so before
// people look for their password.
func TestAStoreThatIsDownDoesNotLookLikeASignOut(t *testing.T) {
	w := record(problem(web.Problem{Status: http.StatusServiceUnavailable, RetryAfter: 1500 * time.Millisecond, Base: "/auth"}))
	all := elements(t, w.Body.String())
	if text := find(all, "main")[0].text; !strings.Contains(text, "If you were signed in, you still are.") {
		t.Errorf("page says %q", text)
	}
	if got := w.Header().Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After is %q", got)
	}
	if a := find(all, "a"); len(a) != 1 || a[0].attr["href"] != "/" {
		t.Errorf("the page leads on: %+v", a)
	}
}

func TestAProblemOffersTheWayOnThatThereIs(t *testing.T) {
	const grace = "grace@example.com"
	for name, c := range map[string]struct {
		problem web.Problem
		links   []string
	}{
		"to sign in, for nobody":                   {web.Problem{Status: 401, Base: "/gate"}, []string{"/gate/login"}},
		"to sign in, and lead back":                {web.Problem{Status: 401, Base: "/gate", ReturnTo: "/a?b=1"}, []string{"/gate/login?return_to=%2Fa%3Fb%3D1"}},
		"the front page, without a base path":      {web.Problem{Status: 401}, []string{"/"}},
		"to change who is signed in":               {web.Problem{Status: 403, Base: "/gate", SignedInAs: grace}, []string{"/gate/logout", "/"}},
		"and to come back as them":                 {web.Problem{Status: 403, Base: "/gate", SignedInAs: grace, ReturnTo: "/a"}, []string{"/gate/logout?return_to=%2Fa", "/"}},
		"to act for another account":               {web.Problem{Status: 403, Base: "/gate", SignedInAs: grace, OtherAccount: true, ReturnTo: "/a"}, []string{"/gate/account?return_to=%2Fa", "/gate/logout?return_to=%2Fa", "/"}},
		"the front page only, for nobody known":    {web.Problem{Status: 403, Base: "/gate"}, []string{"/"}},
		"the front page, from an unknown address":  {web.Problem{Status: 404, Base: "/gate"}, []string{"/"}},
		"the front page, from too many attempts":   {web.Problem{Status: 429, Base: "/gate"}, []string{"/"}},
		"to ask again, while something is away":    {web.Problem{Status: 503, Base: "/gate", Asked: true}, []string{""}},
		"to ask again, after a fault":              {web.Problem{Status: 500, Asked: true}, []string{""}},
		"to ask again, when it was too early":      {web.Problem{Status: 425, Asked: true}, []string{""}},
		"not to send again":                        {web.Problem{Status: 503, Base: "/gate"}, []string{"/"}},
		"back to the form that was sent":           {web.Problem{Status: 503, Base: "/gate", Back: "/gate/sessions"}, []string{"/gate/sessions"}},
		"not to ask again for what is wrong":       {web.Problem{Status: 400, Asked: true}, []string{"/"}},
		"the front page, from another mistake":     {web.Problem{Status: 413}, []string{"/"}},
		"the front page, from what is not allowed": {web.Problem{Status: 405, Asked: true}, []string{"/"}},
	} {
		t.Run(name, func(t *testing.T) {
			var links []string
			for _, a := range find(elements(t, record(problem(c.problem)).Body.String()), "a") {
				links = append(links, a.attr["href"])
			}
			if !slices.Equal(links, c.links) {
				t.Errorf("links are %q, want %q", links, c.links)
			}
		})
	}
}

func TestEveryProblemHasAWayOn(t *testing.T) {
	for status := 400; status < 600; status++ {
		for _, asked := range []bool{true, false} {
			if all := render(t, problem(web.Problem{Status: status, Asked: asked})); len(find(all, "a")) == 0 {
				t.Errorf("%d, asked %v: the page leads nowhere", status, asked)
			}
		}
	}
}

func TestOnlyARefusalSaysWhoIsSignedIn(t *testing.T) {
	for status, want := range map[int]bool{401: false, 403: true, 404: false, 503: false} {
		w := record(problem(web.Problem{Status: status, SignedInAs: "grace@example.com"}))
		if got := strings.Contains(w.Body.String(), "grace@example.com"); got != want {
			t.Errorf("status %d says who is signed in: %v", status, got)
		}
	}
}

func problem(p web.Problem) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) { p.Write(w, web.View{}) }
}
