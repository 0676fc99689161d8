package providertest

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/deploy/providertest/legacy"
	"example.com/sidegate/deploy/providertest/provider"
)

// legacyMap makes a session of the app's answer; the app's texts become
// numbers and lists.
var legacyMap = []string{
	"id", `stable_id("legacy", login.body.user.user_id)`,
	"roles", `login.body.user.roles.split(",").map(r, r.trim())`,
	"accounts", `login.body.user.companies.map(c, {"accountId": c.code, "accountName": c.title, "accountAdmin": c.owner == "Y"})`,
	"primary_account", `login.body.user.company`,
}

// withToken is that, and the app's JWT for upstream_token.
var withToken = append(legacyMap[:len(legacyMap):len(legacyMap)], "upstream_token", "login.body.token")

// legacyRoutes give the app's credentials back, but not below /plain/.
const legacyRoutes = `session_endpoints
	handle /plain/* {
		session_auth
		reverse_proxy {app}
	}
	handle /foreign/* {
		session_auth {
			upstream_token legacy
			foreign_bearer
		}
		reverse_proxy {app}
	}
	handle {
		session_auth {
			upstream_token legacy
		}
		reverse_proxy {app}
	}`

// legacySite is a gateway in front of the app, whose own login signs in.
func legacySite(a *legacy.App, options string) gatewaytest.Site {
	return gatewaytest.Site{Options: options, Routes: strings.ReplaceAll(legacyRoutes, "{app}", a.URL())}
}

// typed signs somebody in on the gateway's form.
func typed(t *testing.T, g *gatewaytest.Process, email, password string) (*caller, int) {
	t.Helper()
	v := provider.NewVisitor("")
	page := signInByForm(t, v, g, email, password)
	return callerOf(t, v), page.Status
}

// mustType is typed for what is right.
func mustType(t *testing.T, g *gatewaytest.Process, email, password string) *caller {
	t.Helper()
	b, _ := typed(t, g, email, password)
	if status := b.status(g); status != http.StatusOK {
		t.Fatalf("%s is not signed in: %d", email, status)
	}
	return b
}

// sendLogin signs in as a program does.
func sendLogin(t *testing.T, g *gatewaytest.Process, email, password string) (status int, body string) {
	t.Helper()
	request, err := json.Marshal(map[string]string{"email": email, "password": password})
	if err != nil {
		t.Fatal(err)
	}
	resp, text, err := callerOf(t, provider.NewVisitor("")).post(g.URL+"/auth/login", string(request))
	if err != nil {
		t.Fatal(err)
	}
	return resp, text
}

func (b *caller) post(address, body string) (int, string, error) {
	status, _, text, err := b.do(b.t.Context(), http.MethodPost, address, body, "Content-Type", "application/json")
	return status, string(text), err
}

// open opens a page of the app that only the app's own credentials open.
func (b *caller) open(address string, header ...string) (int, legacy.Page) {
	b.t.Helper()
	status, _, body := b.must(http.MethodGet, address, "", header...)
	var page legacy.Page
	_ = json.Unmarshal(body, &page) // what the gateway refuses is no page
	return status, page
}

// credentialsOf are what the app itself gives somebody: its JWT and its cookie.
func credentialsOf(t *testing.T, a *legacy.App, email string) (token, cookie string) {
	t.Helper()
	resp, err := http.Post(a.URL()+"/api/login", "application/json", strings.NewReader(`{"email":"`+email+`","password":"`+legacy.DemoPassword+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct{ Token string }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Token == "" {
		t.Fatalf("%s at the app: %d %v", email, resp.StatusCode, err)
	}
	return answer.Token, resp.Cookies()[0].Value
}
