// Package transport is `transport sidegate` of Caddy's reverse_proxy: HTTP/1.1 in
// the clear to an app on the same machine or in a private network, by
// [wire.Transport].
package transport
