package demand

import (
	"fmt"
	"net/http"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/sessionstore"
)

// What is told of decisions.
const (
	// Forbidden: somebody who is signed in may not do what they asked for. Login,
	// UserID, Session, Client, Method, Host, Path, Result: the rule, Err: what they
	// have, a *Lacking or an *Accounts.
	Forbidden lifecycle.Kind = "forbidden"
	// Anonymous: somebody who is not signed in was answered 401, or led to the login
	// page. Client, Method, Host, Path, Result: the rule.
	Anonymous lifecycle.Kind = "anonymous"
	// Reported: somebody was let pass because demands are only reported. Client,
	// Count: the status of the answer that it would have been, or 0, Err: a *Report
	// of what would have been refused.
	Reported lifecycle.Kind = "reported"
)

// Report is what would have been refused.
type Report struct {
	// Host and Path are what was asked for, without the query, and Method is how.
	Method, Host, Path string
	// UserID and Session are of who is signed in; zero where nobody is.
	UserID  int64
	Session string
	// Of is who demands, and Rule the first demand that is not met, as it is written.
	Of, Rule string
	// At is where the rule stands.
	At directive.Position
	// Status and Why are the answer that it would have been.
	Status int
	Why    string
}

// Error is that answer in words.
func (r *Report) Error() string { return r.Why }

// longest bounds what the log repeats of what a client made up.
const longest = 256

// Tell tells of a decision, where there is something to tell. To is the status of the
// answer in place of 401: people are led to the login page by another. Asker is who asks,
// as far as it is told of.
func (d *Demands) Tell(events lifecycle.Events, made *Decision, asked Request, r *http.Request, c *caller.Caller, to int,
	asker func(*http.Request) lifecycle.Asker,
) {
	switch {
	case made.Reported && made.Would == nil:
		events.Happened(lifecycle.Event{Kind: Reported})
	case made.Reported:
		events.Happened(reportOf(d, made, asked, r, c, to))
	case made.Why.OfRights():
		events.Happened(asker(r).Of(lifecycle.Event{
			Kind: Forbidden, Login: c.Session.Method, UserID: c.User.ID, Session: c.Session.Key,
			Result: d.Unmet(made, asked, c.User), Err: &Lacking{d.ready.of, c.User, d.Rulings(*made, asked, c)[0].At},
		}))
	case c.Standing != caller.SignedIn:
		if made.Why.Status == http.StatusUnauthorized {
			events.Happened(asker(r).Of(lifecycle.Event{Kind: Anonymous, Result: d.Rulings(*made, asked, c)[0].Rule}))
		}
	case made.Why == refusal.NeverPasses:
		told := Denied(asker(r), c)
		told.Result = neverPasses
		events.Happened(told)
	case made.Why == c.Refusal:
		events.Happened(Denied(asker(r), c))
	}
}

// What decides where no demand does.
const (
	ownAccount  = "X-Account-Id: an account of theirs"
	oneAccount  = "X-Account-Id: one account"
	neverPasses = "no method that never passes"
)

// Denied is Forbidden of who is signed in and asks for an account that is none of
// theirs, or for two.
func Denied(by lifecycle.Asker, c *caller.Caller) lifecycle.Event {
	rule := ownAccount
	if c.Refusal == refusal.TwoAccounts {
		rule = oneAccount
	}
	return by.Of(lifecycle.Event{
		Kind: Forbidden, Login: c.Session.Method, UserID: c.User.ID, Session: c.Session.Key, Result: rule, Err: &Accounts{c.User},
	})
}

// Accounts says which accounts somebody has.
type Accounts struct{ User *sessionstore.UserSession }

// Error is a list for the log: of many, the first.
func (a *Accounts) Error() string {
	names := make([]string, len(a.User.Accounts))
	for i := range a.User.Accounts {
		names[i] = a.User.Accounts[i].AccountID
	}
	return "accounts " + some(names)
}

func reportOf(d *Demands, made *Decision, asked Request, r *http.Request, c *caller.Caller, to int) lifecycle.Event {
	ruling := d.Rulings(*made, asked, c)[0]
	told := &Report{
		Of: d.ready.of, Rule: ruling.Rule, At: ruling.At,
		Method: cut(asked.Method), Host: cut(r.Host), Path: cut(asked.URL.Path), Status: made.Would.Status, Why: made.Would.Message,
	}
	if told.Status == http.StatusUnauthorized {
		told.Status = to
	}
	if c.MayPass() {
		told.UserID, told.Session = c.User.ID, c.Session.Key.ID()
	}
	return lifecycle.Event{Kind: Reported, Client: caller.Address(r), Count: told.Status, Err: told}
}

func cut(text string) string { return text[:min(len(text), longest)] }

// Lacking says what somebody has, where it was not enough.
type Lacking struct {
	// Of is who demands more, and User who has less.
	Of   string
	User *sessionstore.UserSession
	// At is where the rule stands.
	At directive.Position
}

// mostTold bounds how many names a line of the log repeats.
const mostTold = 20

// Error is a list for the log: of many, the first.
func (l *Lacking) Error() string {
	return "roles " + some(l.User.FlatRolesList) + ", permissions " + some(l.User.FlatPermissionsList)
}

func some(names []string) string {
	if more := len(names) - mostTold; more > 0 {
		return fmt.Sprintf("%q and %d more", names[:mostTold], more)
	}
	return fmt.Sprintf("%q", names)
}
