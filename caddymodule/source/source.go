package source

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"example.com/sidegate/caddymodule/tracing"
)

// MaxAnswer is the most bytes that are read of an answer's body.
const MaxAnswer = 1 << 20

// What can go wrong with a call. None of them says anything about the person.
var (
	// ErrNetwork says that no whole answer came; another attempt may get one.
	ErrNetwork = errors.New("no answer came")
	// ErrNotReached is an ErrNetwork before anything was sent.
	ErrNotReached = fmt.Errorf("%w", ErrNetwork)
	// ErrNotWhole is an ErrNetwork after the first of an answer had come: the source
	// has heard the question, and what it said is not HTTP or ends too early.
	ErrNotWhole = fmt.Errorf("%w", ErrNetwork)
	// ErrTooLarge says that the answer has more than MaxAnswer bytes.
	ErrTooLarge = errors.New("the answer is larger than 1 MiB: let it answer about one person only")
)

// Answer is what a source said.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// NewTransport makes a transport for one source: no environment variable sends
// its credentials through a proxy, and no source, however slow, takes all
// descriptors. Nil roots means those of the system.
func NewTransport(roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		Proxy:                  nil,
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    5 * time.Second,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // a small answer cannot become a huge one
		MaxIdleConnsPerHost:    16,
		MaxConnsPerHost:        64,
		IdleConnTimeout:        time.Minute,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// The kinds of sources.
const (
	Directory = "directory"
	Login     = "login"
)

// Who is asked, for the trace of a request that is traced.
type Who struct {
	// Kind is Directory or Login, which its span is called by.
	Kind string
	// Name is the source's in the configuration.
	Name string
}

// Ask sends the request and reads the whole answer. It uses the transport
// itself: an http.Client would follow redirects, keep cookies, and repeat a
// header of the answer in its errors. The errors are ErrNetwork, ErrNotReached,
// ErrNotWhole, ErrTooLarge or the context's; where a status came all the same it is
// in the answer, without the body.
func Ask(ctx context.Context, who Who, transport http.RoundTripper, r *http.Request) (Answer, error) {
	if !tracing.Recorded(ctx) {
		return ask(ctx, transport, r)
	}
	ctx, span := tracing.Ask(ctx, who.Kind, who.Name, r.URL.Host)
	answer, err := ask(ctx, transport, r)
	span.Answered(answer.Status, err)
	return answer, err
}

func ask(ctx context.Context, transport http.RoundTripper, r *http.Request) (Answer, error) {
	var begun atomic.Bool
	trace := &httptrace.ClientTrace{GotFirstResponseByte: func() { begun.Store(true) }}
	response, err := transport.RoundTrip(r.WithContext(httptrace.WithClientTrace(ctx, trace)))
	if err != nil {
		return Answer{}, explain(ctx, err, begun.Load())
	}
	defer response.Body.Close()
	answer := Answer{Status: response.StatusCode, Header: response.Header}
	body, err := io.ReadAll(io.LimitReader(response.Body, MaxAnswer+1))
	if err != nil {
		return answer, explain(ctx, err, true)
	}
	if len(body) > MaxAnswer {
		return answer, ErrTooLarge
	}
	answer.Body = body
	return answer, nil
}

// explain says what kind of trouble it is. Only errors from before anything
// was sent are shown as they are: a later one may repeat a line of the answer,
// and with it what the source sends back of the question. begun says that an answer
// had begun.
func explain(ctx context.Context, err error, begun bool) error {
	switch ended := ctx.Err(); {
	case errors.Is(ended, context.DeadlineExceeded):
		return fmt.Errorf("no answer came in time: %w", ended)
	case ended != nil:
		return fmt.Errorf("nobody waits for the answer any more: %w", ended)
	}
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return fmt.Errorf("%w: %w", ErrNotReached, dial)
	}
	if bad, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return fmt.Errorf("%w: %w", ErrNotReached, bad)
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return fmt.Errorf("%w: it does not speak TLS: is the URL's https right?", ErrNotReached)
	}
	if begun {
		return fmt.Errorf("%w: what came is not HTTP, or ends too early", ErrNotWhole)
	}
	return fmt.Errorf("%w: the connection broke", ErrNetwork)
}
