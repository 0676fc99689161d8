// Package adopt takes over people whom another gateway has signed in: whoever
// comes with that gateway's cookie is asked about there, once, and its answer is
// mapped to a person. It begins no session and decides about no request.
//
// Begin reading at login.go; marks.go is what the store remembers, so that a cookie
// is adopted once, by one of all gateways.
package adopt
