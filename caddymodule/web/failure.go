package web

import "strings"

// Failure is why the person is still not signed in. What is told of a password
// is the same whether they are unknown, disabled, or mistyped it.
type Failure int

// The failures that the login page can tell. The zero value is none.
const (
	NoFailure Failure = iota
	// Wrong says that the address and the password do not belong together.
	Wrong
	// Throttled says that there were too many attempts; see Login.RetryAfter.
	Throttled
	// Busy says that too many people sign in at this moment.
	Busy
	// Unavailable says that nothing could be checked: a source or the store
	// cannot be reached.
	Unavailable
	// Unfinished says that a provider did not sign the person in, for a reason
	// that is none of those below.
	Unfinished
	// Incomplete says that the person is who they say, but what is known of
	// them makes no session; only the operator can help.
	Incomplete
	// Denied says that the person cancelled at the provider, or that it did not
	// let them: access_denied of RFC 6749 section 4.1.2.1, and its kin.
	Denied
	// Expired says that the attempt took too long, or that the browser did not
	// send the attempt's cookie back.
	Expired
	// Clock says that the provider's answer is of the future or of the past:
	// one of the two clocks is wrong.
	Clock
	// Misconfigured says that the provider's answer cannot be accepted: it is
	// for another client, of another issuer, or signed with another key.
	Misconfigured
	// Forged says that the answer did not belong to an attempt of this browser
	// (RFC 9700 section 4.7), or to that of another provider (section 4.4).
	Forged
	// Unverified says that the provider has not verified the email address.
	Unverified
	// Unvouched says that the provider never tells whether an address is verified:
	// the person can do nothing about it.
	Unvouched
	// NoEmail says that the provider told no email address.
	NoEmail
	// Refused says that the configuration does not let the person in; see
	// Login.Reason.
	Refused
	// TooMany says that the person is signed in at as many places as they may be.
	TooMany
	// Taken says that the person's number belongs to somebody else; only the
	// operator can help.
	Taken
	// Unmapped says that what was told of the person cannot be used here; only
	// the operator can help.
	Unmapped
	// AskAgain says that the configuration was changed while they signed in.
	AskAgain
	// NoCookie says that the browser sent no cookie for the attempt, again.
	NoCookie
	// NoCookiePlain is NoCookie where browsers keep none: the site is reached
	// over plain http.
	NoCookiePlain
	// CrowdedOut says that the browser was had to forget the attempt, for it has
	// begun too many at once.
	CrowdedOut
	// ProviderTrouble says that the provider answered, again, that it is in
	// trouble for now; see Login.RetryAfter.
	ProviderTrouble
	// ProviderNotYet says that a provider, Login.At, may have changed something that
	// is not known here yet; see Login.RetryAfter.
	ProviderNotYet
	// ProviderAway says that a provider, Login.At, cannot be reached; see
	// Login.RetryAfter.
	ProviderAway
	// Mismatched says that a provider, Login.At, and this service are not set up for
	// each other, as was seen before anybody was sent there.
	Mismatched
	// Unkept says that the person has signed in, and that the browser sends no
	// cookie of it. UnkeptPlain is for where browsers keep none, over plain http.
	Unkept
	UnkeptPlain
	// UnkeptLost says that the person has signed in, and that the cookie is of no
	// use; only the operator can help.
	UnkeptLost
	// UnkeptCrowded says that the person has signed in, and that the browser sends
	// other cookies of that name as well.
	UnkeptCrowded
	// Spent says that the provider takes its code no longer: invalid_grant of RFC
	// 6749 section 5.2.
	Spent
)

// failureTexts are the failures whose text depends on nothing else. "There" is
// the provider: the person comes from it, and what it sent back (error,
// error_description) is a request like any other, so none of it is in a text.
var failureTexts = map[Failure]string{
	Wrong:      "The email address or the password is not right. Check both and try again.",
	Unfinished: "Signing in there did not finish. Try again, or choose another way.",
	Incomplete: "Your entry is not complete, so you cannot be signed in. Please tell whoever looks after this service.",
	Denied: "You were not signed in: it was cancelled or not allowed there. " +
		"Try again, or ask whoever looks after your account there.",
	Expired: "Signing in took too long, or your browser did not send this site's cookie back. " +
		"Try again. If that does not help, allow cookies for this site.",
	NoCookie: "Your browser sent no cookie for this attempt, so it cannot be known whose it is. " +
		"Start again here, and come back within ten minutes. If that does not help, allow cookies for this site, or leave its private mode.",
	CrowdedOut: "Too many sign-ins were begun at once in this browser, so the oldest of them were given up, and this is one. " +
		"If another tab has signed in by now, reload the page that you came for; else close the tabs that you do not need, and start again here.",
	NoCookiePlain: "Your browser sent no cookie for this attempt. If this address begins with http://, that is why: " +
		"browsers keep the cookies of this service only at https://. " +
		"Open the same address with https:// if there is one, or tell whoever looks after this service.",
	Unkept: "You have signed in, but your browser did not send the cookie of it back, so nobody knows here that it is you. " +
		"Allow cookies for this site, or leave its private mode, then sign in again.",
	UnkeptPlain: "You have signed in, but your browser did not keep it. If this address begins with http://, that is why: " +
		"browsers keep the cookies of this service only at https://. " +
		"Open the same address with https:// if there is one, or tell whoever looks after this service.",
	UnkeptLost: "You have signed in, but this service did not know you again at the next page. " +
		"Perhaps several gateways of it share no store: please tell whoever looks after this service. " +
		"If that sign-in was ended at another device, just sign in again.",
	UnkeptCrowded: "You have signed in, but your browser sends several sign-ins of this name at once, and it cannot be told which counts. " +
		"Sign in again; if that does not help, delete the cookies of this site in your browser first.",
	Clock: "The clocks of this service and of the one you signed in at do not agree. " +
		"You have done nothing wrong: please tell whoever looks after this service.",
	Misconfigured: "This service cannot accept the answer of the one you signed in at. " +
		"You have done nothing wrong: please tell whoever looks after this service.",
	Forged: "The answer that came back does not belong to a sign-in begun in this browser, so it was not used. " +
		"Start again here.",
	Spent: "The service you signed in at does not accept what it sent with you a moment ago: it holds for a short time, and once. " +
		"Sign in again. If that does not help, please tell whoever looks after this service.",
	Unverified: "Your email address is not verified there. If you can, verify it where you signed in and try again; " +
		"else ask whoever looks after your account there.",
	Unvouched: "The service you signed in at does not say whether your email address is verified, so it was not used. " +
		"You have done nothing wrong: please tell whoever looks after this service.",
	NoEmail: "No email address came with your sign-in. Add one to your account there, " +
		"or agree to share it, then try again.",
	Unmapped: "This sign-in cannot be completed: your entry there lacks something that this service needs, or has it in another form. " +
		"Trying again will not help, and you have done nothing wrong: please tell whoever looks after this service.",
	AskAgain: "This service was set up anew while you signed in. Please sign in again.",
	Taken: "The number of your account belongs to somebody else here, so you cannot be signed in. " +
		"Please tell whoever looks after this service.",
	TooMany: "You are signed in at as many places as you may be. Sign out at one of them, then sign in here.",
	Refused: "Your account may not sign in here. If you think it should, ask whoever looks after this service.",
}

// at is the provider that was asked, as its button calls it.
func (l Login) at(unnamed string) string {
	if l.At == "" {
		return unnamed
	}
	return l.At
}

// Message is the failure in words; empty when there is none.
func (l Login) Message() string {
	switch l.Failure {
	case NoFailure:
		return ""
	case Throttled:
		return "There were too many attempts to sign in. Try again in " + inWords(l.RetryAfter) + "."
	case Busy:
		return "Many people are signing in at once. Try again in " + inWords(l.RetryAfter) + "."
	case Wrong:
		if l.Names || l.NameLabel != "" {
			return "The name or the password is not right. Check both and try again."
		}
	case ProviderAway:
		return l.at("That service") + " cannot be reached at the moment, so nobody can sign in there. You have done nothing wrong: try again in " +
			inWords(l.RetryAfter) + "."
	case ProviderNotYet:
		return "What came from " + l.at("that service") + " is not known here yet: it was asked for its keys and settings a moment ago. " +
			"You have done nothing wrong: try again in " + inWords(l.RetryAfter) + "."
	case Mismatched:
		return "This service and " + l.at("that one") + " are not set up for each other, so nobody can sign in there. " +
			"You have done nothing wrong: please tell whoever looks after this service."
	case ProviderTrouble:
		return l.at("The service that you sign in at") + " says that it is in trouble for the moment, and not why. " +
			"Try again in " + inWords(l.RetryAfter) + "."
	case Refused:
		if reason := strings.TrimSpace(l.Reason); reason != "" {
			return reason
		}
	}
	if text, ok := failureTexts[l.Failure]; ok {
		return text
	}
	// Unavailable, and whatever is added one day and forgotten here: not the
	// person's fault.
	return "Signing in does not work at the moment. You have done nothing wrong: try again in " + inWords(l.RetryAfter) + "."
}

// Mistyped reports whether what was typed is wrong, so that the fields say so.
func (l Login) Mistyped() bool { return l.Failure == Wrong }
