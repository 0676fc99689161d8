package endpoint_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// Of two fields one reader takes the first and another the last: a filter in
// front of us, or the throttle, would look at another name than the login.
func TestASignInThatSaysTwoThingsIsRefused(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	const right = gatewaytest.Password
	for name, c := range map[string]struct {
		path, media, body string
		want              int
	}{
		"two names, by form":                        {"", gatewaytest.AsForm, "email=x%40example.com&email=" + url.QueryEscape(gatewaytest.Ada) + "&password=" + right, 400},
		"one name twice, by form":                   {"", gatewaytest.AsForm, "username=x&username=x&password=" + right, 400},
		"two passwords, by form":                    {"", gatewaytest.AsForm, "email=ada%40example.com&password=guess&password=" + right, 400},
		"two places to go to, by form":              {"", gatewaytest.AsForm, "email=ada%40example.com&return_to=%2Fa&return_to=%2Fb&password=" + right, 400},
		"a name in the address too, by form":        {"?email=x%40example.com", gatewaytest.AsForm, "email=ada%40example.com&password=" + right, 400},
		"a password in the address, by form":        {"?password=" + url.QueryEscape(right), gatewaytest.AsForm, "email=ada%40example.com", 400},
		"username and email that differ, by form":   {"", gatewaytest.AsForm, "username=grace&email=ada%40example.com&password=" + right, 400},
		"username and email that agree, by form":    {"", gatewaytest.AsForm, "username=ada%40example.com&email=ada%40example.com&password=" + right, 303},
		"the name as username, by form":             {"", gatewaytest.AsForm, "username=ada%40example.com&password=" + right, 303},
		"a further field twice, by form":            {"", gatewaytest.AsForm, "utm=1&utm=2&email=ada%40example.com&password=" + right, 303},
		"two names, by JSON":                        {"", gatewaytest.AsJSON, `{"email":"x@example.com","email":"ada@example.com","password":"` + right + `"}`, 400},
		"two names in another case, by JSON":        {"", gatewaytest.AsJSON, `{"email":"ada@example.com","Email":"x@example.com","password":"` + right + `"}`, 400},
		"two names, one escaped, by JSON":           {"", gatewaytest.AsJSON, `{"email":"ada@example.com","\u0065mail":"x@example.com","password":"` + right + `"}`, 400},
		"two passwords, by JSON":                    {"", gatewaytest.AsJSON, `{"email":"ada@example.com","password":"guess","PASSWORD":"` + right + `"}`, 400},
		"one in letters that fold to it, by JSON":   {"", gatewaytest.AsJSON, `{"email":"ada@example.com","password":"guess","paſſword":"` + right + `"}`, 400},
		"a name and none, by JSON":                  {"", gatewaytest.AsJSON, `{"email":"ada@example.com","email":null,"password":"` + right + `"}`, 400},
		"a name in the address too, by JSON":        {"?username=x", gatewaytest.AsJSON, `{"email":"ada@example.com","password":"` + right + `"}`, 400},
		"username and email that differ, by JSON":   {"", gatewaytest.AsJSON, `{"username":"ada","email":"ada@example.com","password":"` + right + `"}`, 400},
		"username and email that agree, by JSON":    {"", gatewaytest.AsJSON, `{"username":"ada@example.com","email":"ada@example.com","password":"` + right + `"}`, 200},
		"the name as username, by JSON":             {"", gatewaytest.AsJSON, `{"username":"ada@example.com","password":"` + right + `"}`, 200},
		"one name in another case, by JSON":         {"", gatewaytest.AsJSON, `{"Email":"ada@example.com","password":"` + right + `"}`, 200},
		"a further member twice, by JSON":           {"", gatewaytest.AsJSON, `{"x":1,"x":{"email":2},"email":"ada@example.com","password":"` + right + `"}`, 200},
		"a list of names, by JSON":                  {"", gatewaytest.AsJSON, `{"email":["ada@example.com"],"password":"` + right + `"}`, 400},
		"something behind the object, by JSON":      {"", gatewaytest.AsJSON, `{"email":"ada@example.com","password":"` + right + `"}{}`, 400},
		"what would be read as other text, by JSON": {"", gatewaytest.AsJSON, "{\"email\":\"ada@example.com\",\"password\":\"\xff\"}", 400},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.Client(t).Do(http.MethodPost, "/auth/login"+c.path, c.body, "Content-Type", c.media, "Accept", "application/json")
			if got.StatusCode != c.want {
				t.Errorf("it is answered with %s %s", got.Status, got.Body)
			}
		})
	}
}

func TestAnAccountThatIsChosenTwiceIsRefused(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	for name, body := range map[string]string{
		"as it is written":         `{"accountId":"acme","accountId":"globex"}`,
		"in another case":          `{"accountId":"acme","ACCOUNTID":"globex"}`,
		"one of which is nothing":  `{"accountId":"acme","accountId":null}`,
		"with something behind it": `{"accountId":"acme"} 1`,
	} {
		t.Run(name, func(t *testing.T) {
			s.WithCookie(t, gatewaytest.Ada).Do(http.MethodPut, "/auth/session/primary-account", body, "Content-Type", gatewaytest.AsJSON).
				WantError(t, http.StatusBadRequest, "bad_request")
		})
	}
}

// A sign-out that says two things about where to go next is carried out all the
// same: the person wants to be out.
func TestTwoPlacesToGoToAreNone(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	const both = "return_to=%2Fone&return_to=%2Ftwo"
	t.Run("after a sign-out", func(t *testing.T) {
		c := s.WithCookie(t, gatewaytest.Ada)
		cookie := c.Cookie
		c.Do(http.MethodPost, "/auth/logout", both, "Content-Type", gatewaytest.AsForm).
			Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/auth/login")
		s.With(t, cookie, "").Get("/auth/session").Want(t, http.StatusUnauthorized)
	})
	t.Run("when starting over", func(t *testing.T) {
		s.Client(t).Do(http.MethodPost, "/auth/start-over", both, "Content-Type", gatewaytest.AsForm).
			Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/auth/login")
	})
	t.Run("on the page", func(t *testing.T) {
		body := s.Client(t).Get("/auth/login?"+both, "Accept", "text/html").Want(t, http.StatusOK).Body
		if want := `name="return_to" value="/"`; !strings.Contains(body, want) {
			t.Errorf("the page has no %s", want)
		}
	})
}
