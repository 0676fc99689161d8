package oidc

import (
	"errors"
	"fmt"

	"example.com/sidegate/caddymodule/login"
)

// The ways in which a sign-in fails; each deserves a page of its own. What is
// wrapped around them is for the log: it says what to look at, and holds no
// token, no code, no claim's value but issuer and email_verified, and nothing of
// what the browser sent but an issuer. An error of a Mapper is returned as it is.
var (
	// ErrDenied says that the person, or the provider's policy, has declined,
	// or that they proved who they are in a weaker way (acr_values) or longer
	// ago (max_age) than was asked for.
	ErrDenied = errors.New("the provider did not let the person in")
	// ErrExpired says that the attempt took too long: begin again.
	ErrExpired = errors.New("the sign-in attempt has expired")
	// ErrNoCookie says that the browser sent nothing by which it could be known
	// for the one that began the attempt, which is one of these gateways.
	ErrNoCookie = errors.New("the browser sent no cookie for this sign-in attempt")
	// ErrUsed says that the attempt was finished before: its state is good once.
	ErrUsed = errors.New("the sign-in attempt was finished before")
	// ErrForged says that what the browser brought back does not belong to
	// this attempt: state, nonce, iss, a parameter given twice.
	ErrForged = errors.New("the answer does not belong to this sign-in attempt")
	// ErrSpent says that the provider takes the code no longer, or not from here: it
	// was used before, has expired, or is somebody else's.
	ErrSpent = errors.New("the provider does not take its code back")
	// ErrClock says that the clocks of provider and gateway disagree.
	ErrClock = errors.New("the clocks of the provider and of this gateway disagree")
	// ErrAudience says that the ID token was issued for another client.
	ErrAudience = errors.New("the ID token is not meant for this client")
	// ErrUnverified says that the provider does not vouch for the address.
	ErrUnverified = errors.New("the provider has not verified the email address")
	// ErrUnvouched says that the provider does not say whether it has verified the
	// address, as some never do: there is nothing that the person could do there.
	ErrUnvouched = errors.New("the provider does not say whether it has verified the email address")
	// ErrNoEmail says that nobody gave an email address.
	ErrNoEmail = errors.New("the provider gave no email address")
	// ErrProvider says that the provider answered with an error or nonsense.
	ErrProvider = errors.New("the provider's answer is an error or not valid")
	// ErrPassing says that the provider answered that it is in trouble for now.
	ErrPassing = errors.New("the provider says that it is in trouble for now")
	// ErrUnavailable says that the provider cannot be asked now.
	ErrUnavailable = errors.New("the provider cannot be reached")
	// ErrNotYet says that the provider may have changed something, and was asked
	// what it says of itself less than ten seconds ago: it is asked again after those.
	ErrNotYet = errors.New("the provider was asked for its keys and settings a moment ago, and what came does not know this; they are asked for again in a few seconds")
	// ErrInvalidLogoutToken says that a logout token is no good, for certain.
	ErrInvalidLogoutToken = errors.New("logout token is not valid")
)

// Rotated is what a rebuild answers that failed after the provider had already
// replaced the refresh token.
type Rotated = login.Rotated

// because is the sentinel with a reason for the log.
func because(sentinel error, format string, args ...any) error {
	return fmt.Errorf("%w: %w", sentinel, fmt.Errorf(format, args...))
}
