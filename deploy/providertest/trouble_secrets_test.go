package providertest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/deploy/providertest/fault"
	"example.com/sidegate/deploy/providertest/legacy"
	"example.com/sidegate/deploy/providertest/provider"
)

// TestNoSecretIsInLogsOrPages goes through sign-ins and sign-outs, those that
// fail too, with the log at its most talkative, and then looks for each secret.
func TestNoSecretIsInLogsOrPages(t *testing.T) {
	t.Parallel()
	app := startLegacy(t)
	s := newShop(t, provider.Config{}, gatewaytest.Site{Upstream: app.URL(), Global: "debug"}, signInOptions)
	s.Start()
	w := newWitness(s.provider)
	secrets := map[string]string{"the client secret": s.client.Secret, "the client secret, encoded": url.QueryEscape(s.client.Secret)}
	pages := make(map[string]string)
	browse := func(name, email string) *tracked { return &tracked{t, s, secrets, pages, name, quiet(email)} }

	ada := browse("ada", adaAddress)
	ada.deliver(ada.answer())
	ada.visit(s.URL + legacy.PublicPath)
	if status, _ := sessionAt(t, ada.Visitor, s.Process); status != http.StatusOK {
		t.Fatalf("Ada is not signed in: %d", status)
	}
	thief := browse("thief", linusAddress)
	for name, change := range map[string]func(url.Values){
		"no state": del("state"), "no iss": del("iss"), "two codes": again("code"), "another code": set("code", "made-up-code-of-a-thief"),
		"an error": set("error", "server_error"), "a state cut short": func(q url.Values) { q.Set("state", q.Get("state")[:20]) },
	} {
		thief.name = name
		thief.deliver(with(thief.url(), change))
	}
	for name, broken := range map[string]fault.Fault{
		"cut short": fault.All(fault.Truncated(), w.watch()), "broken off": fault.All(fault.Dropped(), w.watch()),
		"wrong nonce": fault.All(s.provider.WrongClaim("nonce", "x"), w.watch()), "wrong key": fault.All(
			s.provider.ForgedIDToken(func(f *provider.JWT) { f.Header["kid"] = "x" }), w.watch()),
		"a quarrelsome refusal": fault.All(repeatsTheRequest(), w.watch()),
	} {
		s.provider.At(provider.Token).Break(broken)
		thief.name = name
		thief.deliver(thief.answer())
	}
	logout := signed(t, s.provider.LogoutToken("shop", "nobody", ""))
	secrets["a logout token"] = logout
	wantLogout(t, s.Process, logout, http.StatusOK)
	wantLogout(t, s.Process, logout, http.StatusBadRequest)
	for _, c := range cookiesAt(t, ada.Visitor, s.Process) {
		if c.Name == "sidegate" { // the provider's, of the same host, is the app's to see
			secrets["Ada's cookie"] = c.Value
		}
	}
	pages["signed out"] = signOut(t, ada.Visitor, s.Process).Body

	for i, secret := range w.secrets {
		secrets[fmt.Sprintf("secret %d of the token endpoint", i)] = secret
	}
	said := s.Log.String()
	for _, must := range []string{"signed in", "sign-in not finished", "upstream roundtrip", `"level":"debug"`} {
		if !strings.Contains(said, must) {
			t.Errorf("the log does not speak of %q: it is not that of the flows", must)
		}
	}
	if len(secrets) < 25 {
		t.Errorf("only %d secrets are known", len(secrets))
	}
	for name, secret := range secrets {
		if strings.Contains(said, secret) {
			t.Errorf("%s is in the log", name)
		}
		for page, body := range pages {
			if strings.Contains(body, secret) {
				t.Errorf("%s is on the page of %s", name, page)
			}
		}
	}
}

// repeatsTheRequest is an error of the token endpoint that says all that it was
// sent, as some do.
func repeatsTheRequest() fault.Fault {
	return fault.Rewrite(func(r *http.Request, a *fault.Answer) {
		a.Status, a.Body = http.StatusBadRequest, fmt.Appendf(nil, `{"error":"invalid_request","error_description":%q}`, r.PostForm.Encode())
	})
}

// quiet is a visitor that heeds Referrer-Policy, as browsers do.
func quiet(email string) *provider.Visitor {
	v := provider.NewVisitor(email)
	v.Client.Transport = noReferrer{}
	return v
}

type noReferrer struct{}

func (noReferrer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Del("Referer")
	return http.DefaultTransport.RoundTrip(r)
}

// tracked is a visitor whose secrets and pages are remembered.
type tracked struct {
	t       *testing.T
	s       *shop
	secrets map[string]string
	pages   map[string]string
	name    string
	*provider.Visitor
}

// url is the provider's answer, whose code and state are secrets.
func (v *tracked) url() *url.URL {
	v.t.Helper()
	answer := answerOf(v.t, v.Visitor, v.s.Process, "keycloak")
	v.secrets["the code of "+v.name] = answer.Query().Get("code")
	v.secrets["the state of "+v.name] = answer.Query().Get("state")
	v.secrets["the attempt of "+v.name] = attemptCookie(v.t, v.Visitor, v.s.Process, answer).Value
	return answer
}

func (v *tracked) answer() string { return v.url().String() }

func (v *tracked) deliver(answer string) { v.visit(answer) }

func (v *tracked) visit(address string) {
	v.t.Helper()
	path, _, _ := strings.Cut(address, "?")
	v.pages[v.name+" at "+path] = mustOpen(v.t, v.Visitor, address).Body
}
