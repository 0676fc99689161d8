package web_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/web"
)

// lastFailure is the last one there is; one behind it does not exist.
const lastFailure = web.Spent

func TestAFailureIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		failure web.Failure
		says    string
		fields  bool // marked as invalid
	}{
		"a wrong password, without saying which of the two": {web.Wrong, "The email address or the password is not right.", true},
		"too many attempts, and how long to wait":           {web.Throttled, "too many attempts to sign in. Try again in 2 minutes.", false},
		"a crowd": {web.Busy, "Many people are signing in at once. Try again in 2 minutes.", false},
		"a source that is down, and whose fault it is not":     {web.Unavailable, "You have done nothing wrong", false},
		"a provider that did not sign anybody in":              {web.Unfinished, "Signing in at Acme did not finish", false},
		"an entry that makes no session":                       {web.Incomplete, "not complete", false},
		"a person or a provider that said no":                  {web.Denied, "signing in at Acme was cancelled or not allowed. Try again", false},
		"an attempt that took too long, or lost its cookie":    {web.Expired, "Try again. If that does not help, allow cookies", false},
		"a browser that sends no cookie":                       {web.NoCookie, "Your browser sent no cookie for this attempt, so", false},
		"a browser that keeps none over plain http, and why":   {web.NoCookiePlain, "If this address begins with http://, that is why", false},
		"a browser with more sign-ins than it may have":        {web.CrowdedOut, "Too many sign-ins were begun at once in this browser", false},
		"a sign-in whose cookie does not come back":            {web.Unkept, "Allow cookies for this site", false},
		"a sign-in over plain http that is not kept":           {web.UnkeptPlain, "If this address begins with http://, that is why", false},
		"a sign-in that this service does not know":            {web.UnkeptLost, "please tell whoever looks after this service", false},
		"a sign-in beside others":                              {web.UnkeptCrowded, "delete the cookies of this site", false},
		"a provider that says it is in trouble, and how long":  {web.ProviderTrouble, "says that it is in trouble for the moment, and not why. Try again in 2 minutes.", false},
		"a provider that says it is in trouble, by its name":   {web.ProviderTrouble, "Acme says that it is in trouble for the moment", false},
		"a provider of which something is not known yet":       {web.ProviderNotYet, "What came from Acme is not known here yet: it was asked for its keys and settings a moment ago. You have done nothing wrong: try again in 2 minutes.", false},
		"a provider that is away, by its name":                 {web.ProviderAway, "Acme cannot be reached at the moment, so nobody can sign in there. You have done nothing wrong: try again in 2 minutes.", false},
		"a provider that is set up otherwise, by its name":     {web.Mismatched, "This service and Acme are not set up for each other", false},
		"clocks that disagree, and who should know":            {web.Clock, "clocks of this service and of the one you signed in at do not agree", false},
		"an answer for somebody else, and who should know":     {web.Misconfigured, "please tell whoever looks after this service", false},
		"an answer to nothing that this browser asked":         {web.Forged, "does not belong to a sign-in begun in this browser", false},
		"an answer that was used, and what next":               {web.Spent, "had been used already, or came too late. Please sign in again.", false},
		"an email address that nobody verified, and what next": {web.Unverified, "not verified at Acme. If you can, verify it at Acme and try again", false},
		"an email address of which nothing is said":            {web.Unvouched, "does not say whether your email address is verified", false},
		"an email address that was not told, and what next":    {web.NoEmail, "No email address came from Acme. Add one to your account at Acme", false},
		"a refusal, and whom to ask":                           {web.Refused, "may not sign in here. If you think it should, ask", false},
		"a service that was set up anew, and what next":        {web.AskAgain, "Please sign in again.", false},
		"as many sessions as there may be, and what next":      {web.TooMany, "Sign out at one of them, then sign in here.", false},
		"a number that is somebody else's, and whom to tell":   {web.Taken, "belongs to somebody else here, so you cannot be signed in. Please tell whoever", false},
		"what cannot be mapped, and that it will not heal":     {web.Unmapped, "cannot be completed: your entry at Acme lacks something that this service needs, or has it in another form. Trying again will not help", false},
		"one that this page does not know, as unavailable":     {lastFailure + 1, "You have done nothing wrong", false},
	} {
		t.Run(name, func(t *testing.T) {
			all := render(t, login(web.Login{Password: true, Failure: c.failure, At: "Acme", RetryAfter: 2 * time.Minute}))
			if alert := verifyAlert(t, all); !strings.Contains(alert, c.says) {
				t.Errorf("alert is %q, want it to say %q", alert, c.says)
			}
			for _, field := range []string{"email", "password"} {
				e := input(all, field)
				if got := e.attr["aria-invalid"] == "true" && e.attr["aria-describedby"] == "failure"; got != c.fields {
					t.Errorf("%s is marked: %v", field, got)
				}
			}
		})
	}
	t.Run("none is no alert and no error in the title", func(t *testing.T) {
		all := render(t, login(web.Login{Password: true}))
		if byID(all, "failure") != nil || find(all, "title")[0].text != "Sign in" {
			t.Error("the page tells a failure")
		}
	})
}

// verifyAlert checks that a screen reader reads the failure first, and returns
// what it reads.
func verifyAlert(t *testing.T, all []*element) string {
	t.Helper()
	alert := byID(all, "failure")
	if alert == nil {
		t.Fatal("no alert")
	}
	_, focused := alert.attr["autofocus"]
	if alert.attr["role"] != "alert" || alert.attr["tabindex"] != "-1" || !focused {
		t.Errorf("the alert does not get the focus: %v", alert.attr)
	}
	if title := find(all, "title")[0].text; title != "Error: Sign in" {
		t.Errorf("title is %q", title)
	}
	return alert.text
}

// They said "there", or "dort", and nothing stood before it.
func TestAFailureAtAProviderNamesIt(t *testing.T) {
	there := regexp.MustCompile(`\b([Tt]here|[Dd]ort)\b`)
	for _, tag := range []string{"en", "de"} {
		for _, f := range []web.Failure{web.Denied, web.Unfinished, web.Unverified, web.NoEmail, web.Unmapped} {
			for _, at := range []string{"", "Acme"} {
				w := record(func(w http.ResponseWriter) { web.Login{Failure: f, At: at}.Write(w, in(tag), http.StatusForbidden) })
				text := byID(elements(t, w.Body.String()), "failure").text
				if there.MatchString(text) || strings.Contains(text, "Acme") != (at != "") {
					t.Errorf("%s, of failure %d at %q: %s", tag, f, at, text)
				}
			}
		}
	}
}

func TestEveryFailureHasATextOfItsOwn(t *testing.T) {
	seen := map[string]web.Failure{}
	for f := web.Wrong; f <= lastFailure; f++ {
		text := told(t, web.Login{Failure: f})
		if other, taken := seen[text]; taken {
			t.Errorf("failures %d and %d both say %q", other, f, text)
		}
		seen[text] = f
	}
	if len(seen) != int(lastFailure) {
		t.Errorf("%d texts of %d failures", len(seen), lastFailure)
	}
}

// What is not echoed cannot be injected (CVE-2024-21496, CVE-2023-52430): the
// text is the same whatever came in and whoever it was.
func TestNothingOfARequestIsInAFailuresText(t *testing.T) {
	for f := web.Wrong; f <= lastFailure; f++ {
		plain := verifyAlert(t, render(t, login(web.Login{Failure: f})))
		filled := verifyAlert(t, render(t, login(web.Login{Failure: f, Base: "/gate", Password: true, Providers: twoProviders,
			ReturnTo: "/orders", SignedInAs: "ada@example.com"})))
		if plain != filled {
			t.Errorf("failure %d says %q, and with a request %q", f, plain, filled)
		}
	}
}

func TestARefusalSaysWhatTheConfigurationSays(t *testing.T) {
	for name, c := range map[string]struct {
		page web.Login
		want string
	}{
		"in its words alone": {web.Login{Failure: web.Refused, Reason: "Only the people of Acme sign in here."},
			"Only the people of Acme sign in here."},
		"which are text, whatever they look like": {web.Login{Failure: web.Refused, Reason: `<a href="//evil">R&D</a> only`},
			`<a href="//evil">R&D</a> only`},
		"or a fixed text when it says nothing": {web.Login{Failure: web.Refused, Reason: " \t"},
			told(t, web.Login{Failure: web.Refused})},
		"and nothing of it with another failure": {web.Login{Failure: web.Denied, Reason: "Only the people of Acme sign in here."},
			told(t, web.Login{Failure: web.Denied})},
	} {
		t.Run(name, func(t *testing.T) {
			all := render(t, login(c.page))
			if got := verifyAlert(t, all); got != c.want {
				t.Errorf("alert is %q, want %q", got, c.want)
			}
			if a := find(all, "a"); len(a) != 0 {
				t.Errorf("the page leads to %q", a[0].attr["href"])
			}
		})
	}
	t.Run("and nothing of it when nothing failed", func(t *testing.T) {
		w := record(login(web.Login{Password: true, Reason: "Only the people of Acme sign in here."}))
		if strings.Contains(w.Body.String(), "Acme") {
			t.Error("the page says it")
		}
	})
}

func TestAfterAFailureThereIsAWayToTryAgain(t *testing.T) {
	for f := web.Wrong; f <= lastFailure; f++ {
		page := web.Login{Base: "/auth", Providers: twoProviders, Failure: f, SignedInAs: "ada@example.com"}
		all := elements(t, record(func(w http.ResponseWriter) { page.Write(w, web.View{}, http.StatusUnauthorized) }).Body.String())
		if a := find(all, "a"); len(a) != 2 || a[0].attr["href"] != twoProviders[0].Href {
			t.Errorf("failure %d leads on by %+v", f, a)
		}
	}
}

// told is what the login page tells of a failure.
func told(t *testing.T, l web.Login) string {
	t.Helper()
	return byID(render(t, login(l)), "failure").text
}
