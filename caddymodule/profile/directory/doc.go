// Package directory asks those who know more of a person than their login
// does: HTTP services of the operator's, at the moment somebody signs in and
// whenever their session is built anew, never in between.
//
// "No" and "cannot tell" are different things here as everywhere: that a
// person is not known (404, 410, an empty list) is a definite no, everything
// else that is no answer is trouble, which ends no session.
//
// It knows the profile, its mapping and package source; no login, no session,
// no Caddy. Begin with Consult in consult.go; directory.go asks one of them,
// retry.go again, answer.go reads what it says, identity.go whether that is
// about the person who was meant.
package directory
