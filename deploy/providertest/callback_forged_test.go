package providertest

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/web"
	"example.com/sidegate/deploy/providertest/provider"
)

// What a browser brings back is anybody's word until it is checked. Each case
// changes an answer that would have signed Ada in.
func TestForgedCallbacksAreRefused(t *testing.T) {
	t.Parallel()
	m := openMarket(t)
	script := "<script>alert(1)</script>"
	for _, c := range []struct {
		name    string
		change  func(url.Values)
		status  int
		failure web.Failure
	}{
		{"state is missing", del("state"), 400, web.Forged},
		{"state is empty", set("state", ""), 400, web.Forged},
		{"state is of no attempt", set("state", strings.Repeat("A", 43)), 400, web.Expired},
		{"state is ours in its beginning only", func(q url.Values) { q.Set("state", q.Get("state")[:40]+"AAA") }, 400, web.Forged},
		{"state is short", set("state", "short"), 400, web.Forged},
		{"state holds what is no state", set("state", "../../"+script), 400, web.Forged},
		{"state is overlong", func(q url.Values) { q.Set("state", q.Get("state")+strings.Repeat("A", 9000)) }, 400, web.Forged},
		{"state is there twice", again("state"), 400, web.Forged},
		{"state is there with another", func(q url.Values) { q.Add("state", strings.Repeat("A", 43)) }, 400, web.Forged},

		{"code is missing", del("code"), 401, web.Misconfigured},
		{"code is empty", set("code", ""), 401, web.Misconfigured},
		{"code is made up", set("code", "a-code-that-nobody-gave"), 400, web.Spent},
		{"code is overlong", set("code", strings.Repeat("c", 5000)), 401, web.Misconfigured},
		{"code is there twice", again("code"), 400, web.Forged},
		{"code is there with another", func(q url.Values) { q.Add("code", "another-code-beside") }, 400, web.Forged},

		{"iss is missing", del("iss"), 401, web.Misconfigured},
		{"iss is empty", set("iss", ""), 400, web.Forged},
		{"iss is of another provider", set("iss", m.other.Issuer()), 400, web.Forged},
		{"iss has a slash at its end", set("iss", m.one.Issuer()+"/"), 400, web.Forged},
		{"iss is in upper case", set("iss", strings.ToUpper(m.one.Issuer())), 400, web.Forged},
		{"iss is there twice", again("iss"), 400, web.Forged},
		{"iss is there with another", func(q url.Values) { q.Add("iss", m.other.Issuer()) }, 400, web.Forged},

		{"error comes with a code", set("error", "access_denied"), 401, web.Denied},
		{"error that nobody knows comes with a code", set("error", "made_up_error"), 401, web.Misconfigured},
		{"error is empty beside a code", set("error", ""), 401, web.Misconfigured},
		{"error is there twice", set("error", "access_denied", "access_denied"), 400, web.Forged},
		{"error is a script", set("error", script), 401, web.Misconfigured},
		{"error_description is a script", func(q url.Values) {
			q.Del("code")
			q.Set("error", "access_denied")
			q.Set("error_description", script)
			q.Set("error_uri", "javascript:alert(1)//"+script)
		}, 401, web.Denied},
		{"the issuer is there twice", set("iss", "one-and-the-same", "one-and-the-same"), 400, web.Forged},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := provider.NewVisitor(adaAddress)
			answer := answerOf(t, v, m.Process, "keycloak")
			asked := m.asked()
			m.wantRefused(t, v, with(answer, c.change), c.status, c.failure)
			if m.asked() != asked && c.name != "code is made up" {
				t.Error("the provider was asked for tokens")
			}
		})
	}
	t.Run("but the answer as it came is taken", func(t *testing.T) {
		v := provider.NewVisitor(adaAddress)
		mustOpen(t, v, with(answerOf(t, v, m.Process, "keycloak"), func(url.Values) {}))
		wantSession(t, v, m.Process, true)
	})
}

// Two readers of such a query could read two different things.
func TestACallbackThatCannotBeReadIsRefused(t *testing.T) {
	t.Parallel()
	m := openMarket(t)
	for name, tail := range map[string]string{
		"an escape that is none": "&code=%zz", "a semicolon": ";code=another-code-beside", "an empty query": "",
	} {
		t.Run(name, func(t *testing.T) {
			v := provider.NewVisitor(adaAddress)
			answer := answerOf(t, v, m.Process, "keycloak")
			address, _, _ := strings.Cut(answer.String(), "?")
			if tail != "" {
				address = answer.String() + tail
			}
			m.wantRefused(t, v, address, 400, web.Forged)
		})
	}
	t.Run("an address of more than a megabyte", func(t *testing.T) {
		v := provider.NewVisitor(adaAddress)
		page := mustOpen(t, v, answerOf(t, v, m.Process, "keycloak").String()+"&x="+strings.Repeat("x", 2<<20))
		if page.Status < 400 || page.Status >= 500 {
			t.Errorf("the answer is %d", page.Status)
		}
		wantStranger(t, v, m.Process)
	})
}

// form_post, which we never ask for, would carry the answer in a form: one that
// another site can post too.
func TestACallbackIsNotPosted(t *testing.T) {
	t.Parallel()
	m := openMarket(t)
	for _, login := range []string{"keycloak", "other"} {
		v := provider.NewVisitor(adaAddress)
		answer := answerOf(t, v, m.Process, login)
		query := answer.Query()
		for _, address := range []string{answer.String(), m.URL + answer.Path} {
			page := post(t, v, address, query)
			if page.Status != http.StatusMethodNotAllowed || page.Header.Get("Allow") != "GET" {
				t.Errorf("POST is answered with %d, Allow %q", page.Status, page.Header.Get("Allow"))
			}
			wantNoEcho(t, page, answer.String())
		}
		wantStranger(t, v, m.Process)
	}
	if m.asked() != [2]int{} {
		t.Errorf("codes were redeemed: %v", m.asked())
	}
}

// An attempt belongs to one browser: else an attacker could sign somebody in
// as the attacker (login CSRF, RFC 9700 section 4.7), or use a code of theirs.
func TestACallbackOfAnotherBrowserIsRefused(t *testing.T) {
	t.Parallel()
	m := openMarket(t)
	attacker := provider.NewVisitor(graceAddress)
	answer := answerOf(t, attacker, m.Process, "keycloak")

	t.Run("one that began nothing", func(t *testing.T) {
		m.wantBegunAgain(t, provider.NewVisitor(adaAddress), answer.String())
	})
	t.Run("one that began an attempt of its own", func(t *testing.T) {
		v := provider.NewVisitor(adaAddress)
		own := answerOf(t, v, m.Process, "keycloak")
		m.wantBegunAgain(t, v, answer.String())
		m.wantRefused(t, v, with(own, set("code", answer.Query().Get("code"))), 400, web.Spent)
	})
	t.Run("one whose cookie is not sent", func(t *testing.T) {
		v := provider.NewVisitor(adaAddress)
		own := answerOf(t, v, m.Process, "keycloak")
		v.Client.Jar = provider.NewVisitor("").Client.Jar
		m.wantBegunAgain(t, v, own.String())
	})
	if m.asked() != [2]int{1} { // by Ada's own attempt, with a code of another: it is held against the verifier there
		t.Errorf("codes were redeemed: %v", m.asked())
	}
}

// The cookie of an attempt is good for that attempt only, and only as it was
// given.
func TestAnAttemptsCookieIsGoodForNothingElse(t *testing.T) {
	t.Parallel()
	m := openMarket(t)
	for name, cookies := range map[string]func(name, value, otherName, otherValue string) string{
		"another attempt's value under its name": func(name, _, _, other string) string { return name + "=" + other },
		"a made-up value":                        func(name, _, _, _ string) string { return name + "=" + strings.Repeat("A", 600) },
		"no value":                               func(name, _, _, _ string) string { return name + "=" },
		"cut short":                              func(name, value, _, _ string) string { return name + "=" + value[:len(value)-4] },
		"too long":                               func(name, value, _, _ string) string { return name + "=" + value + strings.Repeat("A", 4000) },
		"planted beside the genuine one":         func(name, value, _, other string) string { return name + "=" + other + "; " + name + "=" + value },
		"planted behind the genuine one":         func(name, value, _, other string) string { return name + "=" + value + "; " + name + "=" + other },
	} {
		t.Run(name, func(t *testing.T) {
			v := provider.NewVisitor(adaAddress)
			answer, other := answerOf(t, v, m.Process, "keycloak"), answerOf(t, v, m.Process, "keycloak")
			one, two := attemptCookie(t, v, m.Process, answer), attemptCookie(t, v, m.Process, other)
			page := openWith(t, answer.String(), cookies(one.Name, one.Value, two.Name, two.Value))
			if strings.HasPrefix(name, "planted") {
				wantFailure(t, page, 400, web.Forged)
			} else {
				m.wantToProvider(t, page) // as without a cookie
			}
			wantNoSessionCookie(t, page)
		})
	}
	if m.asked() != [2]int{} {
		t.Errorf("codes were redeemed: %v", m.asked())
	}
	t.Run("but as it was given it is taken", func(t *testing.T) {
		v := provider.NewVisitor(adaAddress)
		answer := answerOf(t, v, m.Process, "keycloak")
		c := attemptCookie(t, v, m.Process, answer)
		if page := openWith(t, answer.String(), c.Name+"="+c.Value); page.Status != http.StatusSeeOther {
			t.Errorf("%d %s", page.Status, page.Body)
		}
	})
}

// attemptCookie is the cookie of the attempt that the answer belongs to.
func attemptCookie(t *testing.T, v *provider.Visitor, g *gatewaytest.Process, answer *url.URL) *http.Cookie {
	t.Helper()
	for _, c := range cookiesAt(t, v, g) {
		if name, ok := strings.CutPrefix(c.Name, "sidegate-attempt-"); ok && strings.HasPrefix(answer.Query().Get("state"), name) {
			return c
		}
	}
	t.Fatal("the browser has no cookie of that attempt")
	return nil
}

// openWith opens an address with those cookies and follows no redirect.
func openWith(t *testing.T, address, cookies string) *provider.Page {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Cookie", cookies)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Request = req
	return pageOf(t, resp)
}

func wantNoSessionCookie(t *testing.T, page *provider.Page) {
	t.Helper()
	for _, line := range page.Header.Values("Set-Cookie") {
		if strings.HasPrefix(line, "sidegate=") {
			t.Error("the browser was given a session's cookie")
		}
	}
}
