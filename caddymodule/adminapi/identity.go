package adminapi

import (
	"net"
	"net/http"
)

// identity is who asks, for the log: the subject of the certificate at Caddy's remote
// admin endpoint, else that it is the local one, and from where.
func identity(r *http.Request) string {
	if r.TLS != nil && len(r.TLS.VerifiedChains) > 0 && len(r.TLS.VerifiedChains[0]) > 0 {
		client := r.TLS.VerifiedChains[0][0]
		if subject := shown(client.Subject.String()); subject != "" {
			return subject
		}
		return "certificate " + client.SerialNumber.Text(16)
	}
	if at, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && at.Network() == "unix" {
		return "local unix socket"
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return "local"
	}
	return "local " + shown(host)
}
