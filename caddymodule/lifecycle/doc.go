// Package lifecycle is the life of a session, from "somebody proved who they
// are" to its end: it is begun, built from what the sources say, built anew
// while it is used, written, and ended, by the person, by their login, or by
// the source that they signed in at.
//
// It knows the login methods, the directories and how a profile is built of
// them, and the session store. It may not know HTTP, Caddy, loggers or metrics,
// tokens, or any one login: it takes values (Arrival), answers with errors, and
// tells what happened through Events.
//
// Begin reading at sessions.go; then begin.go, build.go, refresh.go and end.go
// are the stations of a life in their order, and vouching.go is the question
// that is asked at each of them, and at every look-up. people.go says who is the
// same person, and owners.go whose a number is.
package lifecycle
