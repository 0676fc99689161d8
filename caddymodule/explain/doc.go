// Package explain is the command `caddy sidegate-explain`, which says what becomes
// of one request: which handlers it comes to, which rule decides, the answer, and
// the headers that the app gets.
//
// It decides nothing itself. The configuration is loaded as for a server, but for
// what would touch the network, a store or a file: that is replaced by stand-ins
// (config.go, handlers.go). No listener is opened. The request goes through the
// server's own chain (ask.go), and what is told there is written down: Caddy's trace
// of handlers and the log (recorder.go), the decisions of our demands, and what a
// proxy sends (upstream.go). The stand-ins are registered by the command alone, so
// no other configuration can name them.
//
// Begin with command.go, load.go and ask.go.
package explain
