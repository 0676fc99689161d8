// Package attacks is tests alone: what somebody without the right to it sends to
// a whole server, and that they get nothing for it. Begin reading at
// forgery_test.go, whose site the other tests of requests use.
package attacks
