package caddymodule

import (
	"context"
	"errors"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"example.com/sidegate/caddymodule/audit"
	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/metrics"
	"example.com/sidegate/caddymodule/storewatch"
	"example.com/sidegate/caddymodule/streams"
	"example.com/sidegate/caddymodule/withheld"
	"example.com/sidegate/sessionstore"
)

// events turns what happens to sessions and at the routes into lines of the
// log and into metrics.
type events struct {
	logger  *zap.Logger
	audit   *audit.Log
	metrics *metrics.Set
	now     func() time.Time
	trouble withheld.Lines
	// store holds back what is said of it once the log knows that it is away.
	store *storewatch.Watch
	// former is what the log says once when a secret is missing.
	former                                                                             formerSecret
	missing                                                                            sync.Once
	behind                                                                             sync.Once
	paths, origins, bearers, cookies, guesses, attacks, unkept, refused, wrong, tokens withheld.Lines
	sources, forbidden, reported, undecided, unanswered, differing, spent              withheld.Lines
	names                                                                              accountNames
	// told are what was told of sessions that is told once of each.
	told *lru.Cache[string, struct{}]
}

// toldKept is how much of that is remembered; of more it is told again.
const toldKept = 4096

func newEvents(logger *zap.Logger, counted *metrics.Set, now func() time.Time, former formerSecret, names accountNames) *events {
	h := &events{logger: logger, metrics: counted, now: now, former: former, names: names}
	h.told, _ = lru.New[string, struct{}](toldKept) // its one error is a size below 1
	return h
}

// line is what the log says of one kind of event, and with which fields beside
// the error.
type line struct {
	level   zapcore.Level
	message string
	fields  func(lifecycle.Event) []zap.Field
}

// flood is how often the log tells of what clients decide how often it happens:
// once a second, and at first as many at once.
type flood struct {
	of    func(*events) *withheld.Lines
	burst int64
}

// atFirst is how many sign-ins that come to nothing are each told of; a person's
// few are then always there.
const atFirst = 100

var floods = map[lifecycle.Kind]flood{
	endpoint.CrossOrigin:     {func(h *events) *withheld.Lines { return &h.origins }, 1},
	endpoint.TokenElsewhere:  {func(h *events) *withheld.Lines { return &h.bearers }, 1},
	endpoint.TokenOff:        {func(h *events) *withheld.Lines { return &h.bearers }, 1},
	endpoint.Throttled:       {func(h *events) *withheld.Lines { return &h.guesses }, 1},
	endpoint.Attacked:        {func(h *events) *withheld.Lines { return &h.attacks }, 1},
	endpoint.Unkept:          {func(h *events) *withheld.Lines { return &h.unkept }, 1},
	endpoint.Refused:         {func(h *events) *withheld.Lines { return &h.refused }, atFirst},
	endpoint.NotFinished:     {func(h *events) *withheld.Lines { return &h.refused }, atFirst},
	endpoint.WrongAtProvider: {func(h *events) *withheld.Lines { return &h.wrong }, atFirst},
	endpoint.SignOutRefused:  {func(h *events) *withheld.Lines { return &h.tokens }, atFirst},
	endpoint.SignOutReplayed: {func(h *events) *withheld.Lines { return &h.tokens }, atFirst},
	demand.Forbidden:         {func(h *events) *withheld.Lines { return &h.forbidden }, atFirst},
	endpoint.Undecided:       {func(h *events) *withheld.Lines { return &h.undecided }, 1},
	endpoint.Unanswered:      {func(h *events) *withheld.Lines { return &h.unanswered }, 1},
	lifecycle.TokenLess:      {func(h *events) *withheld.Lines { return &h.spent }, atFirst},
	demand.Reported:          {func(h *events) *withheld.Lines { return &h.reported }, atFirst},
	endpoint.CookiesDiffer:   {func(h *events) *withheld.Lines { return &h.differing }, 1},
}

// ofStore are kinds that a store which is away makes again and again.
var ofStore = map[lifecycle.Kind]bool{lifecycle.Pending: true, lifecycle.CookiesPending: true, endpoint.StaysCounted: true}

// lines are the kinds of events that the log tells of.
var lines = map[lifecycle.Kind]line{
	lifecycle.Began:       {zap.InfoLevel, "signed in", sessionClientFields},
	lifecycle.NotAdmitted: {zap.WarnLevel, "sign-in refused by the configuration", notAdmittedFields},
	lifecycle.NotSound:    {zap.WarnLevel, "sign-in refused: the person's entry is not sound", notSoundFields},
	lifecycle.NotMapped: {zap.WarnLevel,
		"sign-in not finished: what a source says of the person cannot be mapped, and trying again will not help", notSoundFields},
	lifecycle.TooMany: {zap.WarnLevel, "sign-in refused: the person has as many sessions as max_sessions allows", func(e lifecycle.Event) []zap.Field {
		return append(limitFields(e), zap.Int("max_sessions", e.Count))
	}},
	lifecycle.EndedForRoom: {zap.WarnLevel, "sessions ended that were idle the longest: the person has more than max_sessions allows", overLimitFields},
	lifecycle.NumberTaken:  {zap.WarnLevel, "sign-in refused: the person's number belongs to somebody else", takenFields},
	lifecycle.NumberReserved: {zap.WarnLevel,
		"sign-in refused: the person's number is one that the store has handed out to somebody else", reservedFields},
	lifecycle.RefusedMeanwhile: {zap.InfoLevel, "sign-in refused: the person was disabled, removed or given another password meanwhile", whyFields},
	lifecycle.Overtaken:        {zap.WarnLevel, "sign-in refused: another configuration came into force meanwhile, without that login", loginFields},
	lifecycle.LoginUnknown: {zap.WarnLevel,
		"sessions of a login that is not configured here, or asks somebody else by now, are refused; they are kept for other gateways, and end by themselves", loginFields},
	lifecycle.RefusedHere: {zap.WarnLevel,
		"sessions are refused that this configuration does not admit; they are kept until their sources are asked again", whyFields},
	lifecycle.Doubted: {zap.WarnLevel,
		"session refused: its login does not vouch for the person; it ends when that is still so in two minutes", whyFields},
	lifecycle.Ended:           {zap.InfoLevel, "session ended: its login no longer vouches for the person", sessionFields},
	lifecycle.EndedAtSource:   {zap.InfoLevel, "sessions ended: their provider says so", countFields},
	lifecycle.EndedByOperator: {zap.InfoLevel, "sessions ended by an operator", operatorFields},
	lifecycle.NoneEndedAtSource: {zap.WarnLevel,
		"a provider asked for the end of a session of its own, and no session of the person is of that one", loginFields},
	lifecycle.Unmapped: {zap.WarnLevel,
		"what a source says of a person cannot be mapped: their session goes on without roles and permissions", unmappedFields},
	lifecycle.NotRead: {zap.WarnLevel, "sessions of a person cannot be read, and so do not show how the person has changed", func(e lifecycle.Event) []zap.Field {
		return append(personFields(e), zap.Int("sessions", e.Count))
	}},
	lifecycle.CookiesPending: {zap.WarnLevel, "cookies that an app has set are not in the session yet; it will be tried again", func(e lifecycle.Event) []zap.Field {
		return append(loginErrorFields(e), zap.String("session", e.Session.ID()))
	}},
	lifecycle.CookiesLeftOut: {zap.WarnLevel, "an app sets more cookies than a session keeps, so some are lost to it: name those that are to stay here",
		func(e lifecycle.Event) []zap.Field {
			return append(loginFields(e), zap.Int("cookies", e.Count), zap.String("option", "keep_cookies"))
		}},
	lifecycle.NotTold:   {zap.WarnLevel, "an app could not be told that somebody has signed out: their session there may live on", notToldFields},
	lifecycle.TokenLess: {zap.WarnLevel, "an app is sent no access token of a person", tokenLessFields},
	lifecycle.NoRoles: {zap.WarnLevel, "nobody who signs in has a role, although a map gives them: an expression without `.?` and orValue says, when it errs, what the source sends",
		func(e lifecycle.Event) []zap.Field { return append(loginFields(e), zap.Int("sign_ins", e.Count)) }},
	lifecycle.Pending: {zap.ErrorLevel,
		"changes of people do not show in all their sessions yet; it will be tried again", errorFields},
	endpoint.Refused: {zap.InfoLevel, "sign-in refused", refusedFields},
	endpoint.PublicPassword: {zap.WarnLevel,
		"sign-in refused: the password is the demo's, which is public, and holds on this machine alone, over a connection to a loopback " +
			"address without X-Forwarded-For and Forwarded; give the person a hash of their own", loginClientFields},
	endpoint.Throttled: {zap.WarnLevel, "throttled", throttledFields},
	endpoint.Attacked: {zap.WarnLevel, "an account is under attack: many sign-ins to it have failed, so each address has fewer attempts at it", func(e lifecycle.Event) []zap.Field {
		return append(clientFields(e), zap.String("account", e.Name))
	}},
	endpoint.NotTrusted: {zap.WarnLevel, "requests are passed on by an address that is none of trusted_proxies, so what it says of its clients is not believed", func(e lifecycle.Event) []zap.Field {
		return append(clientFields(e), zap.String("remedy", ownProxy))
	}},
	endpoint.PlainCallback: {zap.WarnLevel, "a provider is given a redirect_uri of plain http, though the browser came over TLS, as is said by headers that are not believed: " +
		"most providers refuse it", func(e lifecycle.Event) []zap.Field {
		return append(loginClientFields(e), zap.String("redirect_uri", e.Result), zap.String("remedy", plainProxy))
	}},
	endpoint.StaysCounted:    {zap.WarnLevel, "a sign-in attempt stays counted", errorFields},
	endpoint.NotFinished:     {zap.InfoLevel, "sign-in not finished", visitorFields},
	endpoint.WrongAtProvider: {zap.WarnLevel, "sign-in not finished", visitorFields},
	endpoint.Unkept: {zap.WarnLevel, "a sign-in succeeded and is not kept, so the login page comes back", func(e lifecycle.Event) []zap.Field {
		return append(clientFields(e), zap.Error(e.Err))
	}},
	endpoint.SignedOut:       {zap.InfoLevel, "signed out", signedOutFields},
	endpoint.DeviceSignedOut: {zap.InfoLevel, "device signed out", signedOutFields},
	demand.Forbidden:         {zap.InfoLevel, "forbidden", forbiddenFields},
	endpoint.Undecided:       {zap.WarnLevel, "a question of another proxy was not decided", undecidedFields},
	endpoint.Unanswered:      {zap.WarnLevel, "a proxy asks where nobody answers questions, and was answered 421", unansweredFields},
	endpoint.CookiesDiffer: {zap.WarnLevel, "nobody is adopted: a request has cookies of other gateways that are of two people, or two of one name", func(e lifecycle.Event) []zap.Field {
		return append(clientFields(e), zap.String("why", e.Err.Error()))
	}},
	demand.Reported:          {zap.InfoLevel, "would be refused, and passed: its demands are only reported", reportedFields},
	endpoint.SignOutRefused:  {zap.WarnLevel, "a logout token was refused", loginErrorFields},
	endpoint.SignOutReplayed: {zap.WarnLevel, "a logout token was refused: it came before", loginFields},
	streams.Closed:           {zap.InfoLevel, "what a session kept open was closed", closedFields},
	endpoint.NotSigned:       {zap.ErrorLevel, "a session token could not be signed", errorFields},
	endpoint.CrossOrigin:     {zap.WarnLevel, "a request was refused: it comes from a page of another site", mismatchFields},
	endpoint.TokenElsewhere:  {zap.WarnLevel, "a token was refused: it was given out at another site", elsewhereFields},
	endpoint.TokenOff: {zap.WarnLevel, "a token was refused: they are off here", func(lifecycle.Event) []zap.Field {
		return []zap.Field{zap.String("option", "token { off }")}
	}},
}

// refreshTrouble is the line for a refresh that failed; others make none.
var refreshTrouble = line{zap.WarnLevel, "a session could not be built anew; it stays as it is and will be tried again",
	func(e lifecycle.Event) []zap.Field {
		return append(loginErrorFields(e), zap.String("session", e.Session.ID()))
	}}

// Happened implements lifecycle.Events.
func (h *events) Happened(e lifecycle.Event) {
	h.metrics.Count(e)
	if e.Kind == lifecycle.NotRead && errors.Is(e.Err, sessionstore.ErrUnknownKey) {
		h.missingSecret()
	}
	if e.Kind == demand.Reported && e.Err == nil { // it passes, and would have
		return
	}
	e.Name = h.names.ofEvent(e)
	h.audit.Happened(e) // which has what no line may hold in letters
	e.Name = login.Shown(e.Name)
	told, known := lines[e.Kind]
	if e.Kind == lifecycle.Refreshed && e.Err != nil {
		told, known = refreshTrouble, true
	}
	if !known {
		return
	}
	if ofStore[e.Kind] && h.store.Hold(told.level, told.message, e.Err, told.fields(e)...) {
		return
	}
	if f, ok := floods[e.Kind]; ok {
		h.tellSome(f, told, e)
		return
	}
	if c := h.logger.Check(told.level, told.message); c != nil {
		c.Write(told.fields(e)...)
	}
}

func (h *events) tellSome(f flood, told line, e lifecycle.Event) {
	if t := f.of(h); t.Take(h.now(), f.burst) {
		h.logger.Log(told.level, told.message, append(told.fields(e), t.More())...)
	}
}

// bearerRefused tells of a token that would have been good otherwise.
func (h *events) bearerRefused(why error) {
	kind := endpoint.TokenElsewhere
	if errors.Is(why, caller.ErrTokensOff) {
		kind = endpoint.TokenOff
	}
	h.Happened(lifecycle.Event{Kind: kind, Err: why})
}

// Trouble implements lifecycle.Events: it logs trouble of the store and counts
// it. That of a source, which ends in the same answers, is only logged, and a
// caller who went away is no trouble.
func (h *events) Trouble(ctx context.Context, what string, err error) {
	if ctx.Err() != nil {
		return
	}
	if fault, ofSource := errors.AsType[lifecycle.SourceFault](err); ofSource {
		h.sourceFailed(what, fault)
		return
	}
	h.metrics.StoreFailed()
	if errors.Is(err, sessionstore.ErrUnknownKey) {
		h.missingSecret()
		return
	}
	if h.store.Failed(zap.ErrorLevel, what, err, zap.Error(err)) {
		return
	}
	if h.trouble.Tell(h.now()) {
		h.logger.Error(what, zap.Error(err), h.trouble.More())
	}
}

// sourceFailed tells of a login or a directory that gave no answer; its error
// has the address, without the query.
func (h *events) sourceFailed(during string, fault lifecycle.SourceFault) {
	if h.sources.Tell(h.now()) {
		h.logger.Warn("source failed", zap.String("login", fault.Login), zap.Error(fault), zap.String("during", during), h.sources.More())
	}
}

// longestPath bounds what the log repeats of what a client made up.
const longestPath = 256

// pathRefused counts and logs that a path was refused, why, and what depends on
// it that it is.
func (h *events) pathRefused(path, why, rule string) {
	h.metrics.PathRefused()
	if h.paths.Tell(h.now()) {
		h.logger.Warn("a path was refused that can be read in several ways: a demand depends on a matcher, which knows one",
			zap.String("path", path[:min(len(path), longestPath)]), zap.String("why", why), zap.String("rule", rule),
			zap.String("remedy", "put the demand into a `path` in the block of session_auth, which reads a path in every way; or say the option, if the app reads paths as Caddy does"),
			zap.String("option", optionAmbiguous), h.paths.More())
	}
}

// headersLeftOut tells once a session what an app does not hear of its person.
func (h *events) headersLeftOut(s *sessionstore.Session, leftOut string) {
	if again, _ := h.told.ContainsOrAdd(s.Key.ID(), struct{}{}); again {
		return
	}
	h.metrics.HeadersLeftOut()
	h.logger.Warn("identity headers would have been too large, so the app is not told all of a person",
		zap.String("login", s.Method), zap.Int64("user_id", s.User.ID), zap.String("session", s.Key.ID()), zap.String("left_out", leftOut),
		zap.Int("roles", len(s.User.FlatRolesList)), zap.Int("permissions", len(s.User.FlatPermissionsList)),
		zap.String("remedy", "choose what the app needs: roles by `header_roles <prefix>*`, fewer `headers`, or a signed `assertion`, which has a bound of its own; all of it is in GET /auth/session"))
}

// cookieOverwritten logs that an app's answer set a cookie of ours.
func (h *events) cookieOverwritten() {
	if h.cookies.Tell(h.now()) {
		h.logger.Warn("an app's answer sets a cookie by the name of the gateway's, which is taken out of it",
			zap.String("remedy", "an app that signs people out by it leads them to POST /auth/logout; one with a cookie of its own by that name "+
				"needs another name for the gateway's, `name` in the block `cookie`; where it is another Sidegate behind this one, give that one a `name` in its block `cookie` "+
				"and a base_path of its own"), h.cookies.More())
	}
}

// ledBack logs, once, that an app leads people to the login page who are signed
// in: another gateway behind this one does, which never sees its own cookie.
func (h *events) ledBack() {
	h.behind.Do(func() {
		h.logger.Warn("what is behind the gateway leads people who are signed in to the gateway's own login page, where they read that they are, and get no further",
			zap.String("remedy", "where it is another Sidegate, give that one a `name` in its block `cookie` and a base_path of its own; an app takes who is signed in "+
				"from the identity headers, and leads nobody there who is"))
	})
}

// Interface guards
var _ lifecycle.Events = (*events)(nil)
