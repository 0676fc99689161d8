// Package profile is how a session is built when a person signs in: from the
// facts that login methods and directories know (Person), and the roles of the
// configuration (Roles), to the UserSession that browsers and apps read.
//
// All invariants of a UserSession are made here, once, so that nothing after
// it need check them: a sign-in that would break one is refused.
package profile
