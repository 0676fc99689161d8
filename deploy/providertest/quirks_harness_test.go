package providertest

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/deploy/providertest/provider"
	"example.com/sidegate/deploy/providertest/standin"
)

// quirk is a row: a provider that does something otherwise, and what comes of it.
type quirk struct {
	saw     string // what the person saw, or the operator
	quirks  standin.Quirks
	options string // lines of the login; ISSUER is the stand-in's address
	before  func(*testing.T, *tried)
	after   func(*testing.T, *tried)

	status int      // of the page that says no; zero: they are signed in
	page   string   // what it says
	roles  []string // of who is signed in
	log    []string // what the log says of the login at WARN or ERROR; none: nothing
	info   []string // what it says at INFO
	seldom bool     // it says so at most once a second, whichever provider is down
}

// groups maps a claim to roles, as most do.
const groups = "map {\nroles `token.?groups.orValue([])`\n}"

// tried is a row under test.
type tried struct {
	*gatewaytest.Process
	login    string
	provider *standin.Provider
	visitor  *provider.Visitor
	// answer is what the provider led the browser back with, the last time.
	answer *url.URL
}

// startQuirks runs a gateway with a login for each row: many gateways would take
// their time to start.
func startQuirks(t *testing.T, rows []quirk) []*tried {
	t.Helper()
	all := make([]*tried, len(rows))
	var options strings.Builder
	for i, row := range rows {
		p, err := standin.Start(row.quirks)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(p.Close)
		all[i] = &tried{login: fmt.Sprintf("quirk-%d", i+1), provider: p, visitor: provider.NewVisitor(standin.Email)}
		lines := []string{"issuer " + p.Issuer(), "client_id " + standin.ClientID, "client_secret " + standin.ClientSecret}
		if row.options != "" {
			lines = append(lines, strings.ReplaceAll(row.options, "ISSUER", p.URL()))
		}
		options.WriteString(block("login oidc "+all[i].login, lines...))
	}
	g := startGateway(t, gatewaytest.Site{Options: options.String()})
	for _, r := range all {
		r.Process = g
		r.visitor.Client.CheckRedirect = r.remember
	}
	return all
}

// remember keeps the address that the provider leads back to.
func (r *tried) remember(next *http.Request, before []*http.Request) error {
	if strings.HasPrefix(next.URL.Path, "/auth/callback/") {
		r.answer = next.URL
	}
	if len(before) > 10 {
		return http.ErrUseLastResponse
	}
	return nil
}

// signIn goes by the login's button.
func (r *tried) signIn(t *testing.T) *provider.Page {
	t.Helper()
	return mustOpen(t, r.visitor, r.URL+"/auth/login/"+r.login)
}

// wantOut demands that the person is told no, in these words.
func (r *tried) wantOut(t *testing.T, page *provider.Page, status int, words string) {
	t.Helper()
	if page.Status != status || !strings.Contains(html.UnescapeString(page.Body), words) {
		t.Errorf("%d at %s, want %d with %q:\n%s", page.Status, page.URL.Path, status, words, page.Body)
	}
	wantStranger(t, r.visitor, r.Process)
}

// wantIn demands that the person is signed in, with these roles.
func (r *tried) wantIn(t *testing.T, page *provider.Page, roles []string) {
	t.Helper()
	status, user := sessionAt(t, r.visitor, r.Process)
	if status != http.StatusOK || user.Email != standin.Email || !slices.Equal(user.FlatRolesList, roles) {
		t.Errorf("%d, %s with the roles %q, want %q; the page is %d\n%s", status, user.Email, user.FlatRolesList, roles, page.Status, page.Body)
	}
}

// submit sends a form as a page does that somebody looks at.
func submit(t *testing.T, v *provider.Visitor, address string, form url.Values) *provider.Page {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Sec-Fetch-Mode", "navigate")
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := v.Client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return pageOf(t, resp)
}

var (
	actionOf = regexp.MustCompile(`<form method="post" action="([^"]*)"[^>]*>`)
	hiddenIn = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)
)

// formOf is what the one form of a page would post, and where to.
func formOf(t *testing.T, page *provider.Page) (form url.Values, action string) {
	t.Helper()
	found := actionOf.FindStringSubmatch(page.Body)
	if found == nil {
		t.Fatalf("there is no form in\n%s", page.Body)
	}
	form = make(url.Values)
	for _, field := range hiddenIn.FindAllStringSubmatch(page.Body, -1) {
		form.Set(field[1], html.UnescapeString(field[2]))
	}
	return form, html.UnescapeString(found[1])
}

// told are the lines of the log that name the login, as texts, of those levels.
func (r *tried) told(levels string) (said string) {
	for line := range strings.Lines(r.Log.String()) {
		var l struct{ Level, Login, Msg, Error, Field string }
		if json.Unmarshal([]byte(line), &l) == nil && l.Login == r.login && strings.Contains(levels, l.Level) {
			said += l.Msg + ": " + l.Field + " " + l.Error + "\n"
		}
	}
	return said
}

// wantTold demands the words at those levels, and no line where there are none.
func (r *tried) wantTold(t *testing.T, levels string, words []string) {
	t.Helper()
	lacking := func(word string) bool {
		return !strings.Contains(r.told(levels), strings.ReplaceAll(word, "ISSUER", r.provider.URL()))
	}
	if len(words) == 0 {
		if said := r.told(levels); said != "" {
			t.Errorf("the log says at %s: %s", levels, said)
		}
		return
	}
	gatewaytest.Await(t, fmt.Sprintf("the log says %q", words), func() bool { return !slices.ContainsFunc(words, lacking) },
		func() string { return r.told(levels) })
}

// awaitTold tries again until the log tells of it.
func (r *tried) awaitTold(t *testing.T) {
	t.Helper()
	gatewaytest.Await(t, "the log tells of the provider", func() bool {
		told := r.told("warn error") != ""
		if !told {
			r.signIn(t)
		}
		return told
	})
}

// wantNoSecret demands that nothing of what goes between provider and gateway is
// in the log or on the page.
func (r *tried) wantNoSecret(t *testing.T, page *provider.Page) {
	t.Helper()
	for _, secret := range r.provider.Secrets() {
		if strings.Contains(r.Log.String()+page.Body, secret) {
			t.Errorf("the page or the log tells %q", secret)
		}
	}
}

func TestQuirksOfProviders(t *testing.T) {
	t.Parallel()
	for i, r := range startQuirks(t, quirksOfProviders) {
		row := quirksOfProviders[i]
		t.Run(row.saw, func(t *testing.T) {
			if row.before != nil {
				row.before(t, r)
			}
			page := r.signIn(t)
			if row.status != 0 {
				r.wantOut(t, page, row.status, row.page)
			} else {
				r.wantIn(t, page, row.roles)
			}
			if row.after != nil {
				row.after(t, r)
			}
			if row.seldom {
				r.awaitTold(t)
			}
			r.wantTold(t, "warn error", row.log)
			if len(row.info) > 0 {
				r.wantTold(t, "info", row.info)
			}
			r.wantNoSecret(t, page)
		})
	}
}
