package audit

import (
	"maps"
	"slices"

	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/lifecycle"
)

// What lines tell of: the values of `event`.
const (
	SignIn         = "sign_in"
	SignOut        = "sign_out"
	Revocation     = "revocation"
	SessionRefused = "session_refused"
	Rights         = "rights"
	AccountSwitch  = "account_switch"
	Route          = "route"
	AuditLog       = "audit_log"
)

// How it went, where it went well.
const (
	resultOK    = "ok"
	sameSession = "same_session"
)

// Whose doing it is: the values of `by`; behind byOperator stands who they were at the
// admin endpoint.
const (
	byPerson   = "person"
	byStranger = "stranger"
	byLogin    = "login"
	byProvider = "provider"
	byLimit    = "max_sessions"
	byGateway  = "gateway"
	byOperator = "operator:"
)

// what is what a line says of one kind of event.
type what struct{ event, result, by string }

// bounded reports whether clients decide how often it happens, so that not each has a
// line. A sign-in, a sign-out, and what a session or its person loses, always has.
func (w what) bounded() bool {
	switch w.event {
	case SignIn:
		return w.result != resultOK && w.result != sameSession
	case Revocation:
		return w.by == byStranger
	case AccountSwitch, Route:
		return true
	}
	return false
}

// kinds are those that have a line each.
var kinds = map[lifecycle.Kind]what{
	lifecycle.Began:            {SignIn, resultOK, byPerson},
	lifecycle.BeganBefore:      {SignIn, sameSession, byPerson},
	lifecycle.NotAdmitted:      {SignIn, "not_admitted", byPerson},
	lifecycle.NotSound:         {SignIn, "not_sound", byPerson},
	lifecycle.NotMapped:        {SignIn, "not_mapped", byPerson},
	lifecycle.TooMany:          {SignIn, "too_many_sessions", byPerson},
	lifecycle.NumberTaken:      {SignIn, "number_taken", byPerson},
	lifecycle.NumberReserved:   {SignIn, "number_reserved", byPerson},
	lifecycle.RefusedMeanwhile: {SignIn, "refused_meanwhile", byPerson},
	lifecycle.Overtaken:        {SignIn, "configuration_changed", byPerson},
	endpoint.Refused:           {SignIn, "refused", byStranger},
	endpoint.PublicPassword:    {SignIn, "public_password", byStranger},
	endpoint.Throttled:         {SignIn, "throttled", byStranger},
	endpoint.NotFinished:       {SignIn, "not_finished", byStranger},
	endpoint.WrongAtProvider:   {SignIn, "provider_error", byStranger},
	endpoint.CookiesDiffer:     {SignIn, "cookies_differ", byStranger},
	lifecycle.EndedByOperator:  {Revocation, "operator", byOperator},
	endpoint.SignOutRefused:    {Revocation, "token_refused", byStranger},
	endpoint.SignOutReplayed:   {Revocation, "token_replayed", byStranger},
	lifecycle.Doubted:          {SessionRefused, "not_vouched", byLogin},
	lifecycle.RightsChanged:    {Rights, "changed", byLogin},
	endpoint.AccountChosen:     {AccountSwitch, resultOK, byPerson},
	endpoint.AccountRefused:    {AccountSwitch, "not_theirs", byPerson},
	demand.Forbidden:           {Route, "forbidden", byPerson},
	demand.Anonymous:           {Route, "anonymous", byStranger},
	endpoint.CrossOrigin:       {Route, "cross_origin", byStranger},
}

// ends are why sessions end, by the Result of a lifecycle.SessionEnded.
var ends = map[string]what{
	lifecycle.EndSignedOut:  {SignOut, "here", byPerson},
	lifecycle.EndDevice:     {SignOut, "device", byPerson},
	lifecycle.EndOthers:     {SignOut, "others", byPerson},
	lifecycle.EndStartOver:  {SignOut, "start_over", byPerson},
	lifecycle.EndReplaced:   {Revocation, "replaced", byPerson},
	lifecycle.EndForRoom:    {Revocation, "for_room", byLimit},
	lifecycle.EndAtSource:   {Revocation, "at_source", byProvider},
	lifecycle.EndPersonGone: {Revocation, "person_gone", byLogin},
	lifecycle.EndRefused:    {Revocation, "refresh_refused", byLogin},
	lifecycle.EndUnvouched:  {Revocation, "not_vouched", byLogin},
}

// linesLost is what the log says of itself when its output moves again.
var linesLost = what{AuditLog, "lines_lost", byGateway}

// all are those that lines may say.
func all() []what {
	return append(slices.Concat(slices.Collect(maps.Values(kinds)), slices.Collect(maps.Values(ends))), linesLost)
}

// Results are all that lines may say: an event and its result, with a space between.
func Results() (results []string) {
	for _, w := range all() {
		results = append(results, w.event+" "+w.result)
	}
	return results
}

// Tells reports whether an event has a line.
func Tells(e lifecycle.Event) bool {
	_, told := whatOf(e)
	return told
}

// whatOf is what a line says of an event, if it has one.
func whatOf(e lifecycle.Event) (w what, told bool) {
	if e.Kind == lifecycle.SessionEnded {
		w, told = ends[e.Result]
		return w, told
	}
	w, told = kinds[e.Kind]
	return w, told
}
