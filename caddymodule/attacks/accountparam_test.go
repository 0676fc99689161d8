package attacks_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// chosenByAddress are requests of Ada's, who acts for acme unless she says otherwise.
// account is what the app is told; a status refuses.
var chosenByAddress = []struct {
	name, target, lines string
	account, arrives    string
	status              int
}{
	{"another account", "/orders?account=globex&of=7", "", "globex", "/orders?of=7", 0},
	{"none", "/orders?of=7&accounts=globex", "", "acme", "/orders?of=7&accounts=globex", 0},
	{"alone", "/orders?account=globex", "", "globex", "/orders", 0},
	{"the rest stays byte for byte", "/o%72ders?a=%2f+%zz&&account=globex&b;c=[]|'", "", "globex", "/o%72ders?a=%2f+%zz&&b;c=[]|'", 0},
	{"by an escaped name", "/orders?%61ccount=globex", "", "globex", "/orders", 0},
	{"by a websocket", "/live?account=globex", websocket, "globex", "/live", 0},
	{"by an event stream", "/feed?account=globex", "Accept: text/event-stream\n", "globex", "/feed", 0},
	{"by a navigation", "/orders?account=globex", "Sec-Fetch-Mode: navigate\nSec-Fetch-Site: cross-site\n", "globex", "/orders", 0},
	{"the same by header", "/orders?account=globex", "X-Account-Id: globex\n", "globex", "/orders", 0},
	{"the same by header, encoded", "/orders?account=globex", "X-Account-Id: gl%6Fbex\n", "globex", "/orders", 0},
	{"another by header", "/orders?account=globex", "X-Account-Id: acme\n", "", "", http.StatusBadRequest},
	{"two by header", "/orders?account=globex", "X-Account-Id: globex\nX-Account-Id: globex\n", "", "", http.StatusBadRequest},
	{"twice", "/orders?account=globex&account=globex", "", "", "", http.StatusBadRequest},
	{"twice, in two spellings", "/orders?account=globex&%61ccount=acme", "", "", "", http.StatusBadRequest},
	{"behind a semicolon", "/orders?a=1;account=globex", "", "", "", http.StatusBadRequest},
	{"before one", "/orders?account=globex;a=1", "", "", "", http.StatusBadRequest},
	{"an escape that is none", "/orders?account=%zz", "", "", "", http.StatusBadRequest},
	{"one that is not theirs", "/orders?account=initech", "", "", "", http.StatusForbidden},
	{"none in words", "/orders?account", "", "", "", http.StatusForbidden},
}

func TestAnAddressChoosesAnAccountAndNoAppSeesThat(t *testing.T) {
	up := gatewaytest.NewWire(t)
	for _, routes := range []struct{ name, text string }{
		{"with both handlers", "session_endpoints\nsession_auth\nreverse_proxy {upstream}"},
		{"with session_auth alone", "route {\nsession_auth /orders*\nsession_auth\nreverse_proxy {upstream}\n}"},
		{"behind a matcher that asks first", "session_endpoints\n@in session\nhandle @in {\nsession_auth\nreverse_proxy {upstream}\n}\nhandle {\nsession_auth\n}"},
	} {
		s := gatewaytest.Start(t, gatewaytest.Site{Options: "account_param account", Upstream: up.Address(), Routes: "session_endpoints\nsession_auth\nreverse_proxy {upstream}"})
		cookie := "Cookie: " + s.WithCookie(t, gatewaytest.Ada).Cookie + "\n"
		if !strings.Contains(routes.text, "endpoints") {
			s = gatewaytest.StartEdited(t, gatewaytest.Site{Dir: s.Dir, Options: "account_param account", Upstream: up.Address(), Routes: routes.text}, func(text string, _ int) string {
				return strings.Replace(text, "route {", "session_endpoints /auth/*\nroute {", 1)
			})
		}
		for _, c := range chosenByAddress {
			t.Run(routes.name+": "+c.name, func(t *testing.T) {
				text := "GET " + c.target + " HTTP/1.1\nHost: " + s.Address() + "\n" + cookie + c.lines
				if !strings.Contains(c.lines, "Connection") {
					text += "Connection: close\n"
				}
				got := s.Exchange(t, text+"\n").StatusCode
				if c.status != 0 {
					if got != c.status {
						t.Errorf("answered %d", got)
					}
					up.None(t)
					return
				}
				if got != http.StatusOK {
					t.Fatalf("answered %d", got)
				}
				arrived := up.One(t)
				arrived.Want(t, "X-Session-Account-Id", c.account)
				arrived.Want(t, "X-Account-Id")
				if line, _, _ := strings.Cut(arrived.Raw, "\r\n"); line != "GET "+c.arrives+" HTTP/1.1" {
					t.Errorf("arrived as %q", line)
				}
			})
		}
	}
}

// A path that is open to all is passed on without it, too, whoever asks; and where the
// option is off it is the app's.
func TestTheParameterGoesNoFurtherWhereNobodyIsSignedInEither(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "account_param account", Auth: "public /open/*", Upstream: up.Address()})
	for _, query := range []string{"account=x&a=1", "a=1&account=x&account=y", "a=1;account=x", "a=1&%61ccount=x"} {
		s.Client(t).Get("/open/x?"+query).Want(t, http.StatusOK)
		if got := up.Last().URL.RawQuery; got != "a=1" {
			t.Errorf("%s arrived as %q", query, got)
		}
	}
	off := gatewaytest.Start(t, gatewaytest.Site{Auth: "public /open/*", Upstream: up.Address()})
	off.WithCookie(t, gatewaytest.Ada).Get("/open/x?account=globex").Want(t, http.StatusOK)
	if r := up.Last(); r.URL.RawQuery != "account=globex" || r.Header.Get("X-Session-Account-Id") != "acme" {
		t.Errorf("without the option: %q for %q", r.URL.RawQuery, r.Header.Get("X-Session-Account-Id"))
	}
}

// What tells an app of the address as it came, as REQUEST_URI of FastCGI does, tells it
// of none with the parameter; who has to sign in comes back to the one with it.
func TestTheAddressAsItCameIsForTheWayBackAlone(t *testing.T) {
	up := gatewaytest.NewRecorder(t)
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "account_param account", Upstream: up.Address(),
		Routes: "session_endpoints\nsession_auth {\nrole admin\n}\nreverse_proxy {upstream} {\nheader_up X-Came {http.request.orig_uri.path}?{http.request.orig_uri.query}\n}"})
	s.WithCookie(t, gatewaytest.Ada).Get("/a?account=globex&b=1").Want(t, http.StatusOK)
	if got := up.Last().Header.Get("X-Came"); got != "/a?b=1" {
		t.Errorf("the app is told of %q", got)
	}
	want := "/auth/login?return_to=" + url.QueryEscape("/a?account=globex&b=1")
	s.Client(t).Get("/a?account=globex&b=1", "Accept", "text/html").Want(t, http.StatusSeeOther).WantHeader(t, "Location", want)
	s.Client(t).Get("/a?account=globex&b=1").Want(t, http.StatusUnauthorized).WantHeader(t, "X-Login-Url", want)
}

func TestTheEndpointsTakeTheParameterToo(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "account_param account\nwhy\npolicy admins {\naccount_admin\n}", Global: "servers {\ntrusted_proxies static 127.0.0.1/32\n}"})
	ada := s.WithCookie(t, gatewaytest.Ada)
	ada.Get("/auth/session?account=globex").WantAccount(t, "globex")
	ada.Get("/auth/session").WantAccount(t, "acme")
	ada.Get("/auth/session?account=globex", "X-Account-Id", "acme").WantError(t, http.StatusBadRequest, "bad_request")
	ada.Do("HEAD", "/auth/events?account=globex", "").Want(t, http.StatusOK)
	ada.Do("HEAD", "/auth/events?account=initech", "").Want(t, http.StatusForbidden)
	if a := ada.Get("/auth/why?account=globex"); !strings.Contains(a.Body, `"account":"globex","accountChosenBy":"request"`) {
		t.Errorf("why says %s", a.Body)
	}
	for path, want := range map[string]string{"/x": `"decision":"pass"`, "/x?account=globex": `"decision":"pass"`, "/x?account=initech": `"status":403`, "/x?account=a&account=b": `"status":400`} {
		if a := ada.Get("/auth/why?path="+url.QueryEscape(path)).Want(t, http.StatusOK); !strings.Contains(a.Body, want) {
			t.Errorf("why says of %s %s", path, a.Body)
		}
	}
	for uri, status := range map[string]int{"/x": 204, "/x?account=acme": 204, "/x?account=globex": 403, "/x?account=initech": 403, "/x?account=acme&account=acme": 400} {
		ada.Get("/auth/verify/admins", "X-Forwarded-Uri", uri, "X-Forwarded-Method", "GET").Want(t, status)
	}
	ada.Get("/auth/verify/admins/x?account=globex").Want(t, http.StatusForbidden)
	ada.Get("/auth/verify/admins/x?account=acme").Want(t, http.StatusOK)
	ada.Get("/auth/verify", "X-Forwarded-Uri", "/x?account=globex").Want(t, http.StatusNoContent).WantHeader(t, "X-Session-Account-Id", "globex")
}
