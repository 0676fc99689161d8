package origin_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/origin"
)

// request is one at that host, with headers as pairs of names and values.
func request(host string, header ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Host = host
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	return caddyhttp.PrepareRequest(r, caddy.NewReplacer(), httptest.NewRecorder(), nil)
}

func overTLS(r *http.Request) *http.Request {
	r.TLS = new(tls.ConnectionState)
	return r
}

func trusted(r *http.Request) *http.Request {
	caddyhttp.SetVar(r.Context(), caddyhttp.TrustedProxyVarKey, true)
	return r
}

func parse(t testing.TB, raw string) origin.Origin {
	t.Helper()
	o, err := origin.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestWhatIsTakenForAPageOfThisSite(t *testing.T) {
	public := &origin.Check{Public: parse(t, "https://a.example"), Listed: []origin.Origin{parse(t, "https://partner.example:8443")}}
	for _, c := range []struct {
		name  string
		check *origin.Check
		r     *http.Request
		own   string // what a refused page was compared with; empty: it is not refused
	}{
		{"no page", new(origin.Check), request("a.example"), ""},
		{"the host's own", new(origin.Check), request("a.example", "Origin", "http://a.example"), ""},
		{"the host's own, in other letters", new(origin.Check), request("A.example", "Origin", "http://a.Example"), ""},
		{"the host's own over TLS, which may have ended in front", new(origin.Check), request("a.example", "Origin", "https://a.example"), ""},
		{"a port that is there anyway, in Host", new(origin.Check), overTLS(request("a.example:443", "Origin", "https://a.example")), ""},
		{"a port that is there anyway, with a zero before", new(origin.Check), overTLS(request("a.example:0443", "Origin", "https://a.example")), ""},
		{"a port that is empty", new(origin.Check), overTLS(request("a.example:", "Origin", "https://a.example")), ""},
		{"a port that is there anyway, in Origin", new(origin.Check), overTLS(request("a.example", "Origin", "https://a.example:443")), ""},
		{"a port that plain HTTP has anyway", new(origin.Check), request("a.example:80", "Origin", "http://a.example"), ""},
		{"over TLS, a page without it", new(origin.Check), overTLS(request("a.example", "Origin", "http://a.example")), "https://a.example"},
		{"a port that the other scheme has", new(origin.Check), request("a.example:443", "Origin", "http://a.example"),
			"http://a.example:443 or https://a.example"},
		{"a trusted proxy says TLS", new(origin.Check), trusted(request("a.example", "Origin", "http://a.example", "X-Forwarded-Proto", "https")), "https://a.example"},
		{"a trusted proxy says none", new(origin.Check), trusted(request("a.example", "Origin", "https://a.example", "X-Forwarded-Proto", "http")), "http://a.example"},
		{"a trusted proxy says nothing", new(origin.Check), trusted(request("a.example", "Origin", "https://a.example")), ""},
		{"somebody says TLS", new(origin.Check), request("a.example", "Origin", "http://a.example", "X-Forwarded-Proto", "https"), ""},
		{"the public one, whatever Host says", public, request("inside:8080", "Origin", "https://a.example"), ""},
		{"the public one, whatever the browser says of the host that it asked", public,
			request("inside:8080", "Origin", "https://a.example", "Sec-Fetch-Site", "cross-site"), ""},
		{"the public one without TLS", public, request("a.example", "Origin", "http://a.example"), "https://a.example"},
		{"another host beside the public one", public, request("b.example", "Origin", "http://b.example"), ""},
		{"a listed one", public, request("b.example", "Origin", "https://partner.example:8443", "Sec-Fetch-Site", "cross-site"), ""},
		{"a listed host at another port", public, request("a.example", "Origin", "https://partner.example"), "https://a.example"},
		{"another", public, request("b.example", "Origin", "https://evil.example"), "http://b.example or https://b.example or https://a.example"},
		{"null", new(origin.Check), request("a.example", "Origin", "null"), "http://a.example or https://a.example"},
		{"what the browser says comes first", new(origin.Check), request("a.example", "Origin", "null", "Sec-Fetch-Site", "same-origin"), ""},
		{"a person who typed the address", new(origin.Check), request("a.example", "Sec-Fetch-Site", "none"), ""},
		{"another site without an Origin", new(origin.Check), request("a.example", "Sec-Fetch-Site", "cross-site"), "http://a.example or https://a.example"},
		{"what nobody knows", new(origin.Check), request("a.example", "Sec-Fetch-Site", "x", "Origin", "http://a.example"), "http://a.example or https://a.example"},
	} {
		t.Run(c.name, func(t *testing.T) {
			mismatch := c.check.Of(c.r)
			if (mismatch == nil) != (c.own == "") || mismatch != nil && mismatch.Own != c.own {
				t.Errorf("got %+v", mismatch)
			}
		})
	}
}

func TestAPageOfThisVeryHostOverPlainHTTPIsToldApart(t *testing.T) {
	public := &origin.Check{Public: parse(t, "https://a.example")}
	for _, c := range []struct {
		name  string
		check *origin.Check
		r     *http.Request
		plain bool
	}{
		{"where public_url is over TLS", public, request("a.example", "Origin", "http://a.example"), true},
		{"where public_url is, and Host is another", public, request("inside:8080", "Origin", "http://A.example"), true},
		{"as the browser says too", public, request("a.example", "Origin", "http://a.example", "Sec-Fetch-Site", "cross-site"), true},
		{"where TLS ends here", new(origin.Check), overTLS(request("a.example", "Origin", "http://a.example:8080")), true},
		{"where a trusted proxy says TLS", new(origin.Check), trusted(request("a.example", "Origin", "http://a.example", "X-Forwarded-Proto", "https")), true},
		{"not one of another host", public, request("a.example", "Origin", "http://evil.example"), false},
		{"not one over TLS", public, request("a.example", "Origin", "https://a.example:8443"), false},
		{"not null", public, request("a.example", "Origin", "null"), false},
		{"not where the site is over plain http itself", new(origin.Check), trusted(request("a.example", "Origin", "http://a.example:81", "X-Forwarded-Proto", "http")), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if m := c.check.Of(c.r); m == nil || m.Plain != c.plain {
				t.Errorf("got %+v", m)
			}
		})
	}
}

func TestWhatIsToldOfARefusedPageIsBounded(t *testing.T) {
	long := strings.Repeat("x", 5000)
	m := new(origin.Check).Of(request("a.example", "Origin", long, "Sec-Fetch-Site", long))
	if m == nil || len(m.Origin) != 256 || len(m.Site) != 256 {
		t.Errorf("got %+v", m)
	}
}

// A sentence with a hole in it names nobody.
func TestAPageThatDoesNotSayWhereItIsFromIsToldSo(t *testing.T) {
	for from, want := range map[string]string{
		"":                     "it does not say where it is from, and this site is http",
		"https://evil.example": "it is from https://evil.example, and this site is http",
		"null":                 "it is from null, and this site is http",
	} {
		r := request("a.example", "Sec-Fetch-Site", "cross-site")
		if from != "" {
			r.Header.Set("Origin", from)
		}
		if m := new(origin.Check).Of(r); m == nil || !strings.HasPrefix(m.Error(), want) {
			t.Errorf("from %q: %v", from, m)
		}
	}
}

func TestWhatAsksForAnotherProtocol(t *testing.T) {
	extended := request("a.example")
	extended.Method, extended.Header[":protocol"] = http.MethodConnect, []string{"websocket"}
	overQUIC := request("a.example")
	overQUIC.Method, overQUIC.Proto = http.MethodConnect, "websocket"
	tunnel := request("a.example")
	tunnel.Method = http.MethodConnect
	extended.ProtoMajor, overQUIC.ProtoMajor = 2, 3
	other := extended.Clone(t.Context())
	other.Header[":protocol"] = []string{"connect-udp"}
	for name, c := range map[string]struct {
		r             *http.Request
		asks, connect bool
	}{
		"HTTP/1.1 with Upgrade":               {request("a.example", "Upgrade", "websocket"), true, false},
		"HTTP/1.1 with Upgrade, in letters":   {request("a.example", "Upgrade", "WebSocket"), true, false},
		"HTTP/2 with :protocol":               {extended, true, true},
		"HTTP/2 with :protocol, of something": {other, true, false},
		"HTTP/3 with :protocol":               {overQUIC, true, true},
		"a tunnel":                            {tunnel, false, false},
		"anything else":                       {request("a.example", "Connection", "Upgrade"), false, false},
	} {
		if got := origin.IsUpgrade(c.r); got != c.asks {
			t.Errorf("%s: %v", name, got)
		}
		if got := origin.IsWebsocketConnect(c.r); got != c.connect {
			t.Errorf("%s, by an extended CONNECT: %v", name, got)
		}
	}
}

func TestWhoIsNotBelievedThatABrowserCameOverTLS(t *testing.T) {
	for _, c := range []struct {
		name   string
		r      *http.Request
		doubts bool
	}{
		{"who is none of trusted_proxies", request("a.example", "X-Forwarded-Proto", "https"), true},
		{"in other letters, and in another's way", request("a.example", "Forwarded", "for=192.0.2.7;Proto=HTTPS"), true},
		{"in quotes", request("a.example", "Forwarded", `proto="https"`), true},
		{"in yet another's way", request("a.example", "X-Forwarded-Ssl", "on"), true},
		{"not who is one and says two things", trusted(request("a.example", "X-Forwarded-Proto", "https, http")), false},
		{"a browser that says what it says over TLS alone", request("a.example", "Sec-Fetch-Site", "none"), true},
		{"a browser behind a trusted proxy that knows nothing of TLS", trusted(request("a.example", "Sec-Fetch-Site", "none", "X-Forwarded-Proto", "http")), true},
		{"not a browser at its own machine", request("localhost:8080", "Sec-Fetch-Site", "none"), false},
		{"not a browser at an address of its own machine", request("[::1]:8080", "Sec-Fetch-Site", "none"), false},
		{"not who is one and says it", trusted(request("a.example", "X-Forwarded-Proto", "https")), false},
		{"not who says nothing of it", request("a.example", "X-Forwarded-For", "192.0.2.7"), false},
		{"not who says that it was plain", request("a.example", "X-Forwarded-Proto", "http"), false},
		{"not whose TLS ends here", overTLS(request("a.example", "X-Forwarded-Proto", "https")), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := origin.DoubtsTLS(c.r); got != c.doubts {
				t.Errorf("got %v", got)
			}
		})
	}
}

// Proxies write the port of their own listener into Host. Browsers, and providers
// that compare a redirect_uri to the letter, know none.
func TestTheSiteOfARequestHasNoPortThatItsSchemeHasAnyway(t *testing.T) {
	for _, c := range []struct {
		name string
		r    *http.Request
		want string
	}{
		{"behind a trusted proxy that ends TLS", trusted(request("app.example:443", "X-Forwarded-Proto", "https")), "https://app.example"},
		{"behind one that says plain http", trusted(request("app.example:80", "X-Forwarded-Proto", "http")), "http://app.example"},
		{"with TLS here", overTLS(request("APP.example:443")), "https://app.example"},
		{"over plain http", request("app.example:80"), "http://app.example"},
		{"with a port that is empty", trusted(request("app.example:", "X-Forwarded-Proto", "https")), "https://app.example"},
		{"with a port that begins with a zero", trusted(request("app.example:0443", "X-Forwarded-Proto", "https")), "https://app.example"},
		{"with an address that has both", overTLS(request("[2001:DB8::1]:0443")), "https://[2001:db8::1]"},
		{"but another port stays", trusted(request("app.example:8443", "X-Forwarded-Proto", "https")), "https://app.example:8443"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := new(origin.Sites).Of(c.r).String(); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
		})
	}
}
