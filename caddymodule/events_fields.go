package caddymodule

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"

	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/origin"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// What stands beside the message in lines of the log: see lines.

func errorFields(e lifecycle.Event) []zap.Field { return []zap.Field{zap.Error(e.Err)} }

func loginFields(e lifecycle.Event) []zap.Field { return []zap.Field{zap.String("login", e.Login)} }

func loginErrorFields(e lifecycle.Event) []zap.Field {
	return append(loginFields(e), zap.Error(e.Err))
}

func undecidedFields(e lifecycle.Event) []zap.Field {
	return append(clientFields(e), zap.String("policy", e.Result), zap.String("why", e.Err.Error()))
}

func unansweredFields(e lifecycle.Event) []zap.Field {
	return append(clientFields(e), zap.String("asked", e.Result), zap.String("remedy", e.Err.Error()))
}

func unmappedFields(e lifecycle.Event) []zap.Field {
	return append(sessionFields(e), zap.Error(e.Err))
}

// operatorFields say who it was, and whose sessions they ended.
func operatorFields(e lifecycle.Event) []zap.Field {
	fields := []zap.Field{zap.String("by", login.Shown(e.Result)), zap.Int("sessions", e.Count)}
	if e.Name != "" {
		fields = append(fields, zap.String("asked_for", e.Name))
	}
	if e.UserID != 0 {
		fields = append(fields, zap.Int64("user_id", e.UserID))
	}
	if e.Login != "" {
		fields = append(fields, zap.String("login", login.Shown(e.Login)))
	}
	if e.Session != (sessionstore.Key{}) {
		fields = append(fields, zap.String("session", e.Session.ID()))
	}
	if e.Err != nil {
		fields = append(fields, zap.NamedError("interrupted_by", e.Err))
	}
	return fields
}

// notToldFields name the session, or say how many an operator has ended at once.
func notToldFields(e lifecycle.Event) []zap.Field {
	if e.Session == (sessionstore.Key{}) {
		return append(countFields(e), zap.Error(e.Err))
	}
	return unmappedFields(e)
}

func countFields(e lifecycle.Event) []zap.Field {
	return append(loginFields(e), zap.Int("sessions", e.Count))
}

// limitFields name the person, and the option that an operator may change.
func limitFields(e lifecycle.Event) []zap.Field {
	return append(loginFields(e), zap.Int64("user_id", e.UserID), zap.String("option", "max_sessions"))
}

func overLimitFields(e lifecycle.Event) []zap.Field {
	return append(limitFields(e), zap.Int("sessions", e.Count))
}

// closedFields say how many websockets, streams and answers it was, and why.
func closedFields(e lifecycle.Event) []zap.Field {
	return append(sessionFields(e), zap.Int("streams", e.Count), zap.String("why", e.Result))
}

// takenFields name the person, whose number it is, and what an operator writes
// who knows that the two are the same.
func takenFields(e lifecycle.Event) []zap.Field {
	owner, remedy := e.Result, "same_people "+e.Result+" "+e.Login
	switch owner {
	case "":
		owner, remedy = "a login that is not configured here", "same_people "+e.Login+" { former <what that login was called, or its issuer> }"
	case e.Login:
		remedy = "same_people " + e.Login + " { former <its issuer> }, or another id for one of the two"
	}
	return append(loginFields(e), zap.Int64("user_id", e.UserID), zap.String("belongs_to", owner),
		zap.String("option", optionSamePeople), zap.String("remedy", "if they are the same people: "+remedy+"; if not, map another id in one of the logins"))
}

func reservedFields(e lifecycle.Event) []zap.Field {
	return append(loginFields(e), zap.Int64("user_id", e.UserID), zap.String("option", optionSamePeople),
		zap.String("remedy", "map an id below 1,000,000,000, or leave the number to the store; "+
			"if they are the same people: same_people "+e.Login+" <the other login>"))
}

func personFields(e lifecycle.Event) []zap.Field {
	return append(loginFields(e), zap.Int64("user_id", e.UserID), zap.Error(e.Err))
}

// notBegunFields name who has come to nothing as far as that is known: somebody whom
// nobody has given a number yet has none here.
func notBegunFields(e lifecycle.Event) []zap.Field {
	fields := loginFields(e)
	if e.UserID != 0 {
		fields = append(fields, zap.Int64("user_id", e.UserID))
	}
	if e.Name != "" {
		fields = append(fields, zap.String("account", e.Name))
	}
	return fields
}

func notAdmittedFields(e lifecycle.Event) []zap.Field {
	return append(notBegunFields(e), zap.String("why", e.Err.Error()))
}

func notSoundFields(e lifecycle.Event) []zap.Field {
	return append(notBegunFields(e), zap.Error(e.Err))
}

func whyFields(e lifecycle.Event) []zap.Field {
	return append(loginFields(e), zap.Int64("user_id", e.UserID), zap.String("why", e.Err.Error()))
}

func sessionFields(e lifecycle.Event) []zap.Field {
	return append(loginFields(e), zap.Int64("user_id", e.UserID), zap.String("session", e.Session.ID()))
}

// ownTokens is what helps where sessions have no access token to send along.
const ownTokens = "have the provider give refresh tokens (`scopes openid email profile offline_access`; see what the client may ask for there), or access tokens " +
	"that live as long as people work; who signed in before a route had upstream_token, or was adopted, has one from the next sign-in on"

func tokenLessFields(e lifecycle.Event) []zap.Field {
	return append(sessionFields(e), zap.String("why", e.Err.Error()), zap.String("option", "upstream_token"), zap.String("remedy", ownTokens))
}

// tokenLess tells once a session that an app is sent no access token.
func (h *events) tokenLess(s *sessionstore.Session, why error) {
	if again, _ := h.told.ContainsOrAdd("token "+s.Key.ID(), struct{}{}); !again {
		h.Happened(lifecycle.Event{Kind: lifecycle.TokenLess, Login: s.Method, UserID: s.User.ID, Session: s.Key, Err: why})
	}
}

func sessionClientFields(e lifecycle.Event) []zap.Field {
	return append(sessionFields(e), zap.Stringer("client", e.Client))
}

// forbiddenFields tell who demands what, and what somebody has instead.
func forbiddenFields(e lifecycle.Event) []zap.Field {
	fields := append(sessionClientFields(e), zap.String("rule", e.Result), zap.String("has", e.Err.Error()))
	if lacking, ok := errors.AsType[*demand.Lacking](e.Err); ok {
		fields = append(fields, atLine(lacking.At), zap.String("of", lacking.Of))
	}
	return fields
}

// reportedFields tell whom what answer was spared, by whom, and by which rule.
func reportedFields(e lifecycle.Event) []zap.Field {
	told, ok := errors.AsType[*demand.Report](e.Err)
	if !ok {
		return clientFields(e)
	}
	fields := append(clientFields(e), zap.Int("would", told.Status), zap.String("why", told.Why), atLine(told.At), zap.String("of", told.Of),
		zap.String("rule", told.Rule), zap.String("method", told.Method), zap.String("host", told.Host), zap.String("path", told.Path))
	if told.Session == "" { // nobody is signed in
		return fields
	}
	return append(fields, zap.Int64("user_id", told.UserID), zap.String("session", told.Session))
}

// signedOutFields leave out what is not known: of a session that could not be read
// any more, or of all others of a person.
func signedOutFields(e lifecycle.Event) []zap.Field {
	fields := clientFields(e)
	if e.Login != "" {
		fields = append(fields, zap.String("login", e.Login), zap.Int64("user_id", e.UserID))
	}
	switch {
	case e.Session != (sessionstore.Key{}):
		fields = append(fields, zap.String("session", e.Session.ID()))
	case e.Kind == endpoint.DeviceSignedOut:
		fields = append(fields, zap.String("session", "all others"))
	}
	return fields
}

func refusedFields(e lifecycle.Event) []zap.Field {
	return append(visitorFields(e), zap.String("account", e.Name))
}

// accountNames are how logs tell of what people type to sign in by: as a digest
// that is the same for all spellings of a name, for it may be a password in the
// wrong field, and the list of those who try is nobody's who reads logs; or, with
// log_names, as it is.
type accountNames struct {
	key   []byte
	plain bool
}

// newAccountNames makes a key of its own of one that marks something else.
func newAccountNames(key []byte, plain bool) accountNames {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("names in logs"))
	return accountNames{mac.Sum(nil), plain}
}

// of is the name as it is, or a mark in its place.
func (n accountNames) of(name string) string {
	if name == "" || n.plain {
		return name
	}
	mac := hmac.New(sha256.New, n.key)
	mac.Write([]byte(login.FoldName(name)))
	return "hmac:" + base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:12])
}

// ofEvent is the name that an event speaks of: what somebody typed, what a source calls
// them, or whose sessions an operator asked for, who may say it by an address. Whoever
// writes it down has yet to see to what it may hold.
func (n accountNames) ofEvent(e lifecycle.Event) string {
	if e.Kind != lifecycle.EndedByOperator {
		return n.of(cmp.Or(e.Name, profile.Whom(e.Err)))
	}
	by, value, ok := strings.Cut(e.Name, "=")
	switch {
	case !ok && strings.Contains(e.Name, "@"):
		return n.of(e.Name)
	case ok && (by == "email" || strings.Contains(value, "@")):
		return by + "=" + n.of(value)
	}
	return e.Name
}

// ownOrigin is what helps where a page of one's own was taken for another site's.
const ownOrigin = "if the page is this site's own, a proxy in front changes Host or ends TLS: let it send the Host that the browser sent, with the port " +
	"(nginx: `proxy_set_header Host $http_host;`), and name it in trusted_proxies, or say public_url; if the page is another site's and may act for people here, " +
	"name its origin: `cors <origin>` in the sidegate options"

// plainPage is what helps where a page of one's own was opened over plain http.
const plainPage = "people open this site at http://, and it is at https:// as public_url, a trusted proxy or the connection says: have what listens on port 80 " +
	"redirect to https (nginx: `return 301 https://$host$request_uri;`)"

func mismatchFields(e lifecycle.Event) []zap.Field {
	m, ok := errors.AsType[*origin.Mismatch](e.Err)
	if !ok {
		return errorFields(e)
	}
	remedy := ownOrigin
	if m.Plain {
		remedy = plainPage
	}
	return []zap.Field{zap.String("origin", m.Origin), zap.String("sec_fetch_site", m.Site), zap.String("own", m.Own), zap.String("remedy", remedy)}
}

func elsewhereFields(e lifecycle.Event) []zap.Field {
	elsewhere, ok := errors.AsType[*origin.Elsewhere](e.Err)
	if !ok {
		return errorFields(e)
	}
	return []zap.Field{zap.String("token_of", elsewhere.Token), zap.String("site", elsewhere.Here), zap.String("option", "token { audience <origin>... }"),
		zap.String("remedy", "if pages of other sites may use this one by token, name this site's origin in that option, here")}
}

// ownProxy is what helps where a proxy in front was not named.
const ownProxy = "if a proxy of yours is there, name its address in the global options: `trusted_proxies static <address>` in the block `servers`, or " +
	"`trusted_proxies_unix` for a unix socket; until then all its people have one address, its own, and the throttle in front of passwords goes by what it says " +
	"of them within looser bounds, and apps get its address and scheme as the client's; if there is none, a client has made up X-Forwarded-For, and is bounded by the same"

// plainProxy is what helps where TLS ends at a proxy that is not believed.
const plainProxy = "if a proxy of yours is there, name its address in the global options, `trusted_proxies static <address>` in the block `servers`, and let it send " +
	"Host and X-Forwarded-Proto: https; or say `public_url https://<host>` in the sidegate options"

// silentProxy is what helps where a proxy in front says nothing of its clients,
// which only shows in that all of them are one.
const silentProxy = "if a proxy of yours is there, all its people count as one: let it send Host, X-Forwarded-For and X-Forwarded-Proto (deploy/caddyfiles/tls-in-front.Caddyfile), " +
	"and name its address in `trusted_proxies static <address>` in the block `servers`"

// throttledFields say what was used up, and by whom as far as it is told.
func throttledFields(e lifecycle.Event) []zap.Field {
	t, ok := errors.AsType[*login.Throttled](e.Err)
	if !ok {
		return append(clientFields(e), zap.Error(e.Err))
	}
	fields := append(clientFields(e), zap.String("account", e.Name), zap.String("scope", t.Scope), zap.Duration("wait", t.RetryAfter))
	if t.From.Told.IsValid() {
		fields = append(fields, zap.Stringer("forwarded_for", t.From.Told))
	} else if caller.Near(e.Client) {
		fields = append(fields, zap.String("remedy", silentProxy))
	}
	return fields
}

func clientFields(e lifecycle.Event) []zap.Field {
	return []zap.Field{zap.Stringer("client", e.Client)}
}

func loginClientFields(e lifecycle.Event) []zap.Field {
	return append(loginFields(e), zap.Stringer("client", e.Client))
}

func visitorFields(e lifecycle.Event) []zap.Field {
	return append(loginClientFields(e), zap.Error(e.Err))
}
