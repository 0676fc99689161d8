// Package wire speaks HTTP/1.1 in the clear to an app nearby, on the goroutine of
// who asks. Begin reading at [Transport.RoundTrip].
//
// net/http's Transport has two goroutines a connection and hands each request
// and each answer between them and the caller, which is a fifth of what a
// reverse proxy spends on a small request. Here the caller writes and reads
// itself. A message is written by http.Request.Write and read by
// http.ReadResponse, as net/http's Transport does: not a byte of HTTP is parsed
// here. What differs from it is told at [Transport].
package wire
