package providertest

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/deploy/providertest/crm"
	"example.com/sidegate/deploy/providertest/fault"
	"example.com/sidegate/deploy/providertest/legacy"
	"example.com/sidegate/deploy/providertest/provider"
)

// office is a gateway whose people are known to a provider and to directories.
type office struct {
	*gatewaytest.Process
	t        *testing.T
	provider *provider.Provider
	app      *legacy.App
}

func startOffice(t *testing.T, directories string) *office {
	t.Helper()
	o := &office{t: t, provider: startProvider(t, provider.Config{Algorithm: "ES256"}), app: startLegacy(t)}
	o.Process = newGateway(t, gatewaytest.Site{
		Options:  oidcLogin(t, "sso", o.provider, desk, mapping("id", "token.uid"), signInOptions) + directories,
		Upstream: o.app.URL(),
	})
	register(o.provider, desk, "sso", o.Process)
	o.Start()
	return o
}

// visit signs somebody in, with a browser of its own, as far as it goes.
func (o *office) visit(email string) (*provider.Page, *caller) {
	o.t.Helper()
	v := provider.NewVisitor(email)
	page := mustVisit(o.t, v, o.URL+"/auth/login/sso?return_to="+legacy.PublicPath)
	return page, callerOf(o.t, v)
}

func TestDirectoriesAreAskedAllAtOnce(t *testing.T) {
	t.Parallel()
	one, other := startCRM(t), startCRM(t)
	other.SetEntry(adaAddress, crm.Entry{"roles": []string{"from-hr"}})
	// Neither answers before both were asked.
	both, asked := make(chan struct{}), new(atomic.Int32)
	meet := func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if asked.Add(1) == 2 {
				close(both)
			}
			<-both
			next.ServeHTTP(w, r)
		})
	}
	one.ByEmail.Break(meet)
	other.ByEmail.Break(meet)
	o := startOffice(t, crmDirectory("crm", one, "timeout 30s", mapping("roles", "directory.crm.roles"))+
		crmDirectory("hr", other, "timeout 30s", mapping("roles", "identity.roles + directory.hr.roles")))
	page, b := o.visit(adaAddress)
	if page.Status != http.StatusOK {
		t.Fatalf("%d at %s", page.Status, page.URL)
	}
	// What they say is put in by the order of the configuration.
	if _, _, s := b.session(o.Process); !slices.Equal(s.FlatRolesList, []string{"admin", "on-call", "from-hr"}) {
		t.Errorf("the roles are %v", s.FlatRolesList)
	}
}

// What a directory can do wrong at a sign-in, and what becomes of it where the
// directory is required and where it is optional.
func TestWhatDirectoriesDoAtASignIn(t *testing.T) {
	t.Parallel()
	elsewhere := new(elsewhere)
	trap := httptest.NewServer(elsewhere)
	t.Cleanup(trap.Close)
	forever := make(chan struct{})
	t.Cleanup(func() { close(forever) })
	d := startCRM(t)
	lines := []string{"timeout 1s", mapping("roles", "directory.crm.?roles.orValue(['nobody-knows'])")}
	required := startOffice(t, crmDirectory("crm", d, lines...))
	optional := startOffice(t, crmDirectory("crm", d, append(lines, "optional")...))
	const in, refused, trouble = http.StatusOK, http.StatusForbidden, http.StatusServiceUnavailable
	for _, c := range []struct {
		name               string
		email              string
		fault              fault.Fault
		required, optional int
		calls              int // of each of the two; 0 where time decides
	}{
		{"answers", adaAddress, nil, in, in, 1},
		{"answers at the third attempt", adaAddress, fault.Status(http.StatusServiceUnavailable), in, in, 3},
		{"is unavailable", adaAddress, fault.Status(http.StatusServiceUnavailable), trouble, in, 3},
		{"fails", adaAddress, fault.Status(http.StatusInternalServerError), trouble, in, 1},
		{"does not take our credential", adaAddress, fault.Status(http.StatusUnauthorized), trouble, in, 1},
		{"does not know the person", adaAddress, fault.Status(http.StatusNotFound), refused, in, 1},
		{"tells of somebody else", adaAddress, crm.WrongPerson(graceAddress), trouble, trouble, 1},
		{"redirects", adaAddress, fault.Redirected(trap.URL), trouble, in, 1},
		{"answers a page", adaAddress, fault.HTML(), trouble, in, 1},
		{"answers half of it", adaAddress, fault.Truncated(), trouble, in, 1},
		{"answers more than is read", adaAddress, fault.Huge(8 << 20), trouble, in, 1},
		{"closes the connection", adaAddress, fault.Refused(), trouble, in, 3},
		{"does not answer in time", adaAddress, fault.Held(forever), trouble, in, 0},
	} {
		t.Run("one that "+c.name, func(t *testing.T) {
			for _, o := range []struct {
				*office
				want int
			}{{required, c.required}, {optional, c.optional}} {
				before := d.ByEmail.Count()
				switch {
				case c.name == "answers at the third attempt":
					d.ByEmail.Break(fault.Times(2, c.fault))
				case c.fault != nil:
					d.ByEmail.Break(c.fault)
				}
				page, b := o.visit(c.email)
				d.ByEmail.Mend()
				if page.Status != o.want {
					t.Errorf("%d, want %d", page.Status, o.want)
				}
				if status := b.status(o.Process); (status == http.StatusOK) != (o.want == in) {
					t.Errorf("the session is %d", status)
				}
				if calls := d.ByEmail.Count() - before; c.calls != 0 && calls != c.calls {
					t.Errorf("it was asked %d times, want %d", calls, c.calls)
				}
				if strings.Contains(page.Body, crmCredential) || strings.Contains(page.Body, d.URL("")) {
					t.Error("the page tells of the directory")
				}
			}
		})
	}
	t.Run("the credential goes nowhere else, and is not logged", func(t *testing.T) {
		if n := elsewhere.asked.Load(); n != 0 {
			t.Errorf("the redirect was followed %d times", n)
		}
		for _, o := range []*office{required, optional} {
			if strings.Contains(o.Log.String(), crmCredential) {
				t.Error("the log has it")
			}
			for _, r := range o.app.Requests() {
				if holds(r.Header, crmCredential) {
					t.Errorf("the app got it with %s", r.Path)
				}
			}
		}
	})
}

// elsewhere is where nothing should arrive.
type elsewhere struct{ asked atomic.Int64 }

func (e *elsewhere) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	e.asked.Add(1)
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte(`{"email":"ada@example.com","roles":["planted"]}`))
}

// holds tells whether any header has that text in it.
func holds(h http.Header, text string) bool {
	for _, values := range h {
		if slices.ContainsFunc(values, func(v string) bool { return strings.Contains(v, text) }) {
			return true
		}
	}
	return false
}

// At a refresh a directory that no longer knows the person ends the session,
// and trouble does not, whatever it is. The provider's next refresh token is
// kept through all of it.
func TestWhatDirectoriesDoAtARefresh(t *testing.T) {
	t.Parallel()
	d := startCRM(t)
	w := startPair(t, everySecond+crmDirectory("crm", d, "timeout 1s", "retries 0", mapping("roles", "directory.crm.roles")), mapping("id", "token.uid"))
	d.SetEntry(adaAddress, crm.Entry{"roles": []string{"first"}})
	b := w.signIn()
	for _, c := range []struct {
		name, role string
		fault      fault.Fault
		vouches    bool // for what it said before
	}{
		{"is unavailable", "second", fault.Status(http.StatusServiceUnavailable), true},
		{"tells of somebody else", "third", crm.WrongPerson(graceAddress), false},
		{"answers a page", "fourth", fault.HTML(), false},
		{"does not take our credential", "fifth", fault.Status(http.StatusForbidden), true},
		{"answers without what is mapped", "sixth", fault.JSON(func(entry map[string]any) { delete(entry, "roles") }), false},
	} {
		t.Run("one that "+c.name, func(t *testing.T) {
			_, role := b.page(w.gateways[0])
			d.ByEmail.Break(c.fault)
			d.SetEntry(adaAddress, crm.Entry{"roles": []string{c.role}})
			asked := d.ByEmail.Count()
			gatewaytest.Await(t, "it is asked", func() bool {
				status, roles := b.page(w.gateways[0])
				if status != http.StatusOK || roles != role && (c.vouches || roles != "") {
					t.Fatalf("in the trouble: %d %s", status, roles)
				}
				return d.ByEmail.Count() > asked
			})
			d.ByEmail.Mend()
			b.awaitRole(c.role, w.gateways...)
		})
	}
	d.RemoveEntry(adaAddress)
	b.awaitEnd(w.gateways...)
	w.wantNoReuse()
	for _, g := range w.gateways {
		if strings.Contains(g.Log.String(), crmCredential) {
			t.Error("the log has the directory's credential")
		}
	}
}
