package caddymodule

import (
	"context"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"example.com/sidegate/caddymodule/audit"
	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/metrics"
	"example.com/sidegate/caddymodule/origin"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/storewatch"
	"example.com/sidegate/caddymodule/streams"
	"example.com/sidegate/caddymodule/withheld"
	"example.com/sidegate/sessionstore"
)

func TestTroubleOfASourceIsNotTheStores(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	h := &events{logger: zap.New(core), metrics: metrics.New(), now: time.Now}
	failures := func() float64 { return valueOf(t, h.metrics, "store_failures_total") }
	away := errors.New("away")
	h.Trouble(t.Context(), "a login method failed", lifecycle.SourceFault{Err: away, Login: "sso"})
	if told := logs.All(); len(told) != 1 || told[0].ContextMap()["login"] != "sso" {
		t.Errorf("the log does not say whose trouble it is: %v", told)
	}
	if n := failures(); n != 0 {
		t.Errorf("the store is blamed %v times for a login", n)
	}
	h.Trouble(t.Context(), "a session could not be looked up", away)
	h.Trouble(t.Context(), "a session could not be looked up", away)
	if n := failures(); n != 2 {
		t.Errorf("%v failures were counted; want 2, whatever the log leaves out", n)
	}
	if !errors.Is(lifecycle.SourceFault{Err: away}, away) {
		t.Error("what was wrong with the login is hidden")
	}
}

// What the store fails in while the log knows that it is away is no line of its
// own, neither of people nor of what is tried again and again.
func TestTroubleOfAStoreThatIsAwayIsHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		core, logs := observer.New(zap.DebugLevel)
		away := errors.New("away")
		fail := func(context.Context) error { return away }
		h := &events{logger: zap.New(core), metrics: metrics.New(), now: time.Now,
			store: storewatch.New(storewatch.Config{Beat: fail, Reads: fail, Logger: zap.NewNop(), Now: time.Now})}
		ctx, cancel := context.WithCancel(t.Context())
		go h.store.Run(ctx)
		synctest.Wait()
		h.Trouble(t.Context(), "a session could not be looked up", away)
		for kind := range ofStore {
			h.Happened(lifecycle.Event{Kind: kind, Err: away, Session: sessionstore.NewSecret(1).Key()})
		}
		if said := logs.All(); len(said) != 0 {
			t.Errorf("the log says %+v", said)
		}
		if n := valueOf(t, h.metrics, "store_failures_total"); n != 1 {
			t.Errorf("%v failures were counted; want 1", n)
		}
		h.Trouble(t.Context(), "a login method failed", lifecycle.SourceFault{Err: away, Login: "sso"})
		if said := logs.All(); len(said) != 1 {
			t.Errorf("of a source the log says %+v", said)
		}
		cancel()
		synctest.Wait()
	})
}

// A secret that is missing is met at every request of its people: one line says
// as much, and says what to do.
func TestAMissingSecretIsToldOnce(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	clock := time.Now()
	h := &events{logger: zap.New(core), metrics: metrics.New(), now: func() time.Time { return clock }, former: formerSecret{"there", "name it"}}
	unknown := fmt.Errorf("asking for a session: %w", sessionstore.ErrUnknownKey)
	for range 3 {
		h.Trouble(t.Context(), "a session could not be looked up", unknown)
		clock = clock.Add(2 * withheld.Every)
	}
	h.Happened(lifecycle.Event{Kind: lifecycle.NotRead, Err: unknown})
	told := logs.FilterMessageSnippet("no configured secret opens").All()
	want := map[string]any{"former_secret": "there", "remedy": "name it", "then": "caddy reload"}
	if len(told) != 1 || told[0].Level != zap.ErrorLevel || !maps.Equal(told[0].ContextMap(), want) {
		t.Errorf("the log says %+v", told)
	}
	if said := logs.FilterMessageSnippet("could not be looked up").All(); len(said) != 0 {
		t.Errorf("each request is told of: %+v", said)
	}
	if n := valueOf(t, h.metrics, "store_failures_total"); n != 3 {
		t.Errorf("%v failures were counted; want 3", n)
	}
	h.Trouble(t.Context(), "a session could not be looked up", sessionstore.ErrCorrupt)
	if said := logs.FilterMessageSnippet("could not be looked up").All(); len(said) != 1 {
		t.Errorf("of a record that is damaged the log says %+v", said)
	}
}

// The line is also made by changes of people, which meet the records first
// where nobody is at their browser.
func TestAMissingSecretThatChangesOfPeopleMeetIsToldToo(t *testing.T) {
	told, _ := heard(t, lifecycle.Event{Kind: lifecycle.NotRead, Err: sessionstore.ErrUnknownKey}, "")
	if len(told) != 2 {
		t.Errorf("the log says %+v", told)
	}
}

// valueOf is the value of a counter, by its name and the values of its labels.
func valueOf(t testing.TB, counted *metrics.Set, sample string) (value float64) {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(counted)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			name := strings.TrimPrefix(family.GetName(), "caddy_sidegate_")
			for _, label := range m.GetLabel() {
				name += " " + label.GetValue()
			}
			if name == sample {
				return m.GetCounter().GetValue()
			}
		}
	}
	t.Fatalf("there is no %s", sample)
	return 0
}

// heard is what the log and one metric say of an event.
func heard(t *testing.T, e lifecycle.Event, counted string) (said []observer.LoggedEntry, value float64) {
	t.Helper()
	core, logs := observer.New(zap.DebugLevel)
	h := &events{logger: zap.New(core), metrics: metrics.New(), now: time.Now}
	h.Happened(e)
	if counted != "" {
		value = valueOf(t, h.metrics, counted)
	}
	return logs.All(), value
}

// What the log says of each kind is what operators search for: it changes only
// where the CHANGELOG says so.
func TestEventsAreLogged(t *testing.T) {
	key, client, why := sessionstore.NewSecret(1).Key(), netip.MustParseAddr("192.0.2.1"), errors.New("why it was")
	all := lifecycle.Event{Login: "sso", UserID: 7, Session: key, Client: client, Name: "Ada", Count: 3, Result: lifecycle.RefreshFailed, Err: why}
	account, more := map[string]any{"account": accountNames{}.of("ada")}, map[string]any{"more_since_last": int64(0)}
	login, user, session := map[string]any{"login": "sso"}, map[string]any{"user_id": int64(7)}, map[string]any{"session": key.ID()}
	from, said := map[string]any{"client": "192.0.2.1"}, map[string]any{"error": "why it was"}
	for kind, c := range map[lifecycle.Kind]struct {
		level, message string
		fields         []map[string]any
	}{
		lifecycle.Began:       {"info", "signed in", []map[string]any{login, user, session, from}},
		lifecycle.NotAdmitted: {"warn", "sign-in refused by the configuration", []map[string]any{login, user, account, {"why": "why it was"}}},
		lifecycle.NotSound:    {"warn", "sign-in refused: the person's entry is not sound", []map[string]any{login, user, account, said}},
		lifecycle.NotMapped: {"warn", "sign-in not finished: what a source says of the person cannot be mapped, and trying again will not help",
			[]map[string]any{login, user, account, said}},
		lifecycle.EndedForRoom: {"warn", "sessions ended that were idle the longest: the person has more than max_sessions allows",
			[]map[string]any{login, user, {"option": "max_sessions", "sessions": int64(3)}}},
		lifecycle.TooMany: {"warn", "sign-in refused: the person has as many sessions as max_sessions allows",
			[]map[string]any{login, user, {"option": "max_sessions", "max_sessions": int64(3)}}},
		lifecycle.NumberTaken: {"warn", "sign-in refused: the person's number belongs to somebody else",
			[]map[string]any{login, user, {"belongs_to": lifecycle.RefreshFailed, "option": "same_people",
				"remedy": "if they are the same people: same_people failed sso; if not, map another id in one of the logins"}}},
		lifecycle.NumberReserved: {"warn", "sign-in refused: the person's number is one that the store has handed out to somebody else",
			[]map[string]any{login, user, {"option": "same_people",
				"remedy": "map an id below 1,000,000,000, or leave the number to the store; if they are the same people: same_people sso <the other login>"}}},
		lifecycle.Ended:         {"info", "session ended: its login no longer vouches for the person", []map[string]any{login, user, session}},
		lifecycle.EndedAtSource: {"info", "sessions ended: their provider says so", []map[string]any{login, {"sessions": int64(3)}}},
		lifecycle.EndedByOperator: {"info", "sessions ended by an operator",
			[]map[string]any{{"by": lifecycle.RefreshFailed, "sessions": int64(3), "interrupted_by": "why it was", "asked_for": "Ada"}, login, user, session}},
		lifecycle.NoneEndedAtSource: {"warn",
			"a provider asked for the end of a session of its own, and no session of the person is of that one", []map[string]any{login}},
		lifecycle.Refreshed: {"warn", "a session could not be built anew; it stays as it is and will be tried again", []map[string]any{login, session, said}},
		lifecycle.Unmapped: {"warn", "what a source says of a person cannot be mapped: their session goes on without roles and permissions",
			[]map[string]any{login, user, session, said}},
		lifecycle.NotRead: {"warn", "sessions of a person cannot be read, and so do not show how the person has changed",
			[]map[string]any{login, user, said, {"sessions": int64(3)}}},
		lifecycle.CookiesPending: {"warn", "cookies that an app has set are not in the session yet; it will be tried again", []map[string]any{login, session, said}},
		lifecycle.CookiesLeftOut: {"warn", "an app sets more cookies than a session keeps, so some are lost to it: name those that are to stay here",
			[]map[string]any{login, {"cookies": int64(3), "option": "keep_cookies"}}},
		lifecycle.NotTold: {"warn", "an app could not be told that somebody has signed out: their session there may live on",
			[]map[string]any{login, user, session, said}},
		lifecycle.TokenLess: {"warn", "an app is sent no access token of a person",
			[]map[string]any{login, user, session, {"why": "why it was", "option": "upstream_token", "remedy": ownTokens}, more}},
		lifecycle.NoRoles: {"warn", "nobody who signs in has a role, although a map gives them: an expression without `.?` and orValue says, when it errs, what the source sends",
			[]map[string]any{login, {"sign_ins": int64(3)}}},
		lifecycle.Pending: {"error", "changes of people do not show in all their sessions yet; it will be tried again", []map[string]any{said}},

		endpoint.Refused: {"info", "sign-in refused", []map[string]any{login, from, said, account, more}},
		endpoint.PublicPassword: {"warn", "sign-in refused: the password is the demo's, which is public, and holds on this machine alone, over a connection to a loopback address without X-Forwarded-For and Forwarded; give the person a hash of their own",
			[]map[string]any{login, from}},
		endpoint.Throttled: {"warn", "throttled", []map[string]any{from, said, more}},
		endpoint.Attacked: {"warn", "an account is under attack: many sign-ins to it have failed, so each address has fewer attempts at it",
			[]map[string]any{from, account, more}},
		endpoint.NotTrusted: {"warn", "requests are passed on by an address that is none of trusted_proxies, so what it says of its clients is not believed",
			[]map[string]any{from, {"remedy": ownProxy}}},
		endpoint.PlainCallback: {"warn", "a provider is given a redirect_uri of plain http, though the browser came over TLS, as is said by headers that are not believed: most providers refuse it",
			[]map[string]any{login, from, {"redirect_uri": lifecycle.RefreshFailed, "remedy": plainProxy}}},
		endpoint.StaysCounted:    {"warn", "a sign-in attempt stays counted", []map[string]any{said}},
		endpoint.NotFinished:     {"info", "sign-in not finished", []map[string]any{login, from, said, more}},
		endpoint.Unkept:          {"warn", "a sign-in succeeded and is not kept, so the login page comes back", []map[string]any{from, said, {"more_since_last": int64(0)}}},
		endpoint.WrongAtProvider: {"warn", "sign-in not finished", []map[string]any{login, from, said, more}},
		endpoint.SignedOut:       {"info", "signed out", []map[string]any{login, user, session, from}},
		endpoint.DeviceSignedOut: {"info", "device signed out", []map[string]any{login, user, session, from}},
		demand.Forbidden:         {"info", "forbidden", []map[string]any{login, user, session, from, {"rule": lifecycle.RefreshFailed, "has": "why it was"}, more}},
		endpoint.Undecided: {"warn", "a question of another proxy was not decided",
			[]map[string]any{from, {"policy": lifecycle.RefreshFailed, "why": "why it was", "more_since_last": int64(0)}}},
		endpoint.Unanswered: {"warn", "a proxy asks where nobody answers questions, and was answered 421",
			[]map[string]any{from, {"asked": lifecycle.RefreshFailed, "remedy": "why it was", "more_since_last": int64(0)}}},
		endpoint.CookiesDiffer: {"warn", "nobody is adopted: a request has cookies of other gateways that are of two people, or two of one name",
			[]map[string]any{from, {"why": "why it was", "more_since_last": int64(0)}}},
		demand.Reported:          {"info", "would be refused, and passed: its demands are only reported", []map[string]any{from, more}},
		endpoint.SignOutRefused:  {"warn", "a logout token was refused", []map[string]any{login, said, more}},
		endpoint.SignOutReplayed: {"warn", "a logout token was refused: it came before", []map[string]any{login, more}},
		streams.Closed:           {"info", "what a session kept open was closed", []map[string]any{login, user, session, {"streams": int64(3), "why": lifecycle.RefreshFailed}}},
		endpoint.NotSigned:       {"error", "a session token could not be signed", []map[string]any{said}},
		endpoint.CrossOrigin:     {"warn", "a request was refused: it comes from a page of another site", []map[string]any{said, {"more_since_last": int64(0)}}},
		endpoint.TokenElsewhere:  {"warn", "a token was refused: it was given out at another site", []map[string]any{said, {"more_since_last": int64(0)}}},
		endpoint.TokenOff:        {"warn", "a token was refused: they are off here", []map[string]any{{"option": "token { off }", "more_since_last": int64(0)}}},
	} {
		t.Run(string(kind), func(t *testing.T) {
			event, want := all, make(map[string]any)
			event.Kind = kind
			for _, fields := range c.fields {
				maps.Copy(want, fields)
			}
			told, _ := heard(t, event, "")
			if len(told) != 1 || told[0].Level.String() != c.level || told[0].Message != c.message {
				t.Fatalf("the log says %+v", told)
			}
			if got := told[0].ContextMap(); !maps.Equal(got, want) {
				t.Errorf("its fields are %v; want %v", got, want)
			}
		})
	}
	for kind := range lines {
		event := all
		event.Kind = kind
		if told, _ := heard(t, event, ""); len(told) != 1 {
			t.Errorf("%s makes %d lines", kind, len(told))
		}
	}
}

// Nothing is said of what an operator has not asked for.
func TestALineOfManySessionsNamesNone(t *testing.T) {
	why := errors.New("why it was")
	for name, c := range map[string]struct {
		event lifecycle.Event
		want  map[string]any
	}{
		"those that an operator ended": {lifecycle.Event{Kind: lifecycle.EndedByOperator, Result: "local 127.0.0.1", Count: 9}, map[string]any{"by": "local 127.0.0.1", "sessions": int64(9)}},
		"those that no app was told of": {lifecycle.Event{Kind: lifecycle.NotTold, Login: "legacy", Count: 9, Err: why},
			map[string]any{"login": "legacy", "sessions": int64(9), "error": "why it was"}},
	} {
		told, _ := heard(t, c.event, "")
		if got := told[0].ContextMap(); !maps.Equal(got, c.want) {
			t.Errorf("%s: %v; want %v", name, got, c.want)
		}
	}
}

// Which demand it is is found by these, and who is nobody has no number.
func TestWhatIsOnlyReportedIsToldWithWhoDemandsIt(t *testing.T) {
	report := demand.Report{Method: "GET", Host: "a.example", Path: "/x", Of: "policy staff (Caddyfile:26)", Rule: "a session", Status: 401, Why: "Sign in first."}
	said := map[string]any{"client": "192.0.2.1", "would": int64(401), "why": "Sign in first.", "of": "policy staff (Caddyfile:26)", "rule": "a session",
		"method": "GET", "host": "a.example", "path": "/x", "more_since_last": int64(0)}
	for _, c := range []struct {
		name    string
		id      int64
		session string
		more    map[string]any
	}{
		{"nobody", 0, "", nil}, {"somebody", 7, "abc", map[string]any{"user_id": int64(7), "session": "abc"}},
	} {
		told, want := report, maps.Clone(said)
		told.UserID, told.Session = c.id, c.session
		maps.Copy(want, c.more)
		lines, _ := heard(t, lifecycle.Event{Kind: demand.Reported, Client: netip.MustParseAddr("192.0.2.1"), Err: &told}, "")
		if got := lines[0].ContextMap(); !maps.Equal(got, want) {
			t.Errorf("of %s it says %v; want %v", c.name, got, want)
		}
	}
	lines, _ := heard(t, lifecycle.Event{Kind: demand.Forbidden, Err: &demand.Lacking{Of: "session_auth of server srv0", User: new(sessionstore.UserSession)}, Result: "role admin"}, "")
	if got := lines[0].ContextMap()["of"]; got != "session_auth of server srv0" {
		t.Errorf("what is forbidden is said of %v", got)
	}
}

// Operators search for these words.
func TestTheReferenceTellsOfTheLog(t *testing.T) {
	text, err := os.ReadFile("../deploy/REFERENCE.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## The log\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, kind := range []lifecycle.Kind{
		lifecycle.Began, endpoint.Refused, endpoint.NotFinished, endpoint.Throttled, endpoint.SignedOut, endpoint.DeviceSignedOut, demand.Forbidden, lifecycle.EndedByOperator,
	} {
		if !strings.Contains(section, "- `"+lines[kind].message+"` (") {
			t.Errorf("%q is not in the reference", lines[kind].message)
		}
	}
	if !strings.Contains(section, "- `source failed` (") {
		t.Error("trouble of sources is not in the reference")
	}
}

// What people type to sign in by is their address, or their password in the wrong
// field, and logs are read by many.
func TestNamesAreInTheLogAsDigests(t *testing.T) {
	names := accountNames{key: []byte("one key")}
	ada := names.of("Ada@example.com")
	for other, same := range map[string]bool{"ada@EXAMPLE.com": true, "ada@example.org": false} {
		if (names.of(other) == ada) != same {
			t.Errorf("%s is one with Ada@example.com: %v", other, !same)
		}
	}
	if strings.Contains(strings.ToLower(ada), "ada") || (accountNames{key: []byte("another")}).of("Ada@example.com") == ada {
		t.Errorf("the digest %s tells the name, or needs no key", ada)
	}
	if got := names.of(""); got != "" {
		t.Errorf("nobody is %q", got)
	}
}

// What would begin a line is left out of the log, and stands in the audit log in letters.
func TestNamesThatAreNoTextAreToldByEachLogInItsWay(t *testing.T) {
	for kind, field := range map[lifecycle.Kind]string{lifecycle.EndedByOperator: "asked_for", endpoint.Refused: "account"} {
		core, logs := observer.New(zap.DebugLevel)
		logger := zap.New(core)
		h := &events{logger: logger, metrics: metrics.New(), now: time.Now, names: accountNames{plain: true},
			audit: audit.New(audit.Config{Logger: logger, Digest: func() string { return "" }, Now: time.Now})}
		h.Happened(lifecycle.Event{Kind: kind, Name: "x=a\n\u202e" + strings.Repeat("b", 1000), Login: "a\n"})
		told := logs.All()
		if len(told) != 2 {
			t.Fatalf("%s: the logs say %+v", kind, told)
		}
		audited, logged := told[0].ContextMap(), told[1].ContextMap()
		if !strings.HasPrefix(audited[field].(string), `x=a\u{a}\u{202e}bbb`) || audited["login"] != `a\u{a}` {
			t.Errorf("%s: the audit log says %+v", kind, audited)
		}
		if name := logged[field].(string); !strings.HasPrefix(name, "x=a\ufffd\ufffdbbb") || len(name) > 140 || kind == lifecycle.EndedByOperator && logged["login"] != "a\ufffd" {
			t.Errorf("%s: the log says %+v", kind, logged)
		}
	}
}

// A person's few slips are each in the log; of a flood there is one a second, with
// a count of what was left out.
func TestFloodsOfRefusedSignInsAreCut(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	clock := time.Now()
	h := &events{logger: zap.New(core), metrics: metrics.New(), now: func() time.Time { return clock }}
	for range atFirst + 76 {
		h.Happened(lifecycle.Event{Kind: endpoint.Refused})
	}
	if n := logs.Len(); n != atFirst {
		t.Fatalf("%d lines at once; want %d", n, atFirst)
	}
	clock = clock.Add(withheld.Every)
	for range 5 {
		h.Happened(lifecycle.Event{Kind: endpoint.Refused})
	}
	told := logs.All()
	if len(told) != atFirst+1 || told[atFirst].ContextMap()["more_since_last"] != int64(76) {
		t.Errorf("a second later: %d lines, the last with %v", len(told), told[len(told)-1].ContextMap())
	}
}

// Clients decide how often they are refused, and what they call themselves.
func TestThrottlingIsToldWithTheAccountAndTheAddress(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	clock := time.Now()
	h := &events{logger: zap.New(core), metrics: metrics.New(), now: func() time.Time { return clock }}
	proxy := netip.MustParseAddr("10.0.0.1")
	throttled := lifecycle.Event{Kind: endpoint.Throttled, Client: proxy, Name: "ada", Err: &login.Throttled{
		RetryAfter: time.Minute, Scope: "account",
		From: login.Client{Addr: proxy, Shared: true, Told: netip.MustParseAddr("192.0.2.1")},
	}}
	for range 3 {
		h.Happened(throttled)
	}
	clock = clock.Add(withheld.Every)
	h.Happened(throttled)
	told := logs.All()
	want := map[string]any{"client": "10.0.0.1", "forwarded_for": "192.0.2.1", "scope": "account", "wait": time.Minute,
		"account": accountNames{}.of("ada"), "more_since_last": int64(2)}
	if len(told) != 2 || !maps.Equal(told[1].ContextMap(), want) {
		t.Errorf("the log says %+v", told)
	}
}

// Behind a proxy that says nothing of its clients, all people are one; nothing
// else tells of it.
func TestWhoIsThrottledAsOneBehindASilentProxyIsToldWithTheRemedy(t *testing.T) {
	for client, hinted := range map[string]bool{"127.0.0.1": true, "10.0.0.1": true, "192.0.2.1": false} {
		from := login.Client{Addr: netip.MustParseAddr(client)}
		told, _ := heard(t, lifecycle.Event{Kind: endpoint.Throttled, Client: from.Addr, Err: &login.Throttled{Scope: "address", From: from}}, "")
		if got := told[0].ContextMap()["remedy"] == silentProxy; got != hinted {
			t.Errorf("%s: the remedy is told %v", client, got)
		}
	}
}

// Whom an operator names by their address is not in the log by it, as people are not who
// sign in by it; and there they are the same.
func TestWhomAnOperatorAskedForIsToldWithoutTheirAddress(t *testing.T) {
	names := newAccountNames([]byte("key"), false)
	ada := names.of("ada@example.com")
	for asked, want := range map[string]string{
		"user=7": "user=7", "all=true": "all=true", "login=sso": "login=sso", "": "",
		"email=ADA@example.com": "email=" + ada, "ada@example.com": ada, "user=ada@example.com": "user=" + ada, "login=a\u202eb\n": "login=a\u202eb\n",
	} {
		if got := names.ofEvent(lifecycle.Event{Kind: lifecycle.EndedByOperator, Name: asked}); got != want {
			t.Errorf("%q is told as %q; want %q", asked, got, want)
		}
	}
	if got := newAccountNames([]byte("key"), true).ofEvent(lifecycle.Event{Kind: lifecycle.EndedByOperator, Name: "email=ada@example.com"}); got != "email=ada@example.com" {
		t.Errorf("with log_names it is told as %q", got)
	}
}

// A kind that nobody counts and nobody logs would be told to nobody.
func TestEveryEventIsLoggedOrCounted(t *testing.T) {
	counted := map[lifecycle.Kind]bool{endpoint.Attempted: true, endpoint.SignedOut: true, lifecycle.Refreshed: true}
	for _, kinds := range [][]lifecycle.Kind{kindsDeclared(t, "lifecycle"), kindsDeclared(t, "endpoint")} {
		for _, kind := range kinds {
			if _, logged := lines[kind]; !logged && !counted[kind] && !audit.Tells(lifecycle.Event{Kind: kind, Result: lifecycle.EndDevice}) {
				t.Errorf("nobody hears of %q", kind)
			}
		}
	}
}

func TestEventsAreCounted(t *testing.T) {
	for _, c := range []struct {
		name    string
		event   lifecycle.Event
		counted string
		want    float64
	}{
		{"a sign-out", lifecycle.Event{Kind: endpoint.SignedOut}, "sign_outs_total", 1},
		{"a session that its login ended", lifecycle.Event{Kind: lifecycle.Ended, Count: 1}, "sessions_ended_by_login_total", 1},
		{"sessions that a provider ended", lifecycle.Event{Kind: lifecycle.EndedAtSource, Count: 3}, "sessions_ended_by_login_total", 3},
		{"sessions that ended for a new one", lifecycle.Event{Kind: lifecycle.EndedForRoom, Count: 2}, "sessions_ended_by_limit_total", 2},
		{"an attempt to sign in", lifecycle.Event{Kind: endpoint.Attempted, Login: "users", Result: refusal.Throttled},
			"sign_ins_total users throttled", 1},
		{"an attempt that the throttle stopped", lifecycle.Event{Kind: endpoint.Throttled, Err: errors.New("too many")}, "throttled_attempts_total", 1},
		{"an account under attack", lifecycle.Event{Kind: endpoint.Attacked}, "attacked_accounts_total", 1},
		{"a refresh", lifecycle.Event{Kind: lifecycle.Refreshed, Result: lifecycle.RefreshElsewhere},
			"refreshes_total elsewhere", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, got := heard(t, c.event, c.counted); got != c.want {
				t.Errorf("counted %v; want %v", got, c.want)
			}
		})
	}
}

func TestWhoWentAwayIsNoTrouble(t *testing.T) {
	h := &events{logger: zap.NewNop(), metrics: metrics.New(), now: time.Now}
	ctx, leave := context.WithCancel(t.Context())
	leave()
	h.Trouble(ctx, "a session could not be looked up", context.Canceled)
	if n := valueOf(t, h.metrics, "store_failures_total"); n != 0 {
		t.Errorf("the store is blamed %v times", n)
	}
}

func TestARefusedPathIsLoggedOnceASecondAndAlwaysCounted(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	now := time.Unix(1_800_000_000, 0)
	h := &events{logger: zap.New(core), metrics: metrics.New(), now: func() time.Time { return now }}
	for range 3 {
		h.pathRefused("/x/"+strings.Repeat("y", 1000), "double encoding", "path /admin/*")
	}
	now = now.Add(time.Second)
	h.pathRefused("/a;b", "a parameter", "path /admin/*")
	told := logs.All()
	if len(told) != 2 || valueOf(t, h.metrics, "ambiguous_paths_refused_total") != 4 {
		t.Fatalf("%d lines, and %v are counted", len(told), valueOf(t, h.metrics, "ambiguous_paths_refused_total"))
	}
	want := map[string]any{"path": "/a;b", "why": "a parameter", "rule": "path /admin/*", "option": "ambiguous_paths allow",
		"remedy": "put the demand into a `path` in the block of session_auth, which reads a path in every way; or say the option, if the app reads paths as Caddy does", "more_since_last": int64(2)}
	if got := told[1].ContextMap(); !maps.Equal(got, want) || told[1].Level != zap.WarnLevel {
		t.Errorf("%v at %v; want %v", got, told[1].Level, want)
	}
	if got := told[0].ContextMap()["path"].(string); len(got) != 256 {
		t.Errorf("%d bytes of what a client made up are logged", len(got))
	}
}

// What was compared with what is in the line, and what to do about it; clients do
// not decide how many lines there are.
func TestARequestFromAnotherSiteIsLoggedWithWhatWasCompared(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	h := &events{logger: zap.New(core), metrics: metrics.New(), now: time.Now}
	for range 3 {
		h.Happened(lifecycle.Event{Kind: endpoint.CrossOrigin, Err: &origin.Mismatch{Site: "cross-site", Origin: "https://evil.example", Own: "https://app.example.com"}})
	}
	told := logs.All()
	want := map[string]any{"origin": "https://evil.example", "sec_fetch_site": "cross-site", "own": "https://app.example.com", "remedy": ownOrigin,
		"more_since_last": int64(0)}
	if len(told) != 1 || !maps.Equal(told[0].ContextMap(), want) || !strings.Contains(ownOrigin, "`cors <origin>`") {
		t.Errorf("the log says %+v", told)
	}
}

// Who has said public_url is not told to say it.
func TestAPageOfOnesOwnOverPlainHTTPIsLoggedWithWhatHelpsThere(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	h := &events{logger: zap.New(core), metrics: metrics.New(), now: time.Now}
	h.Happened(lifecycle.Event{Kind: endpoint.CrossOrigin, Err: &origin.Mismatch{Origin: "http://app.example.com", Own: "https://app.example.com", Plain: true}})
	if remedy, _ := logs.All()[0].ContextMap()["remedy"].(string); !strings.Contains(remedy, "port 80 redirect to https") || strings.Contains(remedy, "say public_url") {
		t.Errorf("the remedy is %q", remedy)
	}
}

// kindsDeclared are the kinds of events that a room declares.
func kindsDeclared(t *testing.T, room string) (kinds []lifecycle.Kind) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(room, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		kinds = append(kinds, kindsOf(parsed)...)
	}
	if len(kinds) == 0 {
		t.Fatalf("%s declares no kind of event", room)
	}
	return kinds
}

func kindsOf(file *ast.File) (kinds []lifecycle.Kind) {
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		name, _ := spec.Type.(*ast.Ident)
		qualified, _ := spec.Type.(*ast.SelectorExpr)
		if name != nil && name.Name == "Kind" || qualified != nil && qualified.Sel.Name == "Kind" {
			text, _ := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			kinds = append(kinds, lifecycle.Kind(text))
		}
		return true
	})
	return kinds
}

func TestAnAppThatLeadsBackToTheLoginPageIsLoggedOnce(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	h := &events{logger: zap.New(core), metrics: metrics.New(), now: time.Now}
	for range 3 {
		h.ledBack()
	}
	if told := logs.All(); len(told) != 1 || told[0].Level != zap.WarnLevel || !strings.Contains(fmt.Sprint(told[0].ContextMap()["remedy"]), "base_path") {
		t.Errorf("the log says %+v", told)
	}
}

func TestACookieThatAnAppOverwritesIsLoggedOnceASecond(t *testing.T) {
	core, logs := observer.New(zap.DebugLevel)
	now := time.Now()
	h := &events{logger: zap.New(core), metrics: metrics.New(), now: func() time.Time { return now }}
	for range 3 {
		h.cookieOverwritten()
	}
	now = now.Add(time.Second)
	h.cookieOverwritten()
	told := logs.All()
	if len(told) != 2 || told[1].Level != zap.WarnLevel || told[1].ContextMap()["more_since_last"] != int64(2) {
		t.Errorf("the log says %+v", told)
	}
}
