package redis

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// untrusted is a certificate that is not taken, with all that is wrong with it: the
// handshake ends at the first of it, and whoever mends that meets the next.
type untrusted struct {
	cause error
	wrong []error
}

// Error implements error.
func (u *untrusted) Error() string { return u.cause.Error() }

// Unwrap returns what the handshake ended with.
func (u *untrusted) Unwrap() error { return u.cause }

// dialer connects as these options say; nil, for go-redis' own, where no TLS is
// spoken.
func dialer(opts *goredis.Options) func(ctx context.Context, network, addr string) (net.Conn, error) {
	if opts.TLSConfig == nil {
		return nil
	}
	dial, config := goredis.NewDialer(opts), opts.TLSConfig
	return func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		if refused, ok := errors.AsType[*tls.CertificateVerificationError](err); ok && len(refused.UnverifiedCertificates) > 0 {
			err = &untrusted{err, wrongWith(refused.UnverifiedCertificates, addr, config)}
		}
		return conn, err
	}
}

// wrongWith looks at what the server has shown: the name, the authority and the
// time, each by itself.
func wrongWith(shown []*x509.Certificate, addr string, config *tls.Config) (wrong []error) {
	leaf, host := shown[0], addr
	if name, _, err := net.SplitHostPort(addr); err == nil {
		host = name
	}
	if err := leaf.VerifyHostname(cmp.Or(config.ServerName, host)); err != nil {
		wrong = append(wrong, err)
	}
	now := time.Now()
	if config.Time != nil {
		now = config.Time()
	}
	good := now
	if now.Before(leaf.NotBefore) || now.After(leaf.NotAfter) {
		wrong = append(wrong, x509.CertificateInvalidError{Cert: leaf, Reason: x509.Expired})
		good = leaf.NotAfter
	}
	others := x509.NewCertPool()
	for _, cert := range shown[1:] {
		others.AddCert(cert)
	}
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: config.RootCAs, Intermediates: others, CurrentTime: good}); err != nil {
		wrong = append(wrong, err)
	}
	return wrong
}

// certificateSteps is what to do about a certificate that is not taken: all that is
// wrong with it, as far as is known. Empty for other errors.
func certificateSteps(err error) string {
	wrong := []error{err}
	if all, ok := errors.AsType[*untrusted](err); ok {
		wrong = all.wrong
	}
	var steps []string
	for _, err := range wrong {
		if does := certificateStep(err); does != "" {
			steps = append(steps, does)
		}
	}
	return strings.Join(steps, "; and ")
}

// certificateStep names the authority, or the names that the certificate is made
// out to, or its time.
func certificateStep(err error) string {
	if unknown, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		by := "an authority"
		if unknown.Cert != nil {
			by = fmt.Sprintf("the authority %q", unknown.Cert.Issuer.String())
		}
		return "the certificate of the server is signed by " + by + ", which is not trusted here: name its file (`ca <pem file>` in the block `tls`)"
	}
	if other, ok := errors.AsType[x509.HostnameError](err); ok {
		return fmt.Sprintf("the certificate of the server is made out to %s: connect by one of these, or name it (`server_name <name>` in the block `tls`)",
			strings.Join(namesIn(other.Certificate), ", "))
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return fmt.Sprintf("the certificate of the server is good from %s to %s: renew it, and see the clocks of both machines",
			invalid.Cert.NotBefore.UTC().Format("2006-01-02"), invalid.Cert.NotAfter.UTC().Format("2006-01-02"))
	}
	return ""
}

// namesIn are what a certificate is made out to.
func namesIn(cert *x509.Certificate) []string {
	names := slices.Clone(cert.DNSNames)
	for _, ip := range cert.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return []string{"no name at all"}
	}
	return names
}
