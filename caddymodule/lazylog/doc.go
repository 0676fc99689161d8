// Package lazylog is the log format `lazy`: another format, which writes down what
// a logger holds of a request when a line is logged, and not for each request.
//
// Caddy's reverse_proxy makes a logger with the whole request in it for every
// request that it passes on, for a line that is logged only at level debug. Its
// header written down as JSON is a tenth of what such a request costs.
package lazylog
