package endpoint

import "example.com/sidegate/caddymodule/lifecycle"

// What happens at the routes, beside what happens to sessions.
const (
	// Attempted: somebody tried to sign in. Login, and Result, one of
	// refusal.Results.
	Attempted lifecycle.Kind = "attempted"
	// Refused: the password was wrong, the person is disabled, or nobody knows them.
	// Login, UserID of who is disabled, Client, Name, Err.
	Refused lifecycle.Kind = "refused"
	// PublicPassword: the password was right, and everybody can know it. Login,
	// Client.
	PublicPassword lifecycle.Kind = "public password"
	// Throttled: too many sign-ins have failed. Client, Name, Err: a
	// *login.Throttled.
	Throttled lifecycle.Kind = "throttled"
	// Attacked: a sign-in was let through to an account that is under attack.
	// Client, Name.
	Attacked lifecycle.Kind = "attacked"
	// NotTrusted: a request was passed on by a peer that is none of
	// trusted_proxies; the first of this configuration. Client.
	NotTrusted lifecycle.Kind = "not trusted"
	// PlainCallback: somebody is sent to a provider with a redirect_uri of plain
	// http, and the request says that its browser came over TLS; the first of this
	// configuration. Login, Client, Result: the redirect_uri.
	PlainCallback lifecycle.Kind = "plain callback"
	// StaysCounted: an attempt that should not count stays counted. Err.
	StaysCounted lifecycle.Kind = "stays counted"
	// NotFinished: a sign-in at a provider came to nothing, as the person or
	// their account there would have it. Login, Client, Err.
	NotFinished lifecycle.Kind = "not finished"
	// WrongAtProvider is NotFinished where something is wrong, here or there.
	WrongAtProvider lifecycle.Kind = "wrong at provider"
	// Unkept: somebody signed in, and was not signed in at the next page. Client,
	// Err.
	Unkept lifecycle.Kind = "unkept"
	// SignedOut: somebody asked for the end of the session that they are in and got
	// it. Login, UserID and Session where they are known, Client.
	SignedOut lifecycle.Kind = "signed out"
	// DeviceSignedOut: somebody had other sessions of theirs ended. Login, UserID,
	// Client, Session: the one that has ended; none where all others have.
	DeviceSignedOut lifecycle.Kind = "device signed out"
	// AccountChosen: somebody acts for another of their accounts from now on. Login,
	// UserID, Session, Client, Result: the account.
	AccountChosen lifecycle.Kind = "account chosen"
	// AccountRefused: the account that somebody chose is none of theirs. As
	// AccountChosen.
	AccountRefused lifecycle.Kind = "account refused"
	// SignOutRefused: a provider's logout token was not valid. Login, Err.
	SignOutRefused lifecycle.Kind = "sign-out refused"
	// SignOutReplayed: a provider's logout token came before. Login.
	SignOutReplayed lifecycle.Kind = "sign-out replayed"
	// CookiesDiffer: somebody came with cookies of other gateways that are of two people,
	// or with two of one name, and is adopted as neither. Client, Err.
	CookiesDiffer lifecycle.Kind = "cookies differ"
	// NotSigned: a session token could not be signed. Err.
	NotSigned lifecycle.Kind = "not signed"
	// CrossOrigin: a page of another site asked for a change, or for a websocket
	// with somebody's cookie. Login, UserID and Session where it was looked whose it
	// is, Client, Err: an *origin.Mismatch.
	CrossOrigin lifecycle.Kind = "cross-origin"
	// TokenElsewhere: a token came that was read at another site. Err is an
	// *origin.Elsewhere.
	TokenElsewhere lifecycle.Kind = "token elsewhere"
	// TokenOff: a token came, and none is taken here. Err.
	TokenOff lifecycle.Kind = "token off"
)
