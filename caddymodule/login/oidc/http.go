package oidc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"example.com/sidegate/caddymodule/tracing"
)

const (
	patience  = 10 * time.Second // for one answer of the provider, all in all
	maxAnswer = 1 << 20          // bytes
	maxHeader = 64 << 10         // bytes
)

// newClient follows no redirects: a provider that is misled, or misleads,
// would send codes, secrets and tokens to hosts that nobody configured. See
// document for what holds none of them.
func newClient(config Config) *http.Client {
	transport := config.Transport
	if transport == nil {
		transport = &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			TLSClientConfig:        &tls.Config{RootCAs: config.RootCAs, MinVersion: tls.VersionTLS12},
			ForceAttemptHTTP2:      true,
			MaxIdleConnsPerHost:    8,
			IdleConnTimeout:        time.Minute,
			TLSHandshakeTimeout:    patience,
			MaxResponseHeaderBytes: maxHeader,
		}
	}
	return &http.Client{
		Transport:     transport,
		Timeout:       patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// answer is what an endpoint said, with a status below 500 that is no redirect.
type answer struct {
	status    int
	mediaType string
	body      []byte
}

// call sends the request once; what names the endpoint in errors. Errors are
// ErrUnavailable where nobody answers or the provider is in trouble, and
// ErrProvider for nonsense. They hold nothing of the answer.
func (l *Login) call(what string, request *http.Request) (answer, error) {
	return l.callBy(l.client, what, request, neverFollowed)
}

// Span is what a question to a provider is called in traces.
const Span = "provider"

// callBy is call by that client; redirected says what a redirect means that it did
// not follow. It is a span of the request that it is for, where that is traced.
func (l *Login) callBy(client *http.Client, what string, request *http.Request, redirected func(*http.Response) string) (answer, error) {
	ctx := request.Context()
	if !tracing.Recorded(ctx) {
		return callBy(client, what, request, redirected)
	}
	ctx, span := tracing.Ask(ctx, Span, l.config.Name, request.URL.Host, attribute.String("sidegate.asked", strings.TrimPrefix(what, "the ")))
	a, err := callBy(client, what, request.WithContext(ctx), redirected)
	span.Answered(a.status, err)
	return a, err
}

func callBy(client *http.Client, what string, request *http.Request, redirected func(*http.Response) string) (answer, error) {
	request.Header.Set("Accept", "application/json")
	response, err := client.Do(request)
	if err != nil {
		why := because(ErrUnavailable, "%s at %s: %w", what, placeOf(request.URL), reason(err))
		if neverSent(err) {
			why = &moved{why, true}
		}
		return answer{}, why
	}
	defer response.Body.Close()
	switch {
	case response.StatusCode >= 500 || response.StatusCode == http.StatusTooManyRequests:
		why := because(ErrUnavailable, "%s at %s answers with status %d", what, placeOf(request.URL), response.StatusCode)
		if response.StatusCode != http.StatusTooManyRequests {
			why = &moved{why, false} // such as a proxy's page, of what is no more behind it
		}
		return answer{}, why
	case response.StatusCode >= 300 && response.StatusCode < 400:
		return answer{}, &moved{because(ErrProvider, "%s at %s %s", what, placeOf(request.URL), redirected(response)), false}
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	if err != nil {
		return answer{}, because(ErrUnavailable, "%s at %s: %w", what, placeOf(request.URL), reason(err))
	}
	if len(body) > maxAnswer {
		return answer{}, because(ErrProvider, "%s at %s answers with more than %d bytes", what, placeOf(request.URL), maxAnswer)
	}
	mediaType, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	return answer{response.StatusCode, mediaType, body}, nil
}

// get is call for a GET that must succeed. accessToken may be empty.
func (l *Login) get(ctx context.Context, what, endpoint, accessToken string) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint, nil)
	if err != nil {
		return answer{}, because(ErrProvider, "%s has no usable address", what)
	}
	if accessToken != "" {
		request.Header.Set("Authorization", "Bearer "+accessToken)
	}
	a, err := l.call(what, request)
	return a, a.mustBeOK(what, endpoint, err)
}

// maxHops bounds the redirects in front of a document.
const maxHops = 5

// document is get for what anybody may read: nothing is sent along, and what it
// says is held to the issuer afterwards, so redirects are followed, with the care
// for TLS that endpoints get.
func (l *Login) document(ctx context.Context, what, address string) (answer, error) {
	client := *l.client
	client.CheckRedirect = func(next *http.Request, before []*http.Request) error {
		if _, err := parseEndpoint(next.URL.String(), before[0].URL.Scheme == "http"); err != nil || len(before) > maxHops {
			return http.ErrUseLastResponse
		}
		return nil
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return answer{}, because(ErrProvider, "%s has no usable address", what)
	}
	a, err := l.callBy(&client, what, request, notFollowed)
	return a, a.mustBeOK(what, address, err)
}

// mustBeOK is err, or what is wrong with an answer of another status than 200.
func (a answer) mustBeOK(what, address string, err error) error {
	if err != nil || a.status == http.StatusOK {
		return err
	}
	err = because(ErrProvider, "%s answers with status %d at %s%s", what, a.status, shownURL(withoutQuery(address)), a.remedy(what))
	if a.gone() || a.status == http.StatusBadRequest {
		err = &moved{err, true}
	}
	return err
}

// remedy says what to do about a status of the two endpoints that people set up.
func (a answer) remedy(what string) string {
	switch {
	case what == theUserInfo && a.status == http.StatusUnauthorized:
		return ": it does not take the access token: see whether the client has the openid scope there, or say `userinfo off`"
	case what == theUserInfo && a.status == http.StatusForbidden:
		return ": allow the client the scopes that it needs there, or say `userinfo off`"
	case what == theUserInfo && a.gone():
		return ": see whether the provider's discovery document names the right place, or say `userinfo off`"
	case what == theDocument && a.gone():
		return ": see whether issuer is right, its path too (realm, tenant), or say by `discovery` where the document is"
	case what == theDocument && (a.status == http.StatusUnauthorized || a.status == http.StatusForbidden):
		return ": let this gateway read it without signing in, as everybody may"
	}
	return ""
}

// What is asked of a provider, as errors call it.
const (
	theUserInfo = "the userinfo endpoint"
	theDocument = "the discovery document"
)

// reason says in fixed words why nobody answered: the errors of net/http can
// repeat what a server sent.
func reason(err error) error {
	var (
		untrusted *tls.CertificateVerificationError
		unknown   *net.DNSError
		failed    *net.OpError
		timeout   net.Error
	)
	switch {
	case errors.Is(err, context.Canceled):
		return context.Canceled
	case errors.As(err, &timeout) && timeout.Timeout():
		return errors.New("no answer in time: is the provider up?")
	case errors.As(err, &untrusted):
		return errors.New("its certificate is not trusted: name its authority with the ca option")
	case errors.As(err, &unknown):
		return errors.New("its host name is not known to the name server")
	case errors.As(err, &failed) && failed.Op == "dial":
		return errors.New("it cannot be connected to: is the provider up?")
	case strings.Contains(err.Error(), "failed to parse Location header"): // net/http has no name for it
		return errors.New("it answers with a redirect to what is no address")
	}
	return errors.New("the connection failed before the answer was complete")
}

// neverFollowed says what is wrong where an endpoint that takes credentials answers
// with a redirect.
func neverFollowed(response *http.Response) string {
	return "answers with a redirect" + leadsTo(response) + ", which is never followed, for what is sent there is secret: " +
		"the provider's discovery document names another place than it should, or a proxy in front of the provider redirects"
}

// notFollowed says why a redirect in front of a document was not followed: see
// document.
func notFollowed(response *http.Response) string {
	to, err := response.Location()
	if err != nil {
		return "answers with a redirect to nowhere, for it has no Location"
	}
	if _, err := parseEndpoint(to.String(), response.Request.URL.Scheme == "http"); err != nil {
		return fmt.Sprintf("answers with a redirect%s, which is not followed, for that %v", leadsTo(response), err)
	}
	return fmt.Sprintf("answers with more than %d redirects, the last of them%s: do they lead in a circle?", maxHops, leadsTo(response))
}

func leadsTo(response *http.Response) string {
	to, err := response.Location()
	if err != nil {
		return ""
	}
	return " to " + placeOf(to)
}

// placeOf is an endpoint in a line of the log, without its query: where to look.
func placeOf(u *url.URL) string {
	return shownURL((&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String())
}

// withoutQuery is placeOf for a text.
func withoutQuery(address string) string {
	place, _, _ := strings.Cut(address, "?")
	return place
}

// withQuery adds parameters to those that the endpoint's URL has already
// (RFC 6749 section 3.1); ours win.
func withQuery(endpoint string, params url.Values) string {
	u, err := url.Parse(endpoint)
	if err != nil { // cannot be: it was parsed when it was discovered
		return ""
	}
	query := u.Query()
	for name, values := range params {
		query[name] = values
	}
	u.RawQuery = query.Encode()
	return u.String()
}
