package oidc

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/http"
	"slices"
)

// moved is an error that is evidence of an endpoint that is elsewhere by now: see
// newest. unseen says that nobody can have acted on what was sent there, so that it
// may be sent to another place.
type moved struct {
	error
	unseen bool
}

// Unwrap returns the error.
func (m *moved) Unwrap() error { return m.error }

// gone reports whether the answer is that of a place where there is nothing, or not
// what was asked for.
func (a answer) gone() bool {
	return slices.Contains([]int{http.StatusNotFound, http.StatusMethodNotAllowed, http.StatusGone}, a.status)
}

// neverSent reports whether a request failed before anything of it was sent.
func neverSent(err error) bool {
	var (
		untrusted *tls.CertificateVerificationError
		unknown   *net.DNSError
		failed    *net.OpError
	)
	if errors.Is(err, context.Canceled) {
		return false
	}
	return errors.As(err, &untrusted) || errors.As(err, &unknown) || errors.As(err, &failed) && failed.Op == "dial"
}

// elsewhere is the metadata to try once more by, when an error is evidence that the
// place was moved and where says that it has; else nil.
func (l *Login) elsewhere(ctx context.Context, err error, m *metadata, where func(*metadata) string) *metadata {
	if _, is := errors.AsType[*moved](err); !is {
		return nil
	}
	now, _ := l.newest(ctx) // another may have asked a moment ago: what came then will do
	if now == nil || where(now) == where(m) {
		return nil
	}
	return now
}
