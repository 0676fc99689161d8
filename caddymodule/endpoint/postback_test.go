package endpoint_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// posting is a gateway that a provider's answer comes to in a form, and a browser
// on its way back there with that answer.
func posting(t *testing.T) (*gatewaytest.IDP, *gatewaytest.Server, *gatewaytest.Browser, url.Values) {
	t.Helper()
	p := gatewaytest.NewIDP(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: p.Login("sso", "response_mode form_post") + p.Login("other", "")})
	b := s.Browser(t)
	location := b.Open("/auth/login/sso?return_to=%2Forders").Want(t, http.StatusSeeOther).Header.Get("Location")
	if !strings.Contains(location, "response_mode=form_post") {
		t.Errorf("the provider is asked by %s", location)
	}
	answer, err := url.Parse(p.Consent(t, location))
	if err != nil {
		t.Fatal(err)
	}
	return p, s, b, answer.Query()
}

// post sends a form as a provider's page does: from another site, with the cookies
// that come along then.
func post(b *gatewaytest.Browser, cookies []string, form url.Values) gatewaytest.Answer {
	jar := b.Jar
	b.Jar = cookies
	a := b.Do(http.MethodPost, "/auth/callback/sso", form.Encode(), "Content-Type", gatewaytest.AsForm, "Accept", "text/html",
		"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "cross-site", "Origin", "https://sso.example.com")
	b.Jar = append(jar, b.Jar[len(cookies):]...)
	return a
}

var hidden = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// formIn is what the page's form would post.
func formIn(page string) url.Values {
	form := make(url.Values)
	for _, field := range hidden.FindAllStringSubmatch(page, -1) {
		form.Add(field[1], html.UnescapeString(field[2]))
	}
	return form
}

// The attempt's cookie is Lax: it does not come along with what another site posts.
func TestAnAnswerInAFormSignsIn(t *testing.T) {
	_, _, b, answer := posting(t)
	answer.Set("error_description", "<script>canary</script>")
	answer.Set("user", "canary")
	page := post(b, nil, answer).Want(t, http.StatusOK)
	if strings.Contains(page.Body, "canary") || len(page.Cookies()) != 0 {
		t.Errorf("the page is\n%s", page.Body)
	}
	b.Submit("/auth/callback/sso", formIn(page.Body)).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/orders")
	b.Do(http.MethodGet, "/auth/session", "").Want(t, http.StatusOK)
	if again := post(b, b.Jar, answer).Want(t, http.StatusOK); !strings.Contains(again.Body, `name="posted_back"`) && !strings.Contains(again.Body, "Already signed in") {
		t.Errorf("the second time it is\n%s", again.Body)
	}
}

func TestAnAnswerInAFormOfOurOwnSiteSignsInAtOnce(t *testing.T) {
	_, _, b, answer := posting(t)
	post(b, b.Jar, answer).Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/orders")
}

// What another site's form brings counts for nothing by itself.
func TestAFormOfAnotherSiteSignsNobodyIn(t *testing.T) {
	p, s, b, answer := posting(t)
	victim := s.Browser(t)
	changed := func(name, value string) url.Values {
		form := url.Values{"code": answer["code"], "state": answer["state"], "iss": answer["iss"]}
		form.Add(name, value)
		return form
	}
	for name, c := range map[string]struct {
		form   url.Values
		status int
	}{
		"an answer of another browser":              {answer, http.StatusOK},
		"one that says that our page has posted it": {changed("posted_back", "1"), http.StatusSeeOther}, // to the provider, for an attempt of its own
		"two codes":                {changed("code", "x"), http.StatusBadRequest},
		"two states":               {changed("state", answer.Get("state")), http.StatusBadRequest},
		"a state that nobody made": {url.Values{"code": {"c"}, "state": {strings.Repeat("A", 43)}}, http.StatusBadRequest},
		"no state":                 {url.Values{"code": {"c"}}, http.StatusBadRequest},
		"nothing":                  {nil, http.StatusBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			victim.T = t
			if a := post(victim, nil, c.form).Want(t, c.status); c.status == http.StatusSeeOther && !strings.HasPrefix(a.Header.Get("Location"), p.URL) {
				t.Errorf("it leads to %s", a.Header.Get("Location"))
			}
			victim.Do(http.MethodGet, "/auth/session", "").Want(t, http.StatusUnauthorized)
		})
	}
	t.Run("a form to a login that takes none", func(t *testing.T) {
		b.T = t
		b.Do(http.MethodPost, "/auth/callback/other", answer.Encode(), "Content-Type", gatewaytest.AsForm).Want(t, http.StatusMethodNotAllowed)
	})
	t.Run("what is no form", func(t *testing.T) {
		b.T = t
		b.Do(http.MethodPost, "/auth/callback/sso", answer.Encode(), "Content-Type", "text/plain").Want(t, http.StatusBadRequest)
	})
}
