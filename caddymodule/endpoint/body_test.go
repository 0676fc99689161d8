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
		"one name in another case, by JSON":         {"", gatewaytest.AsJSON, `{"Email":"ada@example.com","password":"` + right + `"}`, 400},
		"one that Go reads as username, by JSON":    {"", gatewaytest.AsJSON, `{"u\u017fername":"ada@example.com","password":"` + right + `"}`, 400},
		"one beside another, by JSON":               {"", gatewaytest.AsJSON, `{"email":"ada@example.com","u\u017fername":"ada@example.com","password":"` + right + `"}`, 400},
		"one that PHP reads as email, by JSON":      {"", gatewaytest.AsJSON, `{"email":"ada@example.com","email[]":"x","password":"` + right + `"}`, 400},
		"one cut off by NUL, by JSON":               {"", gatewaytest.AsJSON, `{"email":"ada@example.com","email\u0000":"x","password":"` + right + `"}`, 400},
		"a field of another name, by JSON":          {"", gatewaytest.AsJSON, `{"email":"ada@example.com","emails":"x","user":"x","password":"` + right + `"}`, 200},
		"one name in another case, by form":         {"", gatewaytest.AsForm, "email=ada%40example.com&Email=x&password=" + right, 400},
		"one in another case alone, by form":        {"", gatewaytest.AsForm, "Email=ada%40example.com&password=" + right, 400},
		"a list of names, by form":                  {"", gatewaytest.AsForm, "email=ada%40example.com&username[]=x&password=" + right, 400},
		"a list with keys, by form":                 {"", gatewaytest.AsForm, "email=ada%40example.com&email[a]=x&password=" + right, 400},
		"one cut off by NUL, by form":               {"", gatewaytest.AsForm, "email=ada%40example.com&email%00x=x&password=" + right, 400},
		"one with space before it, by form":         {"", gatewaytest.AsForm, "email=ada%40example.com&+email=x&password=" + right, 400},
		"a place to go to with a dot, by form":      {"", gatewaytest.AsForm, "email=ada%40example.com&return.to=%2Fb&password=" + right, 400},
		"another case in the address, by form":      {"?Email=x", gatewaytest.AsForm, "email=ada%40example.com&password=" + right, 400},
		"a list in the address, by form":            {"?username[]=x", gatewaytest.AsForm, "email=ada%40example.com&password=" + right, 400},
		"an escaped list in the address, by form":   {"?username%5B%5D=x", gatewaytest.AsForm, "email=ada%40example.com&password=" + right, 400},
		"one cut off in the address, by form":       {"?username%00=x", gatewaytest.AsForm, "email=ada%40example.com&password=" + right, 400},
		"behind a semicolon in the address":         {"?a;username=x", gatewaytest.AsForm, "email=ada%40example.com&password=" + right, 400},
		"with a wrong escape in the address":        {"?username=%zz", gatewaytest.AsForm, "email=ada%40example.com&password=" + right, 400},
		"without a value in the address":            {"?username", gatewaytest.AsForm, "email=ada%40example.com&password=" + right, 400},
		"a parameter of another name":               {"?user=x&names[]=y", gatewaytest.AsForm, "email=ada%40example.com&password=" + right, 303},
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

func TestARefusalSaysWhatWasSent(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	for name, c := range map[string]struct{ path, body, want string }{
		"a field twice":                {"", `{"email":"a","email":"b","password":"x"}`, "A field was sent twice: send each once."},
		"username and email, not both": {"", `{"email":"a","username":"b","password":"x"}`, "username and email were both sent, and differ: send one of them."},
		"the address":                  {"?username=a", `{"email":"a","password":"x"}`, "The address holds username, email or password: send them in the body alone."},
		"another spelling":             {"", `{"Username":"a","password":"x"}`, "A field was sent under another spelling of its name"},
	} {
		t.Run(name, func(t *testing.T) {
			got := s.Client(t).Do(http.MethodPost, "/auth/login"+c.path, c.body, "Content-Type", gatewaytest.AsJSON)
			got.WantError(t, http.StatusBadRequest, "bad_request")
			if !strings.Contains(got.Body, c.want) {
				t.Errorf("it is answered with %s", got.Body)
			}
		})
	}
}

func TestAnAccountThatIsChosenTwiceIsRefused(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	for name, body := range map[string]string{
		"as it is written":         `{"accountId":"acme","accountId":"globex"}`,
		"in another case":          `{"accountId":"acme","ACCOUNTID":"globex"}`,
		"in another case alone":    `{"ACCOUNTID":"globex"}`,
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
			Want(t, http.StatusSeeOther).WantHeader(t, "Location", "/auth/logout")
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

// Two readers of such a body would see two sign-ins.
func TestABodyThatAnotherReaderWouldReadOtherwiseIsRefused(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	const body = `{"email":"ada@example.com","password":"x"}`
	for name, header := range map[string][]string{
		"of another charset": {"Content-Type", "application/json; charset=utf-16"},
		"that is packed":     {"Content-Type", "application/json", "Content-Encoding", "gzip"},
	} {
		if a := s.Client(t).Do(http.MethodPost, "/auth/login", body, header...); a.StatusCode != http.StatusUnsupportedMediaType {
			t.Errorf("one %s: %s", name, a.Status)
		}
	}
	s.Client(t).Do(http.MethodPost, "/auth/login", body, "Content-Type", "application/json; charset=UTF-8").Want(t, http.StatusUnauthorized)
}

// A person who sends what no form of ours does reads a page, and a program JSON.
func TestAKindOfBodyThatIsNotReadIsToldAsOneIsLooking(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	ada := s.WithCookie(t, gatewaytest.Ada)
	navigates := []string{"Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin"}
	for _, path := range []string{"/auth/login", "/auth/account", "/auth/sessions", "/auth/sessions/" + gatewaytest.IDOf(t, ada)} {
		for _, media := range []string{"multipart/form-data; boundary=b", "text/plain", "application/xml", "nonsense", ""} {
			t.Run(path+" with "+media, func(t *testing.T) {
				page := ada.In(t).Do(http.MethodPost, path, "x", append([]string{"Content-Type", media}, navigates...)...).Want(t, http.StatusUnsupportedMediaType)
				if !strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") || !strings.Contains(page.Body, "Wrong kind of content") {
					t.Errorf("a person is answered with %s %s", page.Header.Get("Content-Type"), page.Body)
				}
				ada.In(t).Do(http.MethodPost, path, "x", "Content-Type", media, "Sec-Fetch-Mode", "cors", "Sec-Fetch-Site", "same-origin").
					WantError(t, http.StatusUnsupportedMediaType, "unsupported_media_type")
			})
		}
	}
}

// Browsers send no JSON when they navigate: who does is a program, whatever it says.
func TestJSONIsAProgramsWhateverElseTheRequestSays(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{})
	for _, header := range [][]string{nil, {"Accept", "text/html", "Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin"}} {
		for path, want := range map[string]int{
			"/auth/sessions": http.StatusUnsupportedMediaType, "/auth/account": http.StatusUnsupportedMediaType,
			"/auth/logout": http.StatusNoContent, "/auth/start-over": http.StatusNoContent,
		} {
			ada, other := s.WithCookie(t, gatewaytest.Ada), s.WithCookie(t, gatewaytest.Ada)
			a := ada.Do(http.MethodPost, path, "{}", append([]string{"Content-Type", gatewaytest.AsJSON}, header...)...).Want(t, want)
			if strings.Contains(a.Header.Get("Content-Type"), "html") {
				t.Errorf("%s is answered with a page", path)
			}
			other.Get("/auth/session").Want(t, http.StatusOK)
		}
	}
}
