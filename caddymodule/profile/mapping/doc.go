// Package mapping turns what sources say of a person (the claims of a token,
// the answers of an app or of a directory) into the fields of a
// [profile.Person], by CEL expressions that the operator wrote:
//
//	roles  token.?groups.orValue([])
//
// Expressions are compiled once. What they may cost is bounded, and so is what
// they may hand out. A value never changes its type by itself: 'Y' is not true,
// and '42' is not a number, unless the expression says so.
//
// Errors are for the operator, at the start or at night: they name the field,
// the expression and the keys that were there. They never hold a value of the
// facts, for those are personal data and credentials, and errors go to a log.
//
// It knows the profile and CEL; no login, no directory, no request. Begin with
// Compile and Apply in mapping.go; vocabulary.go is what an expression may use,
// field.go which fields there are, read.go how a result becomes one.
package mapping
