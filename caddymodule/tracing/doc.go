// Package tracing has what the gateway asks of others join the trace of a request,
// where Caddy's directive `tracing` records one: a span for each question to the
// session store, to a directory, to an app's login and to a provider.
//
// Where nothing is recorded it costs a look into the context, and allocates
// nothing. There is no option and no exporter here: both are Caddy's. A span says
// what was asked and how it ended, never of whom: no person, no session, no
// credential, no path and no query.
//
// Begin with Recorded and Start in tracing.go.
package tracing
