package faults_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// ruled is a site with two logins that cannot be asked again, and pages for
// those with a permission each.
type ruled struct {
	provider, app string // as logins, without what they map
	// What the tests change: what the role editor permits, what admin includes,
	// which list of a person the roles are, and a demand.
	editor, includes, roles, require string
}

// ruledPages are for those who have that permission.
const ruledPages = `session_endpoints
@orders path /orders
session_auth @orders {
	permission orders:read
}
@reports path /reports
session_auth @reports {
	permission reports:run
}
session_auth
reverse_proxy {upstream}`

// newRuled starts a provider and an app, both of which say of everybody that
// they have the role admin, and belong to the group reader.
func newRuled(t *testing.T) (r ruled, idp *gatewaytest.IDP) {
	t.Helper()
	idp = gatewaytest.NewIDP(t)
	idp.But(t, map[string]any{"uid": 7, "roles": []string{"admin"}, "groups": []string{"reader"}})
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var sent struct{ Email string }
		_ = json.NewDecoder(r.Body).Decode(&sent)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"uid":8,"email":%q,"roles":["admin"],"groups":["reader"]}`, sent.Email)
	}))
	t.Cleanup(app.Close)
	return ruled{provider: idp.Login("sso", "%s"), app: "login app legacy " + app.URL + " {\n%s\n}\n"}, idp
}

// options are the site's.
func (r ruled) options() string {
	lines := func(said string) string {
		text := fmt.Sprintf("map {\nemail `%[1]s.email`\nid `%[1]s.uid`\nroles `%[1]s.%[2]s`\n%[3]s\n}\n", said, cmp.Or(r.roles, "roles"),
			`accounts `+"`[{'accountId': 'acme'}, {'accountId': 'globex'}]`")
		if r.require != "" {
			text += fmt.Sprintf("require `'%s' in %s.groups` \"Readers only.\"\n", r.require, said)
		}
		return text
	}
	return fmt.Sprintf(r.provider, lines("token")) + fmt.Sprintf(r.app, lines("login.body")) +
		fmt.Sprintf("role admin {\nincludes %s\n}\nrole editor {\npermissions %s\n}\nrole reader {\npermissions reports:run\n}\n",
			cmp.Or(r.includes, "editor"), cmp.Or(r.editor, "orders:read"))
}

// changes of a ruled site, and how the pages are answered then.
var ruledChanges = []struct {
	name                  string
	change                func(*ruled)
	orders, reports, none int // none: of the page that everybody may see
}{
	{"what a role permits", func(r *ruled) { r.editor = "orders:write" }, 403, 403, 200},
	{"what a role includes", func(r *ruled) { r.includes = "reader" }, 403, 200, 200},
	{"what is mapped", func(r *ruled) { r.roles = "groups" }, 403, 200, 200},
	{"a demand", func(r *ruled) { r.require = "writer" }, 401, 401, 401},
}

// What a configuration says of roles is what it says now. A session does not
// keep what was said at the sign-in, nor is it written anew for that: a gateway
// that is configured otherwise would write it back.
func TestWhatAReloadChangesIsFollowedByTheNextRequestAndNotWritten(t *testing.T) {
	t.Parallel()
	rules, idp := newRuled(t)
	srv := redistest.Start(t)
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Bare: true, Routes: ruledPages, Options: rules.options()}.OnRedis(srv, gatewaytest.PresentSecret))
	people := signInRuled(t, p, idp)
	before := ruledRecords(t, srv)
	whole := p.Site.Options[len(rules.options()):]
	for _, c := range ruledChanges {
		changed := rules
		c.change(&changed)
		t.Run(c.name, func(t *testing.T) {
			p.Site.Options = changed.options() + whole
			p.Reload()
			for _, person := range people {
				wantPages(t, person, c.orders, c.reports, c.none)
			}
			p.Site.Options = rules.options() + whole
			p.Reload()
			for _, person := range people {
				wantPages(t, person, 200, 403, 200)
			}
		})
	}
	wantUnwritten(t, srv, before)
}

// While gateways are upgraded one after the other, two are configured in two
// ways. Each answers by its own, and neither writes.
func TestTwoGatewaysWithTwoConfigurationsAnswerEachByItsOwn(t *testing.T) {
	t.Parallel()
	rules, idp := newRuled(t)
	srv := redistest.Start(t)
	site := gatewaytest.Site{Bare: true, Routes: ruledPages, Options: rules.options()}.OnRedis(srv, gatewaytest.PresentSecret)
	one, other := gatewaytest.StartProcess(t, site), gatewaytest.NewProcess(t, site)
	people := signInRuled(t, one, idp)
	before := ruledRecords(t, srv)
	whole := other.Site.Options[len(rules.options()):]
	for i, c := range ruledChanges {
		changed := rules
		c.change(&changed)
		t.Run(c.name, func(t *testing.T) {
			other.Site.Options = changed.options() + whole
			if i == 0 {
				other.Start()
			} else {
				other.Reload()
			}
			for _, person := range people {
				here, there := person.At(t, one.Server), person.At(t, other.Server)
				for range 50 {
					wantPages(t, here, 200, 403, 200)
					wantPages(t, there, c.orders, c.reports, c.none)
				}
			}
		})
	}
	wantUnwritten(t, srv, before)
	t.Run("and who chooses an account at one has that written, and no more", func(t *testing.T) {
		changed := rules
		changed.roles = "groups"
		other.Site.Options = changed.options() + whole
		other.Reload()
		for _, person := range people {
			there := person.At(t, other.Server)
			there.Do(http.MethodPut, "/auth/session/primary-account", `{"accountId":"globex"}`, "Content-Type", gatewaytest.AsJSON).WantAccount(t, "globex")
			wantPages(t, there, 403, 200, 200)
			wantPages(t, person.At(t, one.Server), 200, 403, 200)
		}
		for i, s := range ruledRecords(t, srv) {
			was := before[i]
			if s.Version != was.Version+1 || !slices.Equal(s.User.FlatRolesList, was.User.FlatRolesList) || s.Grounds.BuiltUnder() != was.Grounds.BuiltUnder() {
				t.Errorf("version %d with the roles %q is written, after version %d with %q", s.Version, s.User.FlatRolesList, was.Version, was.User.FlatRolesList)
			}
		}
	})
}

// signInRuled signs somebody in through each of the logins.
func signInRuled(t *testing.T, p *gatewaytest.Process, idp *gatewaytest.IDP) []*gatewaytest.Browser {
	t.Helper()
	c := p.Client(t)
	c.SignIn("joan@example.com")
	people := []*gatewaytest.Browser{p.SignedInAt(t, idp, "mary", "sso-mary"), {Client: c, Jar: []string{c.Cookie}}}
	for _, person := range people {
		person.Do(http.MethodGet, "/auth/session", "").Want(t, http.StatusOK) // which takes back the word that they have just signed in
		wantPages(t, person, 200, 403, 200)
	}
	return people
}

func wantPages(t *testing.T, b *gatewaytest.Browser, orders, reports, none int) {
	t.Helper()
	for page, status := range map[string]int{"/orders": orders, "/reports": reports, "/": none, "/auth/session": none} {
		a := b.At(t, b.Server).Do(http.MethodGet, page, "")
		if a.StatusCode != status || len(a.Header["Set-Cookie"]) > 0 {
			t.Fatalf("%s is answered %s, and sets the cookies %q; want %d", page, a.Status, a.Header["Set-Cookie"], status)
		}
	}
}

// ruledRecords are the sessions of the two people.
func ruledRecords(t *testing.T, srv *redistest.Server) []*sessionstore.Session {
	t.Helper()
	records := append(gatewaytest.Records(t, srv, 7), gatewaytest.Records(t, srv, 8)...)
	if len(records) != 2 {
		t.Fatalf("there are %d sessions; want 2", len(records))
	}
	return records
}

func wantUnwritten(t *testing.T, srv *redistest.Server, before []*sessionstore.Session) {
	t.Helper()
	for i, s := range ruledRecords(t, srv) {
		if was := before[i]; s.Version != was.Version || !s.BuiltAt.Equal(was.BuiltAt) || s.Grounds.BuiltUnder() != was.Grounds.BuiltUnder() {
			t.Errorf("version %d of %v, under %s, was written in place of version %d of %v, under %s",
				s.Version, s.BuiltAt, s.Grounds.BuiltUnder(), was.Version, was.BuiltAt, was.Grounds.BuiltUnder())
		}
	}
}
