package demand_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/sessionstore"
)

func signedIn(roles ...string) *caller.Caller {
	s := &sessionstore.Session{User: sessionstore.UserSession{ID: 7, FlatRolesList: roles}, Method: "users"}
	return &caller.Caller{Standing: caller.SignedIn, Session: s, User: &s.User}
}

var (
	anonymous  = &caller.Caller{Refusal: refusal.Anonymous}
	badToken   = &caller.Caller{Standing: caller.Rejected, PresentedToken: true, Refusal: refusal.Token}
	cannotTell = &caller.Caller{Standing: caller.CannotTell, Refusal: refusal.Unavailable}
)

func prepared(t *testing.T, d demand.Demands) *demand.Demands {
	t.Helper()
	if err := d.Prepare("policy staff"); err != nil {
		t.Fatal(err)
	}
	return &d
}

func get(t testing.TB, path string) demand.Request {
	t.Helper()
	u, err := url.ParseRequestURI(path)
	if err != nil {
		t.Fatal(err)
	}
	return demand.Request{URL: u, Method: http.MethodGet}
}

var admins = []demand.Requirement{{Roles: []string{"admin"}}}

func TestWhatIsOnlyReportedPasses(t *testing.T) {
	whole := demand.Demands{Require: admins, Public: []string{"/open"}, ReportOnly: true}
	rule := demand.Demands{Paths: []demand.PathRule{
		{Patterns: []string{"/admin/*"}, Require: admins, ReportOnly: true}, {Patterns: []string{"/owner/*"}, Require: admins},
	}}
	for _, c := range []struct {
		name       string
		demands    demand.Demands
		path       string
		who        *caller.Caller
		why, would *refusal.Refusal
		reported   bool
	}{
		{"without a session", whole, "/x", anonymous, nil, refusal.Anonymous, true},
		{"without the role", whole, "/x", signedIn("viewer"), nil, refusal.Role, true},
		{"with a bad token", whole, "/x", badToken, nil, refusal.Token, true},
		{"when nobody can tell", whole, "/x", cannotTell, nil, refusal.Unavailable, true},
		{"with the role", whole, "/x", signedIn("admin"), nil, nil, true},
		{"what is public", whole, "/open", anonymous, nil, nil, true},
		{"by a rule that reports", rule, "/admin/x", signedIn("viewer"), nil, refusal.Role, true},
		{"by a rule that reports, in another reading", rule, "/x/..%2fadmin/x", signedIn("viewer"), nil, refusal.Role, true},
		{"not what the whole demands beside it", rule, "/admin/x", anonymous, refusal.Anonymous, nil, false},
		{"not what another rule demands", rule, "/owner/x", signedIn("viewer"), refusal.Role, nil, false},
		{"not one that leads to both", rule, "/admin/..%2fowner/x", signedIn("viewer"), refusal.Role, nil, false},
		{"nor is what passes refused", rule, "/x", signedIn("viewer"), nil, nil, true},
		{"without the word, nothing is reported", demand.Demands{Require: admins}, "/x", signedIn("viewer"), refusal.Role, nil, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := prepared(t, c.demands).Decide(get(t, c.path), c.who)
			if got.Why != c.why || got.Would != c.would || got.Reported != c.reported {
				t.Errorf("got %+v", got)
			}
		})
	}
}

type heard []lifecycle.Event

func (h *heard) Happened(e lifecycle.Event) { *h = append(*h, e) }

func (h *heard) Trouble(context.Context, string, error) {}

func TestWhatIsDecidedIsTold(t *testing.T) {
	report := demand.Demands{Paths: []demand.PathRule{{Patterns: []string{"/admin/*"}, Require: admins, ReportOnly: true}}, ReportOnly: true}
	for _, c := range []struct {
		name    string
		demands demand.Demands
		path    string
		who     *caller.Caller
		kind    lifecycle.Kind
		count   int
		rule    string
	}{
		{"a role that is missing", demand.Demands{Require: admins}, "/x", signedIn("viewer"), demand.Forbidden, 0, "role admin"},
		{"a role that a rule demands", demand.Demands{Paths: []demand.PathRule{{Patterns: []string{"/x"}, Require: admins}}}, "/x", signedIn("viewer"),
			demand.Forbidden, 0, "path /x: role admin"},
		{"what would have led to the login page", report, "/admin/x?token=secret", anonymous, demand.Reported, http.StatusSeeOther, "a session"},
		{"what would have been forbidden", report, "/admin/x", signedIn("viewer"), demand.Reported, http.StatusForbidden, "path /admin/*: role admin"},
		{"what would have passed", report, "/admin/x", signedIn("admin"), demand.Reported, 0, ""},
		{"who is not signed in", demand.Demands{}, "/x", anonymous, demand.Anonymous, 0, "a session"},
		{"who is not signed in and asks for what a rule demands", demand.Demands{Paths: []demand.PathRule{{Patterns: []string{"/x"}, Require: admins}}},
			"/x?token=secret", anonymous, demand.Anonymous, 0, "a session"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, asked, events := prepared(t, c.demands), get(t, c.path), heard{}
			made := d.Decide(asked, c.who)
			r := caddyhttp.PrepareRequest(httptest.NewRequest(http.MethodGet, "http://a.example"+c.path, nil), caddy.NewReplacer(), httptest.NewRecorder(), nil)
			d.Tell(&events, &made, asked, r, c.who, http.StatusSeeOther, caller.Asker)
			if len(events) != 1 || events[0].Kind != c.kind || events[0].Count != c.count {
				t.Fatalf("told is %+v", events)
			}
			if e := events[0]; e.Kind != demand.Reported && (e.Method != http.MethodGet || e.Host != "a.example" || e.Path != "/x") {
				t.Errorf("told is how and what was asked for as %s %s %s", e.Method, e.Host, e.Path)
			}
			rule := events[0].Result
			if told, ok := events[0].Err.(*demand.Report); ok {
				rule = told.Rule
				if told.Host != "a.example" || told.Path != "/admin/x" || told.Method != http.MethodGet || strings.Contains(told.Error(), "secret") {
					t.Errorf("reported is %+v", told)
				}
			}
			if rule != c.rule {
				t.Errorf("the rule is %q", rule)
			}
			of := ""
			switch told := events[0].Err.(type) {
			case *demand.Report:
				of = told.Of
			case *demand.Lacking:
				of = told.Of
			}
			if events[0].Err != nil && of != "policy staff" {
				t.Errorf("it is said of %q", of)
			}
		})
	}
}

func TestCountsAreByTheAnswerThatItWouldHaveBeen(t *testing.T) {
	var c demand.Counts
	for _, status := range []int{0, 0, 303, 400, 401, 403, 503, 418} {
		c.Add(status)
	}
	if got := c.All(); got != [6]int64{2, 1, 1, 1, 1, 2} {
		t.Errorf("%v counted as %v", demand.Answers, got)
	}
}

func TestDemandsThatCannotWork(t *testing.T) {
	for name, c := range map[string]struct {
		demands demand.Demands
		want    string
	}{
		"a rule that opens and reports":       {demand.Demands{Paths: []demand.PathRule{{Patterns: []string{"/a"}, Public: true, ReportOnly: true}}}, "it refuses nobody"},
		"optional beside a demand":            {demand.Demands{Optional: true, Require: admins}, "optional lets in who is not signed in"},
		"a requirement that names nothing":    {demand.Demands{Require: []demand.Requirement{{}}}, "names no role and no permission"},
		"a path that can be read in two ways": {demand.Demands{Public: []string{"/a//b"}}, "public"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := c.demands.Prepare(""); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestWhatASiteIsToldOfDemands(t *testing.T) {
	for _, c := range []struct {
		name                    string
		demands                 demand.Demands
		refuses, leads, opensIt bool
	}{
		{"a session", demand.Demands{}, true, true, false},
		{"optional", demand.Demands{Optional: true}, false, false, true},
		{"optional with a rule", demand.Demands{Optional: true, Paths: []demand.PathRule{{Patterns: []string{"/a"}}}}, true, true, true},
		{"optional with a rule that reports", demand.Demands{Optional: true, Paths: []demand.PathRule{{Patterns: []string{"/a"}, ReportOnly: true}}}, true, false, true},
		{"only reported", demand.Demands{ReportOnly: true}, true, false, true},
		{"a public path", demand.Demands{Public: []string{"/login"}}, true, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.demands.RefusesSomebody(); got != c.refuses {
				t.Errorf("refuses somebody: %v", got)
			}
			if got := c.demands.LeadsToLogin(); got != c.leads {
				t.Errorf("leads to the login page: %v", got)
			}
			if got := c.demands.MayOpen()("/login"); got != c.opensIt {
				t.Errorf("may open: %v", got)
			}
		})
	}
}
