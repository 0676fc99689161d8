package oidc_test

import (
	"context"
	"crypto/x509"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"example.com/sidegate/caddymodule/login/oidc"
)

func TestDiscoveryRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		edit func(p *provider)
		want error
		says string
	}{
		{"another issuer", func(p *provider) { p.metadata["issuer"] = "https://evil.example.com" }, oidc.ErrProvider, `is of the issuer "https://evil.example.com", and the configured one is "http://127.0.0.1`},
		{"an issuer with a slash more", func(p *provider) { p.metadata["issuer"] = p.URL + "/" }, oidc.ErrProvider, "slash"},
		{"no issuer", func(p *provider) { delete(p.metadata, "issuer") }, oidc.ErrProvider, "has no issuer: is it the document of an OpenID provider?"},
		{"no authorization endpoint", func(p *provider) { delete(p.metadata, "authorization_endpoint") }, oidc.ErrProvider, "has no authorization_endpoint"},
		{"no token endpoint", func(p *provider) { delete(p.metadata, "token_endpoint") }, oidc.ErrProvider, "has no token_endpoint"},
		{"no keys", func(p *provider) { delete(p.metadata, "jwks_uri") }, oidc.ErrProvider, "has no jwks_uri"},
		{"a token endpoint without TLS", func(p *provider) { p.metadata["token_endpoint"] = "http://sso.example.com/token" }, oidc.ErrProvider, "token_endpoint that is not https"},
		{"a userinfo endpoint without TLS", func(p *provider) { p.metadata["userinfo_endpoint"] = "http://sso.example.com" }, oidc.ErrProvider, "userinfo_endpoint that is not https"},
		{"a relative endpoint", func(p *provider) { p.metadata["authorization_endpoint"] = "/authorize" }, oidc.ErrProvider, "not an absolute URL"},
		{"an endpoint that is a number", func(p *provider) { p.metadata["token_endpoint"] = 7 }, oidc.ErrProvider, "has a token_endpoint that is a number and not a text"},
		{"a userinfo endpoint that is a list", func(p *provider) { p.metadata["userinfo_endpoint"] = []string{p.URL} }, oidc.ErrProvider, "has a userinfo_endpoint that is a list and not a text; if nothing that it says is needed, say `userinfo off`"},
		{"an issuer that is a list", func(p *provider) { p.metadata["issuer"] = []string{p.URL} }, oidc.ErrProvider, "has an issuer that is a list"},
		{"a member twice", func(p *provider) { p.on(discoveryPath, says(200, `{"issuer":"a","issuer":"b"}`)) }, oidc.ErrProvider, "has issuer twice"},
		{"a page", func(p *provider) { p.on(discoveryPath, says(200, "<html>")) }, oidc.ErrProvider, "not JSON"},
		{"more than 1 MiB", func(p *provider) { p.on(discoveryPath, says(200, strings.Repeat(" ", 1<<20+1))) }, oidc.ErrProvider, "more than 1048576 bytes"},
		{"nothing there", func(p *provider) { p.on(discoveryPath, says(404, "")) }, oidc.ErrProvider, "status 404"},
		{"a provider in trouble", func(p *provider) { p.on(discoveryPath, says(502, "")) }, oidc.ErrUnavailable, "status 502"},
		{"a provider that is busy", func(p *provider) { p.on(discoveryPath, says(429, "")) }, oidc.ErrUnavailable, "status 429"},
		{"a connection that breaks", func(p *provider) { p.on(discoveryPath, breaks) }, oidc.ErrUnavailable, "connection failed"},
		{"an answer that breaks off", func(p *provider) { p.on(discoveryPath, breaksOff) }, oidc.ErrUnavailable, "connection failed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t)
			c.edit(p)
			_, _, err := p.login(t, nil).Begin(context.Background(), newState(), redirectURI, "/")
			wantErr(t, err, c.want, c.says)
		})
	}
}

// breaks takes the request and closes the connection.
func breaks(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		conn.Close()
	}
}

func breaksOff(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Length", "1000")
	w.Write([]byte("{"))
}

// roundTrip is a transport written as a function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAnIssuerWithTLSHasNoEndpointWithoutOnThisVeryMachine(t *testing.T) {
	p := newProvider(t)
	const issuer = "https://sso.example.com"
	p.metadata["issuer"] = issuer
	l := p.login(t, func(c *oidc.Config) {
		c.Issuer = issuer
		c.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
			r = r.Clone(r.Context())
			r.URL.Scheme, r.URL.Host = "http", strings.TrimPrefix(p.URL, "http://")
			return http.DefaultTransport.RoundTrip(r)
		})
	})
	_, _, err := l.Begin(context.Background(), newState(), redirectURI, "/")
	wantErr(t, err, oidc.ErrProvider, "authorization_endpoint that is not https")
}

func TestTheProvidersCertificateIsVerified(t *testing.T) {
	p := newProvider(t)
	server := httptest.NewUnstartedServer(http.HandlerFunc(p.serve))
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // it complains of the client that does not trust it
	server.StartTLS()
	defer server.Close()
	for name, value := range p.metadata {
		if text, ok := value.(string); ok {
			p.metadata[name] = strings.Replace(text, p.URL, server.URL, 1)
		}
	}
	trust := x509.NewCertPool()
	trust.AddCert(server.Certificate())
	for _, c := range []struct {
		name  string
		roots *x509.CertPool
		want  error
	}{
		{"by the system's authorities", nil, oidc.ErrUnavailable},
		{"by another authority", x509.NewCertPool(), oidc.ErrUnavailable},
		{"by the configured authority", trust, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := p.login(t, func(o *oidc.Config) { o.Issuer, o.RootCAs, o.Transport = server.URL, c.roots, nil })
			_, _, err := l.Begin(context.Background(), newState(), redirectURI, "/")
			wantErr(t, err, c.want, "certificate is not trusted")
		})
	}
}

func TestDiscoveryIsSharedAndKept(t *testing.T) {
	p := newProvider(t)
	l := p.login(t, nil)
	var wait sync.WaitGroup
	for range 50 {
		wait.Go(func() {
			if _, _, err := l.Begin(context.Background(), newState(), redirectURI, "/"); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if got := p.count(discoveryPath); got != 1 {
		t.Fatalf("50 callers asked %d times", got)
	}
	t.Run("and fetched anew after six hours", func(t *testing.T) {
		p.clock.Advance(6*time.Hour - time.Second)
		begin(t, l)
		if got := p.count(discoveryPath); got != 1 {
			t.Fatalf("asked %d times", got)
		}
		p.clock.Advance(time.Second)
		begin(t, l)
		if got := p.count(discoveryPath); got != 2 {
			t.Fatalf("asked %d times", got)
		}
	})
	t.Run("and the old one used when that fails", func(t *testing.T) {
		p.on(discoveryPath, says(503, ""))
		p.clock.Advance(6 * time.Hour)
		begin(t, l)
		begin(t, l)
		if got := p.count(discoveryPath); got != 3 {
			t.Fatalf("asked %d times", got)
		}
	})
}

func TestAFailedDiscoveryIsTriedAgain(t *testing.T) {
	p := newProvider(t)
	l := p.login(t, nil)
	p.on(discoveryPath, says(503, ""))
	fails := func(want int) {
		t.Helper()
		_, _, err := l.Begin(context.Background(), newState(), redirectURI, "/")
		wantErr(t, err, oidc.ErrUnavailable, "")
		if got := p.count(discoveryPath); got != want {
			t.Fatalf("asked %d times, want %d", got, want)
		}
	}
	fails(1)
	fails(1) // the failure is kept for a second
	asked := 1
	for _, pause := range []time.Duration{1, 2, 4, 8, 8} {
		p.clock.Advance(pause*time.Second - time.Millisecond)
		fails(asked)
		p.clock.Advance(time.Millisecond)
		asked++
		fails(asked)
	}
	p.on(discoveryPath, nil)
	p.clock.Advance(8 * time.Second)
	begin(t, l)
}

func TestABrowserThatGoesAwayDoesNotFailTheOthers(t *testing.T) {
	p := newProvider(t)
	l := p.login(t, nil)
	asked, answer := make(chan struct{}), make(chan struct{})
	p.on(discoveryPath, func(w http.ResponseWriter, r *http.Request) {
		close(asked)
		select {
		case <-answer:
		case <-r.Context().Done():
		}
		reply(w, 200, p.metadata)
	})
	ctx, cancel := context.WithCancel(context.Background())
	gone, other := make(chan error), make(chan error)
	try := func(ctx context.Context, result chan<- error) {
		_, _, err := l.Begin(ctx, newState(), redirectURI, "/")
		result <- err
	}
	go try(ctx, gone)
	<-asked
	go try(context.Background(), other)
	cancel()
	wantErr(t, <-gone, oidc.ErrUnavailable, "")
	close(answer)
	wantErr(t, <-other, nil, "")
	if got := p.count(discoveryPath); got != 1 {
		t.Fatalf("asked %d times", got)
	}
}

// What anybody may read, and is held to the issuer, may be moved.
func TestRedirectsInFrontOfDocumentsAreFollowed(t *testing.T) {
	for path, moved := range map[string]string{discoveryPath: "/moved", "/keys": "/moved-keys"} {
		p := newProvider(t)
		p.on(path, redirects(p.URL+moved))
		p.on(moved, func(w http.ResponseWriter, r *http.Request) {
			if path == "/keys" {
				reply(w, 200, jose.JSONWebKeySet{Keys: p.published})
				return
			}
			reply(w, 200, p.metadata)
		})
		p.mustSignIn(t, p.login(t, nil))
	}
	for name, c := range map[string]struct {
		to   string
		want error
		says string
	}{
		"off TLS":         {"http://sso.example.com/moved?canary", oidc.ErrProvider, `a redirect to "http://sso.example.com/moved", which is not followed, for that is not https`},
		"in a ring":       {discoveryPath, oidc.ErrProvider, "more than 5 redirects, the last of them to "},
		"to a script":     {"javascript:alert(1)", oidc.ErrProvider, "which is not followed, for that is not an absolute URL"},
		"to nowhere":      {"", oidc.ErrProvider, "a redirect to nowhere, for it has no Location"},
		"to no address":   {"http://[::1", oidc.ErrUnavailable, "a redirect to what is no address"},
		"with a password": {"https://ada:canary@sso.example.com/", oidc.ErrProvider, "holds a user name or password"},
	} {
		t.Run("but not "+name, func(t *testing.T) {
			p := newProvider(t)
			p.on(discoveryPath, func(w http.ResponseWriter, _ *http.Request) {
				if c.to != "" {
					w.Header().Set("Location", c.to)
				}
				w.WriteHeader(http.StatusFound)
			})
			_, _, err := p.login(t, nil).Begin(context.Background(), newState(), redirectURI, "/")
			wantErr(t, err, c.want, c.says)
			leaksNothing(t, err, "canary", "give the issuer")
			if n := p.count(discoveryPath); n > 6 {
				t.Errorf("it was asked %d times", n)
			}
		})
	}
}

func TestADiscoveryDocumentElsewhere(t *testing.T) {
	p := newProvider(t)
	p.on("/elsewhere.json", func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, p.metadata) })
	elsewhere := func(c *oidc.Config) { c.Discovery = p.URL + "/elsewhere.json" }
	p.mustSignIn(t, p.login(t, elsewhere))
	if p.count(discoveryPath) != 0 {
		t.Error("the issuer's own was asked for")
	}
	p.metadata["issuer"] = "https://evil.example.com"
	_, _, err := p.login(t, elsewhere).Begin(context.Background(), newState(), redirectURI, "/")
	wantErr(t, err, oidc.ErrProvider, "is of the issuer")
}

// What another reader does not see must not decide here who gets in. The long s
// and the sign of Kelvin are letters of another case, too, and stand behind the
// others in a document that is sorted.
func TestMembersAreReadByTheirNamesToTheLetter(t *testing.T) {
	for name, edit := range map[string]func(*provider){
		"another issuer behind the right one is not read": func(p *provider) { p.metadata["i\u017fsuer"] = "https://evil.example.com" },
		"a type of token behind the right one is not read": func(p *provider) {
			p.tokens = func(answer map[string]any) { answer["to\u212aen_type"] = "mac" }
		},
		"keys behind the right ones are not read": func(p *provider) {
			p.on("/keys", func(w http.ResponseWriter, _ *http.Request) {
				reply(w, 200, map[string]any{"keys": p.published, "key\u017f": []any{}})
			})
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			edit(p)
			p.mustSignIn(t, p.login(t, nil))
		})
	}
	for name, edit := range map[string]func(*provider){
		"the issuer": func(p *provider) { p.metadata["Issuer"], p.metadata["issuer"] = p.URL, nil },
		"the ID token": func(p *provider) {
			p.tokens = func(answer map[string]any) { answer["ID_token"], answer["id_token"] = answer["id_token"], nil }
		},
		"the keys": func(p *provider) {
			p.on("/keys", func(w http.ResponseWriter, _ *http.Request) { reply(w, 200, map[string]any{"Keys": p.published}) })
		},
	} {
		t.Run(name+" by another name is none", func(t *testing.T) {
			p := newProvider(t)
			edit(p)
			l := p.login(t, nil)
			location, attempt, err := l.Begin(context.Background(), newState(), redirectURI, "/")
			if err == nil {
				_, err = l.Finish(context.Background(), attempt, p.authorize(t, location))
			}
			wantErr(t, err, oidc.ErrProvider, "")
		})
	}
}
