package providertest

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/deploy/providertest/crm"
	"example.com/sidegate/deploy/providertest/fault"
	"example.com/sidegate/deploy/providertest/legacy"
	"example.com/sidegate/deploy/providertest/provider"
	"example.com/sidegate/sessionstore"
)

// newShipped takes a port for a shipped Caddyfile, whose site is localhost.
func newShipped(t *testing.T) *gatewaytest.Process {
	t.Helper()
	g := newGateway(t, gatewaytest.Site{})
	g.URL = fmt.Sprintf("http://localhost:%d", g.Port)
	return g
}

// runShipped runs the Caddyfile as it is shipped, but for addresses (pairs of
// what stands there and what goes in its place) and for where Caddy itself
// keeps its things.
func runShipped(t *testing.T, g *gatewaytest.Process, file string, addresses []string, env ...string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../caddyfiles", file))
	if err != nil {
		t.Fatal(err)
	}
	shipped := string(text)
	for i := 0; i < len(addresses); i += 2 {
		if !strings.Contains(shipped, addresses[i]) {
			t.Fatalf("%s does not speak of %s", file, addresses[i])
		}
		shipped = strings.ReplaceAll(shipped, addresses[i], addresses[i+1])
	}
	shipped = strings.Replace(shipped, "{\n\tsidegate {", "{\n\tadmin off\n\tpersist_config off\n\tstorage file_system "+g.Dir+"\n\tsidegate {", 1)
	shipped = strings.ReplaceAll(shipped, "http://localhost:8080 {", g.URL+" {")
	config := filepath.Join(g.Dir, "Caddyfile")
	if err := os.WriteFile(config, []byte(shipped), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := gatewaytest.CaddyCommand(context.Background(), g.Dir, "run", "--adapter", "caddyfile", "--config", config)
	cmd.Env = append(cmd.Env, env...)
	g.Run(cmd)
}

// sample reads a file of deploy/samples, numbers as they are written.
func sample(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../samples", name))
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.UseNumber()
	if err := decoder.Decode(into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// wantSample demands the session that the file says, but for the token, and
// for an id that the store has handed out.
func wantSample(t *testing.T, g *gatewaytest.Process, b *caller, file string) {
	t.Helper()
	var want sessionstore.UserSession
	sample(t, file, &want)
	status, _, got := b.session(g)
	if want.ID > 1_000_000_000 && want.ID < 2_000_000_000 {
		if got.ID <= 1_000_000_000 {
			t.Errorf("the id is %d, not one of the store's", got.ID)
		}
		got.ID = want.ID
	}
	if status != http.StatusOK || !reflect.DeepEqual(got, want) {
		t.Errorf("%d, the session is\n%+v, want\n%+v", status, got, want)
	}
}

// said makes the provider say the sample's claims of its person. What is of
// the token and not of the person, the provider decides.
func said(p *provider.Provider, claims, access map[string]any) (email string) {
	person := provider.Person{Subject: claims["sub"].(string), Email: claims["email"].(string), Name: claims["name"].(string)}
	person.Claims, person.AccessClaims = maps.Clone(claims), access
	for _, own := range []string{"iss", "sub", "aud", "exp", "iat", "sid", "email", "email_verified", "name"} {
		delete(person.Claims, own)
	}
	p.SetPerson(person)
	return person.Email
}

func TestTheExampleOfKeycloakSignsIn(t *testing.T) {
	t.Parallel()
	var says struct {
		Token  map[string]any
		Access map[string]any `json:"access_token"`
	}
	sample(t, "keycloak.json", &says)
	p, app := startProvider(t, provider.Config{Path: "/realms/acme", People: provider.DemoPeople()[2:]}), startLegacy(t)
	client := provider.Client{ID: "sidegate", Secret: "the-secret-of-the-example", ReadableAccessTokens: true}
	g := newShipped(t)
	register(p, client, "keycloak", g)
	runShipped(t, g, "keycloak.Caddyfile", []string{
		"https://sso.example.com/realms/acme", p.Issuer(), "127.0.0.1:8081", strings.TrimPrefix(app.URL(), "http://"),
	}, "OIDC_CLIENT_SECRET="+client.Secret)
	wantSample(t, g, signInAs(t, g, said(p, says.Token, says.Access)), "keycloak.session.json")
	t.Run("and keeps out who belongs to no organisation", func(t *testing.T) {
		page := mustVisit(t, provider.NewVisitor(linusAddress), g.URL+"/auth/login/keycloak")
		if page.Status != http.StatusForbidden || !strings.Contains(page.Body, "You belong to no organisation yet.") {
			t.Errorf("%d %s", page.Status, page.Body)
		}
	})
}

func TestTheExampleOfGoogleAndADirectorySignsIn(t *testing.T) {
	t.Parallel()
	var answers struct {
		Token     map[string]any
		Directory map[string]crm.Entry
	}
	sample(t, "google-crm.json", &answers)
	p, d, app := startProvider(t, provider.Config{KeepRefreshTokens: true, People: provider.DemoPeople()[:1]}), startCRM(t), startLegacy(t)
	client := provider.Client{ID: "1234987819200.apps.googleusercontent.com", Secret: "the-secret-of-the-example"}
	g := newShipped(t)
	register(p, client, "google", g)
	runShipped(t, g, "google-crm.Caddyfile", []string{
		"https://accounts.google.com", p.Issuer(), "http://127.0.0.1:8082/by-email?e=", d.URL(""),
		"127.0.0.1:8081", strings.TrimPrefix(app.URL(), "http://"),
	}, "GOOGLE_CLIENT_ID="+client.ID, "GOOGLE_CLIENT_SECRET="+client.Secret, "CRM_TOKEN="+crmCredential)
	email := said(p, answers.Token, nil)
	d.SetEntry(email, answers.Directory["crm"])
	b := signInAs(t, g, email)
	wantSample(t, g, b, "google-crm.session.json")
	t.Run("and tells the app of what the directory knows beside", func(t *testing.T) {
		_, page := b.open(g.URL + legacy.PublicPath)
		if page.Header.Get("X-Cost-Centre") != "R&D 7" || page.Header.Get("X-Webauth-Name") != "Grace Hopper" {
			t.Errorf("the app was told %v", page.Header)
		}
	})
	t.Run("and asks Google for the accounts of the company alone", func(t *testing.T) {
		asked := p.Asked()[0]
		if asked.Get("hd") != "example.com" || asked.Get("prompt") != "select_account" {
			t.Errorf("it was asked %v", asked)
		}
		page := mustVisit(t, provider.NewVisitor(adaAddress), g.URL+"/auth/login/google") // who has no hd
		if page.Status != http.StatusForbidden || !strings.Contains(page.Body, "Sign in with your example.com account.") {
			t.Errorf("%d %s", page.Status, page.Body)
		}
	})
	t.Run("and keeps out whom the directory has closed", func(t *testing.T) {
		entry := maps.Clone(answers.Directory["crm"])
		entry["status"] = "closed"
		d.SetEntry(email, entry)
		page := mustVisit(t, provider.NewVisitor(email), g.URL+"/auth/login/google")
		if page.Status != http.StatusForbidden || !strings.Contains(page.Body, "Your entry in the directory is not active.") {
			t.Errorf("%d %s", page.Status, page.Body)
		}
	})
}

// sampleLogin answers as the sample's app does, whose fields are user and pass.
func sampleLogin(body map[string]any, email, password string) fault.Fault {
	return func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var typed struct{ User, Pass string }
			if err := json.NewDecoder(r.Body).Decode(&typed); err != nil || typed.User != email || typed.Pass != password {
				w.WriteHeader(http.StatusUnauthorized)
				return
			}
			http.SetCookie(w, &http.Cookie{Name: "JSESSIONID", Value: "of-the-app", Path: "/", HttpOnly: true})
			w.Header().Set("Content-Type", "application/json")
			_ = json.NewEncoder(w).Encode(body) // the client may be gone
		})
	}
}

func TestTheExampleOfALegacyAppSignsIn(t *testing.T) {
	t.Parallel()
	var answer struct{ Body map[string]any }
	sample(t, "legacy-app.json", &answer)
	const email, password = linusAddress, "the-password-of-linus"
	app := startLegacy(t)
	app.Login.Break(sampleLogin(answer.Body, email, password))
	g := newShipped(t)
	runShipped(t, g, "legacy-app.Caddyfile", []string{"127.0.0.1:8081", strings.TrimPrefix(app.URL(), "http://")})
	b := mustType(t, g, " Linus@Example.com", password)
	wantSample(t, g, b, "legacy-app.session.json")
	t.Run("and gives the app its own credentials back", func(t *testing.T) {
		_, page := b.open(g.URL + legacy.PublicPath)
		if got, want := page.Header.Get("Authorization"), "Bearer "+answer.Body["token"].(string); got != want {
			t.Errorf("Authorization is %q, want %q", got, want)
		}
		if got := page.Header.Get("Cookie"); got != "JSESSIONID=of-the-app" {
			t.Errorf("Cookie is %q", got)
		}
	})
	t.Run("and keeps out whose account is closed", func(t *testing.T) {
		answer.Body["user"].(map[string]any)["active"] = "N"
		status, body := sendLogin(t, g, email, password)
		if status != http.StatusForbidden || !strings.Contains(body, "Your account is closed.") {
			t.Errorf("%d %s", status, body)
		}
	})
	t.Run("and knows a wrong password", func(t *testing.T) {
		if status, body := sendLogin(t, g, email, "x"); status != http.StatusUnauthorized {
			t.Errorf("%d %s", status, body)
		}
	})
}
