package providertest

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/deploy/providertest/provider"
)

// pageOf reads an answer to its end.
func pageOf(t *testing.T, resp *http.Response) *provider.Page {
	t.Helper()
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return &provider.Page{URL: resp.Request.URL, Status: resp.StatusCode, Header: resp.Header, Body: string(body)}
}

// attemptCookies are the names of the cookies of attempts under way.
func attemptCookies(t *testing.T, v *provider.Visitor, g *gatewaytest.Process) (names []string) {
	t.Helper()
	for _, c := range cookiesAt(t, v, g) {
		if strings.HasPrefix(c.Name, "sidegate-attempt-") && !strings.HasSuffix(c.Name, "-succeeded") { // that one goes by itself
			names = append(names, c.Name)
		}
	}
	return names
}

func cookiesAt(t *testing.T, v *provider.Visitor, g *gatewaytest.Process) []*http.Cookie {
	t.Helper()
	u, err := url.Parse(g.URL)
	if err != nil {
		t.Fatal(err)
	}
	return v.Client.Jar.Cookies(u)
}
