// Package origin knows origins (RFC 6454) as browsers see them: that of a
// request, which names are one site, and whether a page of another one has sent
// what it could only send in somebody's name. There is one reading of all of
// these: a second would be a second truth.
//
// It lies on the way of requests with a Bearer token and of websockets: nothing
// there allocates for who is at home.
//
// Begin reading at origin.go; check.go judges requests, sites.go tokens, and share.go
// says which pages may read an answer.
package origin
