package refusal

import (
	"net/http"
	"time"

	"example.com/sidegate/caddymodule/web"
)

// How attempts to sign in end: the values of the label result of the metric.
const (
	SignedIn  = "signed_in"
	Refused   = "refused"
	Throttled = "throttled"
	TooBusy   = "busy"
	Failed    = "failed"
)

// Results are all of them.
var Results = []string{SignedIn, Refused, Throttled, TooBusy, Failed}

// ResultOf names how an attempt to sign in ended; nil means that somebody is
// signed in.
func ResultOf(why *Refusal) string {
	if why == nil {
		return SignedIn
	}
	return why.Result
}

// Who calls is not signed in, or may not do what they ask for.
var (
	Anonymous = &Refusal{Status: http.StatusUnauthorized, Code: "unauthorized",
		Message: "Sign in first.", Challenge: "Bearer"}
	Gone = &Refusal{Status: http.StatusUnauthorized, Code: "unauthorized",
		Text:    "refusal.gone",
		Message: "The session has ended. Sign in again.", Challenge: "Bearer"}
	Token = &Refusal{Status: http.StatusUnauthorized, Code: "unauthorized",
		Text:      "refusal.token",
		Message:   "The bearer token is not valid, or its session has ended. Sign in again.",
		Challenge: `Bearer error="invalid_token"`}
	TokenElsewhere = &Refusal{Status: http.StatusUnauthorized, Code: "unauthorized",
		Text:      "refusal.token_elsewhere",
		Message:   "The bearer token was given out at another site, and is good there alone.",
		Challenge: `Bearer error="invalid_token", error_description="The token is of another site"`}
	TokensOff = &Refusal{Status: http.StatusUnauthorized, Code: "unauthorized",
		Text:      "refusal.tokens_off",
		Message:   "This service takes no bearer tokens. Sign in and send the cookie.",
		Challenge: `Bearer error="invalid_token", error_description="Tokens are not taken here"`}
	Role = &Refusal{Status: http.StatusForbidden, Code: "forbidden",
		Text:    "refusal.role",
		Message: "Your roles and permissions do not allow this."}
	AccountAdmin = &Refusal{Status: http.StatusForbidden, Code: "forbidden",
		Text:    "refusal.account_admin",
		Message: "Only administrators of the account you act for may do this."}
	Unmapped = &Refusal{Status: http.StatusForbidden, Code: "forbidden",
		Text: "refusal.unmapped",
		Message: "What was last said of your roles and permissions cannot be read, so none of them hold until it can. " +
			"You are still signed in. Please tell whoever runs this service."}
	Account = &Refusal{Status: http.StatusForbidden, Code: "forbidden",
		Text:    "refusal.account",
		Message: "That account is not one of yours."}
	CrossOrigin = &Refusal{Status: http.StatusForbidden, Code: "forbidden",
		Text:    "refusal.cross_origin",
		Message: "This request came from another site. Open the page again and repeat what you did."}
	PlainOrigin = &Refusal{Status: http.StatusForbidden, Code: "forbidden",
		Text:    "refusal.plain_origin",
		Message: "The page that sent this begins with http://, which is not safe, and this service is at https:// alone. Open the same address with https:// and repeat what you did."}
)

// The request cannot be answered as it is.
var (
	TwoAccounts = &Refusal{Status: http.StatusBadRequest, Code: "bad_request", Page: web.Wrong, Result: Refused,
		Text:    "refusal.two_accounts",
		Message: "The account was chosen more than once, by X-Account-Id or in the address, or so that it can be read in two ways."}
	AmbiguousPath = &Refusal{Status: http.StatusBadRequest, Code: "bad_request",
		Text:    "refusal.ambiguous_path",
		Message: "This address can be read in more than one way, so it goes no further. Whoever runs this service finds the reason in its log."}
	Malformed = &Refusal{Status: http.StatusBadRequest, Code: "bad_request", Page: web.Wrong, Result: Refused,
		Message: "The request body could not be read."}
	Doubled = &Refusal{Status: http.StatusBadRequest, Code: "bad_request", Page: web.Wrong, Result: Refused,
		Text:    "refusal.doubled",
		Message: "A field was sent twice: send each once."}
	Misspelt = &Refusal{Status: http.StatusBadRequest, Code: "bad_request", Page: web.Wrong, Result: Refused,
		Text:    "refusal.misspelt",
		Message: "A field was sent under another spelling of its name, such as Username or username[]: send each once, under its own name."}
	InAddress = &Refusal{Status: http.StatusBadRequest, Code: "bad_request", Page: web.Wrong, Result: Refused,
		Text:    "refusal.in_address",
		Message: "The address holds username, email or password: send them in the body alone."}
	TwoNames = &Refusal{Status: http.StatusBadRequest, Code: "bad_request", Page: web.Wrong, Result: Refused,
		Text:    "refusal.two_names",
		Message: "username and email were both sent, and differ: send one of them."}
	TooMany = &Refusal{Status: http.StatusBadRequest, Code: "bad_request",
		Text:    "refusal.too_many",
		Message: "More session cookies or tokens were sent than can be ended at once: not all of them were. Clear the cookies of this site."}
	WithBody = &Refusal{Status: http.StatusBadRequest, Code: "bad_request",
		Message: "The question came with the body of the request: have the proxy ask without it, and without Content-Length."}
	OriginalsDiffer = &Refusal{Status: http.StatusBadRequest, Code: "bad_request",
		Message: "The request that is asked about was told twice, and not the same: have the proxy write or delete X-Forwarded-Uri, X-Original-Uri and " +
			"X-Original-Url, and what goes with them, itself."}
	OriginalUnread = &Refusal{Status: http.StatusBadRequest, Code: "bad_request",
		Message: "The address that is asked about cannot be read: it is a path, or in X-Original-Url a whole address, of at most 8 KiB."}
	OriginalUnknown = &Refusal{Status: http.StatusBadRequest, Code: "bad_request",
		Message: "This policy decides by path or method, and no trusted proxy tells those of the request: have it send X-Forwarded-Method, X-Forwarded-Host " +
			"and X-Forwarded-Uri, and name its address in trusted_proxies."}
	BelowUntrusted = &Refusal{Status: http.StatusBadRequest, Code: "bad_request",
		Message: "What stands behind the name of a policy here is the path that is asked about, and is taken from trusted proxies alone: ask at the " +
			"policy's own address, or have the proxy that asks named in trusted_proxies."}
	MethodOverridden = &Refusal{Status: http.StatusForbidden, Code: "forbidden",
		Text:    "refusal.method_overridden",
		Message: "The request tells the app to take another method than its own, and what is allowed here depends on the method."}
	PathOverridden = &Refusal{Status: http.StatusForbidden, Code: "forbidden",
		Text: "refusal.path_overridden",
		Message: "The request tells the app of another path than its own, as by X-Rewrite-Url, and what is allowed here depends on the path: have the proxy " +
			"delete such headers before it asks."}
	WhyUnread = &Refusal{Status: http.StatusBadRequest, Code: "bad_request",
		Message: "The path that is asked about cannot be read: it begins with /, has no blanks and no broken escapes, and is of at most 8 KiB. " +
			"Escape it as a value of a query: %2F in it is %252F there."}
	WhySemicolon = &Refusal{Status: http.StatusBadRequest, Code: "bad_request",
		Message: "The query has a raw semicolon (;), and it is not known where a value ends: write it as %3B."}
	WhyParameter = &Refusal{Status: http.StatusBadRequest, Code: "bad_request",
		Message: "There is no such parameter: path and method are taken here."}
	WhyMethod = &Refusal{Status: http.StatusBadRequest, Code: "bad_request",
		Message: "The method that is asked about is none: it is a word of at most 32 letters, such as POST, and is asked about with a path."}
	WhyHost = &Refusal{Status: http.StatusBadRequest, Code: "bad_request",
		Message: "What another host would decide is not known here: ask at that host, and leave host out."}
	NeverPasses = &Refusal{Status: http.StatusForbidden, Code: "forbidden",
		Text:    "refusal.never_passes",
		Message: "No request of this method may pass."}
	NotFound = &Refusal{Status: http.StatusNotFound, Code: "not_found",
		Message: "There is nothing here."}
	NoPolicy = &Refusal{Status: http.StatusNotFound, Code: "not_found",
		Message: "There is no policy of that name: declare it in the sidegate options, or ask by another."}
	NoSession = &Refusal{Status: http.StatusNotFound, Code: "not_found",
		Text:    "refusal.no_session",
		Message: "You have no session of that id."}
	Method = &Refusal{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed",
		Message: "This address does not take that method; see Allow."}
	Listeners = &Refusal{Status: http.StatusTooManyRequests, Code: "too_many_requests",
		Message:    "This session has 16 event streams open here, which is as many as it may have: close one, or share one among tabs.",
		RetryAfter: 10 * time.Second}
	Slow = &Refusal{Status: http.StatusRequestTimeout, Code: "request_timeout", Page: web.Wrong, Result: Refused,
		Text:    "refusal.slow",
		Message: "The request body took longer than 10 seconds."}
	TooEarly = &Refusal{Status: http.StatusTooEarly, Code: "too_early",
		Message: "This request came before the connection was established, so that it could be a repetition by somebody else. " +
			"Nothing was done; send it again."}
	TooLarge = &Refusal{Status: http.StatusRequestEntityTooLarge, Code: "too_large", Page: web.Wrong, Result: Refused,
		Text:    "refusal.too_large",
		Message: "The request body is too large: 64 KiB at most."}
	Media = &Refusal{Status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type", Page: web.Wrong, Result: Refused,
		Message: "Send application/json or application/x-www-form-urlencoded."}
)

// MediaForm is Media where only people send something, by a page's form.
var MediaForm = &Refusal{Status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type",
	Message: "Send a form, application/x-www-form-urlencoded: this address is for pages. Programs have others; see the API document."}

// Something here is in trouble.
var (
	Unavailable = &Refusal{Status: http.StatusServiceUnavailable, Code: "unavailable", Page: web.Unavailable, Result: Failed,
		Text:    "problem.unavailable.detail",
		Message: "Sessions cannot be looked up at the moment. Nobody was signed out; try again shortly.", RetryAfter: 2 * time.Second}
	Crowded = &Refusal{Status: http.StatusServiceUnavailable, Code: "busy",
		Message: "As many event streams are open here as may be. Try again later, or ask for the session now and then.", RetryAfter: time.Minute}
	Unreadable = &Refusal{Status: http.StatusServiceUnavailable, Code: "unreadable",
		Text: "refusal.unreadable",
		Message: "Your session is there, and cannot be read at the moment. Nobody was signed out: " +
			"wait until whoever runs this service has put that right, or sign in again, which ends it.", RetryAfter: time.Minute}
	AskAgain = &Refusal{Status: http.StatusServiceUnavailable, Code: "ask_again", Page: web.AskAgain, Result: Failed,
		Text:    "failure.ask_again",
		Message: "This service was set up anew while you signed in. Sign in again.", RetryAfter: time.Second}
	Source = &Refusal{Status: http.StatusServiceUnavailable, Code: "source_unavailable", Page: web.Unavailable, Result: Failed,
		Text: "problem.source",
		Message: "Who you are could not be asked anew, for the service that says so gave no answer. " +
			"Your session stays as it was; try again shortly.", RetryAfter: 2 * time.Second}
	OldGateway = &Refusal{Status: http.StatusServiceUnavailable, Code: "source_unavailable", Page: web.Unavailable, Result: Failed,
		Text:       "problem.old_gateway",
		Message:    "The gateway that you are signed in at was asked who you are, and gave no answer. Nobody was signed out; try again shortly.",
		RetryAfter: 2 * time.Second}
	SourceUnmapped = &Refusal{Status: http.StatusBadGateway, Code: "source_unreadable", Page: web.Unavailable, Result: Failed,
		Text: "refusal.source_unmapped",
		Message: "What is said of you cannot be read, so your roles and permissions do not hold until it can. " +
			"You are still signed in. Please tell whoever runs this service."}
	NotEnded = &Refusal{Status: http.StatusServiceUnavailable, Code: "unavailable",
		Text:    "problem.not_ended",
		Message: "It could not be confirmed that the session has ended. Try again shortly.", RetryAfter: 2 * time.Second}
	StillSignedIn = &Refusal{Status: http.StatusServiceUnavailable, Code: "unavailable",
		Text:    "problem.still_signed_in",
		Message: "It could not be confirmed that the session has ended: you may still be signed in. Try again shortly.", RetryAfter: 2 * time.Second}
	OldGatewayNotAsked = &Refusal{Status: http.StatusServiceUnavailable, Code: "source_unavailable", Page: web.Unavailable, Result: Failed,
		Text: "refusal.old_gateway_not_asked",
		Message: "You are signed in at another gateway, perhaps, which is not asked: " +
			"too many whom it does not know have come from your address. Sign in here, or try again later.", RetryAfter: 2 * time.Second}
	Unsigned = &Refusal{Status: http.StatusInternalServerError, Code: "internal", Page: web.Unavailable, Result: Failed,
		Text:    "refusal.unsigned",
		Message: "The session token could not be signed."}
	Unwritten = &Refusal{Status: http.StatusInternalServerError, Code: "internal", Page: web.Unavailable, Result: Failed,
		Text:    "refusal.unwritten",
		Message: "The session could not be written."}
)

// A sign-in by password, or any sign-in, comes to nothing.
var (
	Credentials = &Refusal{Status: http.StatusUnauthorized, Code: "unauthorized", Page: web.Wrong, Result: Refused,
		Text:    "refusal.credentials",
		Message: "The sign-in name or the password is wrong.", Challenge: "Bearer"}
	Attempts = &Refusal{Status: http.StatusTooManyRequests, Code: "too_many_requests", Page: web.Throttled, Result: Throttled,
		Message: "Too many attempts. Wait, then try again."}
	Busy = &Refusal{Status: http.StatusServiceUnavailable, Code: "busy", Page: web.Busy, Result: TooBusy,
		Text:    "refusal.busy",
		Message: "Too many people are signing in at once. Try again in a few seconds.", RetryAfter: 3 * time.Second}
	Profile = &Refusal{Status: http.StatusForbidden, Code: "forbidden", Page: web.Incomplete, Result: Refused,
		Text:    "failure.incomplete",
		Message: "Your entry is not complete, so you cannot be signed in. Please tell whoever runs this service."}
	NotMapped = &Refusal{Status: http.StatusForbidden, Code: "not_mapped", Page: web.Unmapped, Result: Failed,
		Text: "failure.unmapped",
		Message: "This sign-in cannot be completed: what is said of you is not what this service expects. " +
			"Trying again will not help; please tell whoever runs this service."}
	TooManySessions = &Refusal{Status: http.StatusForbidden, Code: "too_many_sessions", Page: web.TooMany, Result: Refused,
		Text:    "failure.too_many",
		Message: "You are signed in at as many places as you may be. Sign out at one of them, then sign in here."}
	NumberTaken = &Refusal{Status: http.StatusForbidden, Code: "number_taken", Page: web.Taken, Result: Refused,
		Text:    "failure.taken",
		Message: "The number of your account belongs to somebody else here, so you cannot be signed in. Please tell whoever runs this service."}
	Rule = &Refusal{Status: http.StatusForbidden, Code: "not_admitted", Page: web.Refused, Result: Refused,
		Text:    "failure.refused",
		Message: "You may not sign in here. If you think you should, ask whoever runs this service."}
)

// A sign-in through a provider comes to nothing. The login page says in words
// of its own what went wrong there; programs that ask for JSON read these.
var (
	Denied = atProvider(http.StatusUnauthorized, web.Denied, "denied",
		"The provider has signed nobody in: it was cancelled, or is not allowed there.")
	Expired = atProvider(http.StatusBadRequest, web.Expired, "attempt_expired",
		"The sign-in took too long, or its cookie did not come back. Begin again.")
	NoCookie = atProvider(http.StatusBadRequest, web.NoCookie, "no_cookie",
		"The answer came without the cookie of its sign-in. Begin again, with a client that keeps cookies.")
	NoCookiePlain = atProvider(http.StatusBadRequest, web.NoCookiePlain, "no_cookie",
		"The answer came without the cookie of its sign-in, which browsers keep at https:// alone.")
	CrowdedOut = atProvider(http.StatusBadRequest, web.CrowdedOut, "attempt_expired",
		"Too many sign-ins were begun at once, so the oldest were given up, and this is one. Begin again.")
	Forged = atProvider(http.StatusBadRequest, web.Forged, "attempt_unknown",
		"The answer belongs to no sign-in that this client has begun.")
	Spent = atProvider(http.StatusBadRequest, web.Spent, "code_spent",
		"The provider takes that code no longer. Begin again.")
	Clock = atProvider(http.StatusUnauthorized, web.Clock, "clock_differs",
		"The clocks of this service and of the provider do not agree. Please tell whoever runs this service.")
	Misconfigured = atProvider(http.StatusUnauthorized, web.Misconfigured, "provider_mismatched",
		"The provider's answer cannot be accepted here. Please tell whoever runs this service.")
	Unverified = atProvider(http.StatusForbidden, web.Unverified, "email_unverified",
		"The provider has not verified the email address.")
	Unvouched = atProvider(http.StatusForbidden, web.Unvouched, "email_unverified",
		"The provider does not tell whether the email address is verified. Please tell whoever runs this service.")
	NoEmail = atProvider(http.StatusForbidden, web.NoEmail, "no_email",
		"The provider has told no email address.")
)

// ProviderTrouble is the provider's own word for it, which passes by itself.
var ProviderTrouble = &Refusal{Status: http.StatusServiceUnavailable, Code: "provider_unavailable", Page: web.ProviderTrouble, Result: Failed,
	Text:    "refusal.provider_trouble",
	Message: "The service that you sign in at is in trouble for the moment. Try again shortly.", RetryAfter: 30 * time.Second}

// ProviderNotYet is for what the provider may have changed a moment ago.
var ProviderNotYet = &Refusal{Status: http.StatusServiceUnavailable, Code: "provider_unavailable", Page: web.ProviderNotYet, Result: Failed,
	Text:    "refusal.provider_not_yet",
	Message: "The service that you sign in at has changed something that is not known here yet. Try again shortly.", RetryAfter: 10 * time.Second}

// NotYetVerified is that for a logout token.
var NotYetVerified = &Refusal{Status: http.StatusServiceUnavailable, Code: "unavailable",
	Message:    "The logout token is not verified yet: the provider's keys and settings were asked for a moment ago. Send it again.",
	RetryAfter: 10 * time.Second}

// ProviderAway and ProviderMismatched are for who was to be sent to a provider.
var (
	ProviderAway = &Refusal{Status: http.StatusServiceUnavailable, Code: "provider_unavailable", Page: web.ProviderAway, Result: Failed,
		Text:    "refusal.provider_away",
		Message: "The service that you sign in at cannot be reached. Try again shortly.", RetryAfter: 30 * time.Second}
	ProviderMismatched = &Refusal{Status: http.StatusServiceUnavailable, Code: "provider_unavailable", Page: web.Mismatched, Result: Failed,
		Text:    "refusal.provider_mismatched",
		Message: "The service that you sign in at and this one are not set up for each other.", RetryAfter: time.Minute}
)

func atProvider(status int, page web.Failure, code, message string) *Refusal {
	why := &Refusal{Status: status, Code: code, Message: message, Page: page, Result: Refused}
	if status == http.StatusUnauthorized {
		why.Challenge = "Bearer"
	}
	return why
}
