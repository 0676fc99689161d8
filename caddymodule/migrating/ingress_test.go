package migrating_test

import (
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// annotated are the annotations of the first Ingress of a file, without the prefix.
func annotated(t testing.TB, text string) map[string]string {
	t.Helper()
	var first struct {
		Metadata struct{ Annotations map[string]string }
	}
	documents := yaml.NewDecoder(strings.NewReader(text))
	if err := documents.Decode(&first); err != nil {
		t.Fatal(err)
	}
	for more := error(nil); more == nil; {
		var other any
		if more = documents.Decode(&other); more != nil && !errors.Is(more, io.EOF) {
			t.Fatal(more)
		}
	}
	found := make(map[string]string)
	for name, value := range first.Metadata.Annotations {
		found[strings.TrimPrefix(name, "nginx.ingress.kubernetes.io/")] = value
	}
	return found
}

// ingress does for an Ingress what ingress-nginx v1.15.1 has nginx do, by its template:
// the question, what it makes of the answer, and what the app is told. It stands in for
// the controller, which needs a cluster.
type ingress struct {
	*httptest.Server
	is  map[string]string // its annotations
	app string            // origin
}

func startIngress(t testing.TB, is map[string]string, app string) *ingress {
	t.Helper()
	i := &ingress{is: is, app: app}
	i.Server = httptest.NewServer(http.HandlerFunc(i.serve))
	t.Cleanup(i.Close)
	return i
}

// serve is `auth_request`, and `error_page 401` where there is a page to sign in at.
func (i *ingress) serve(w http.ResponseWriter, r *http.Request) {
	answer, err := i.ask(r)
	switch {
	case err != nil || answer.StatusCode >= 300 && answer.StatusCode != http.StatusUnauthorized && answer.StatusCode != http.StatusForbidden:
		http.Error(w, "500 Internal Server Error", http.StatusInternalServerError)
	case answer.StatusCode == http.StatusUnauthorized && i.is["auth-signin"] != "":
		back := "https://" + r.Host + url.QueryEscape(r.URL.RequestURI())
		w.Header().Set("Location", i.is["auth-signin"]+"?"+i.is["auth-signin-redirect-param"]+"="+back)
		w.WriteHeader(http.StatusFound)
	case answer.StatusCode >= 300:
		w.WriteHeader(answer.StatusCode)
	default:
		i.pass(w, r, answer)
	}
}

// ask is the location that the template makes of auth-url.
func (i *ingress) ask(r *http.Request) (*http.Response, error) {
	q, err := http.NewRequestWithContext(r.Context(), http.MethodGet, i.is["auth-url"], http.NoBody)
	if err != nil {
		return nil, err
	}
	q.Header = r.Header.Clone()
	q.Header.Del("X-Forwarded-Proto")
	for name, value := range map[string]string{
		"X-Original-Url": "https://" + r.Host + r.URL.RequestURI(), "X-Original-Method": r.Method, "X-Sent-From": "nginx-ingress-controller",
		"X-Real-Ip": "203.0.113.7", "X-Forwarded-For": "203.0.113.7", "X-Auth-Request-Redirect": r.URL.RequestURI(), "X-Request-Id": "7f3c",
	} {
		q.Header.Set(name, value)
	}
	answer, err := gatewaytest.NoRedirects.Do(q)
	if err == nil {
		_ = answer.Body.Close()
	}
	return answer, err
}

// pass goes to the app, with the answer's headers in the place of the client's.
func (i *ingress) pass(w http.ResponseWriter, r *http.Request, answer *http.Response) {
	up, err := http.NewRequestWithContext(r.Context(), r.Method, i.app+r.URL.RequestURI(), http.NoBody)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	up.Header = r.Header.Clone()
	for name := range strings.SplitSeq(i.is["auth-response-headers"], ",") {
		up.Header.Del(name)
		if value := answer.Header.Get(name); value != "" {
			up.Header.Set(name, value)
		}
	}
	resp, err := gatewaytest.NoRedirects.Do(up)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	_ = resp.Body.Close()
	w.Header()["Set-Cookie"] = slices.Concat(resp.Header["Set-Cookie"], answer.Header["Set-Cookie"])
	w.WriteHeader(resp.StatusCode)
}

// asked are headers that the app of the Ingress reads.
var asked = []string{"X-Auth-Request-User", "X-Auth-Request-Email", "X-Auth-Request-Groups"}

func TestAnIngressMoves(t *testing.T) {
	idp, up := staff(t), gatewaytest.NewRecorder(t)
	old := startOldProxy(t, idp, up.URL)
	cookie := old.signIn(t, idp)
	is := annotated(t, worked(t, "ingress-nginx.yaml"))
	is["auth-url"] = edited(t, is["auth-url"], "https://"+app, old.url)
	theirs := startIngress(t, is, up.URL)
	page := append([]string{"Host", app}, navigates...)
	want(t, http.StatusOK, theirs.URL+"/", append([]string{"Cookie", cookie}, page...)...)
	before := sent(up, asked...)
	if resp := want(t, http.StatusFound, theirs.URL+"/orders?page=2", page...); resp.Header.Get("Location") != "https://app.example.com/oauth2/start?rd=https://app.example.com%2Forders%3Fpage%3D2" {
		t.Errorf("people were led to %s", resp.Header.Get("Location"))
	}

	s := start(t, "ingress-nginx.Caddyfile", "https://sso.example.com/realms/acme", idp.URL,
		"https://app.example.com/oauth2/auth", old.url+"/oauth2/auth", "static 192.0.2.0/24", "static 127.0.0.1/32")
	is = annotated(t, worked(t, "ingress-nginx.ours.yaml"))
	is["auth-url"] = edited(t, is["auth-url"], "http://sidegate.auth.svc.cluster.local:8080", s.URL)
	moved := startIngress(t, is, up.URL)
	t.Run("who has the old cookie stays signed in", func(t *testing.T) {
		n := idp.Count("/token")
		resp := want(t, http.StatusOK, moved.URL+"/", append([]string{"Cookie", cookie}, page...)...)
		if after := sent(up, asked...); !maps.Equal(after, before) || after["X-Auth-Request-User"] != "ada-1" {
			t.Errorf("the app was told %q before, and now %q", before, after)
		}
		if ours(resp) == "" || idp.Count("/token") != n {
			t.Errorf("the cookies are %q", resp.Header["Set-Cookie"])
		}
		want(t, http.StatusOK, moved.URL+"/admin/", "Host", app, "Cookie", ours(resp))
	})
	t.Run("who may not is refused", func(t *testing.T) {
		idp.But(t, map[string]any{"sub": "grace-1", "email": gatewaytest.Grace, "groups": []string{"staff"}})
		grace := old.signIn(t, idp)
		want(t, http.StatusForbidden, moved.URL+"/admin/", "Host", app, "Cookie", grace)
		want(t, http.StatusOK, moved.URL+"/", "Host", app, "Cookie", grace)
	})
	t.Run("what is public needs nobody, and tells of nobody", func(t *testing.T) {
		want(t, http.StatusOK, moved.URL+"/healthz", "Host", app, "X-Auth-Request-User", "mallory", "X-Original-Url", "https://app.example.com/admin/")
		if got := up.Last().Header.Get("X-Auth-Request-User"); got != "" {
			t.Errorf("the app was told %q", got)
		}
	})
	t.Run("who has none signs in, and comes back", func(t *testing.T) {
		led := want(t, http.StatusFound, moved.URL+"/orders?page=2", page...).Header.Get("Location")
		if led != "https://app.example.com/auth/login?return_to=https://app.example.com%2Forders%3Fpage%3D2" {
			t.Fatalf("people are led to %s", led)
		}
		there := append([]string{"X-Forwarded-Proto", "https", "X-Forwarded-For", "203.0.113.7"}, page...)
		only := want(t, http.StatusSeeOther, s.URL+strings.TrimPrefix(led, "https://app.example.com"), there...).Header.Get("Location")
		begun := want(t, http.StatusSeeOther, s.URL+only, there...)
		var attempt []string
		for _, c := range begun.Cookies() {
			attempt = append(attempt, c.Name+"="+c.Value)
		}
		back := idp.Consent(t, begun.Header.Get("Location"))
		done := want(t, http.StatusSeeOther, s.URL+back, append([]string{"Cookie", strings.Join(attempt, "; ")}, there...)...)
		if to := strings.TrimPrefix(done.Header.Get("Location"), "https://app.example.com"); to != "/orders?page=2" || ours(done) == "" {
			t.Errorf("they come back to %s", to)
		}
	})
	t.Run("the way back: the cookie is still good there", func(t *testing.T) {
		want(t, http.StatusOK, theirs.URL+"/", append([]string{"Cookie", cookie}, page...)...)
	})
}
