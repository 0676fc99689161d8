// Package refusal is every answer of the gateway other than success, but for
// those to a provider's sign-out, which its standard words, in one table: status and code for programs, the message for people, what the login
// page says, and how an attempt to sign in is counted that ends so.
//
// It knows HTTP and the pages of package web. It may not know who is refused,
// nor why beyond what the table says: none tells more than a caller needs to act.
//
// Begin reading at table.go.
package refusal
