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

// failureTexts are the keys of the texts of failures. The person may come from a
// provider, and what it sent back (error, error_description) is a request like any other,
// so none of it is in a text.
var failureTexts = map[Failure]string{
	Wrong:         "failure.wrong",
	Unfinished:    "failure.unfinished",
	Incomplete:    "failure.incomplete",
	Denied:        "failure.denied",
	Expired:       "failure.expired",
	NoCookie:      "failure.no_cookie",
	CrowdedOut:    "failure.crowded_out",
	NoCookiePlain: "failure.no_cookie_plain",
	Unkept:        "failure.unkept",
	UnkeptPlain:   "failure.unkept_plain",
	UnkeptLost:    "failure.unkept_lost",
	UnkeptCrowded: "failure.unkept_crowded",
	Clock:         "failure.clock",
	Misconfigured: "failure.misconfigured",
	Forged:        "failure.forged",
	Spent:         "failure.spent",
	Unverified:    "failure.unverified",
	Unvouched:     "failure.unvouched",
	NoEmail:       "failure.no_email",
	Unmapped:      "failure.unmapped",
	AskAgain:      "failure.ask_again",
	Taken:         "failure.taken",
	TooMany:       "failure.too_many",
	Refused:       "failure.refused",
	Throttled:     "failure.throttled", Busy: "failure.busy", Unavailable: "failure.unavailable",
	ProviderAway: "failure.provider_away", ProviderNotYet: "failure.provider_not_yet", Mismatched: "failure.mismatched",
	ProviderTrouble: "failure.provider_trouble",
}

// failureTextsAt are those that name the provider that was asked, as its button
// calls it.
var failureTextsAt = map[Failure]string{
	ProviderAway: "failure.provider_away.at", ProviderNotYet: "failure.provider_not_yet.at", Mismatched: "failure.mismatched.at",
	ProviderTrouble: "failure.provider_trouble.at",
	Denied:          "failure.denied.at", Unfinished: "failure.unfinished.at", Unverified: "failure.unverified.at",
	NoEmail: "failure.no_email.at", Unmapped: "failure.unmapped.at",
}

// Message is the failure in words; empty when there is none. Their places are the wait
// and the provider.
func (l Login) Message(v View) string {
	switch l.Failure {
	case NoFailure:
		return ""
	case Wrong:
		if l.Names || l.NameLabel != "" {
			return v.Text("failure.wrong.name")
		}
	case Refused:
		if reason := strings.TrimSpace(l.Reason); reason != "" {
			return reason
		}
	}
	key, ok := failureTexts[l.Failure]
	if at, named := failureTextsAt[l.Failure]; named && l.At != "" {
		key = at
	}
	if !ok {
		// Whatever is added one day and forgotten here: not the person's fault.
		key = failureTexts[Unavailable]
	}
	return v.Text(key, v.wait(l.RetryAfter), l.At)
}

// Mistyped reports whether what was typed is wrong, so that the fields say so.
func (l Login) Mistyped() bool { return l.Failure == Wrong }
