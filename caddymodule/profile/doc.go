// Package profile is how a session is built when a person signs in: from the
// facts that login methods and directories know (Person), and the roles of the
// configuration (Roles), to the UserSession that browsers and apps read.
//
// All invariants of a UserSession are made here, once, so that nothing after
// it need check them: a sign-in that would break one is refused.
//
// It knows the sessions of sessionstore, and neither logins nor where facts
// come from: no network, no expressions. Begin with Person in person.go and
// Build in build.go; roles.go flattens roles, kept.go is what a login keeps for
// later.
package profile
