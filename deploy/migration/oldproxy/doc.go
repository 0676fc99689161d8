// Package oldproxy is empty: its module says which oauth2-proxy the tests of
// deploy/migration build and start. It is a module of its own, so that whoever
// builds the gateway does not fetch that program, and so that neither chooses the
// versions of what the other is made of.
package oldproxy
