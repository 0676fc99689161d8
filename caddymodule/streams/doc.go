// Package streams knows what requests keep open (websockets, event streams,
// gRPC streams, answers that take long), and ends it with the session that let it
// in.
//
// A request that is over before anybody could want to end it pays nothing for
// this: a Stream lies in what is remembered of the request, and becomes known to
// its Watch only at a header that says that the answer will take long, or when
// bytes flow later than a second after the request was let through. It is ended by
// putting both deadlines of the response into the past, which needs no context.
//
// Nothing is ended because the store cannot tell: who may have been signed out
// meanwhile is asked about until it answers.
package streams
