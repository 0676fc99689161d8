package audit

import (
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/sessionstore"
)

// hears returns a log whose lines are observed, at a clock of the test's own.
func hears(now func() time.Time) (*Log, *observer.ObservedLogs) {
	core, lines := observer.New(zap.DebugLevel)
	return New(Config{Logger: zap.New(core), Digest: func() string { return "digest" }, Now: now}), lines
}

// Programs read them.
func TestEveryLineHasTheSameFieldsInTheSameOrder(t *testing.T) {
	key := sessionstore.NewSecret(1).Key()
	all := lifecycle.Event{Login: "sso", UserID: 7, Session: key, Client: netip.MustParseAddr("192.0.2.1"), Name: "Ada", Count: 3, Result: "said",
		Err: errors.New("why it was"), Method: "GET", Host: "a.example", Path: "/x"}
	tell := func(e lifecycle.Event, bare bool) {
		l, lines := hears(time.Now)
		if bare {
			e = lifecycle.Event{Kind: e.Kind, Result: e.Result}
		}
		l.Happened(e)
		told := lines.All()
		if len(told) != 1 || told[0].LoggerName != LoggerName || told[0].Message != LoggerName || told[0].Level != zap.InfoLevel {
			t.Fatalf("%s: told is %+v", e.Kind, told)
		}
		var names []string
		for _, f := range told[0].Context {
			names = append(names, f.Key)
		}
		if len(names) < len(Fields) || !slices.Equal(names[:len(Fields)], Fields) {
			t.Errorf("%s: the fields are %q", e.Kind, names)
		}
	}
	for kind := range kinds {
		all.Kind = kind
		tell(all, false)
		tell(all, true)
	}
	for why := range ends {
		all.Kind, all.Result = lifecycle.SessionEnded, why
		tell(all, false)
		tell(all, true)
	}
}

// Whoever adds a reason has to say what the audit log says of it.
func TestEveryEndOfASessionIsTold(t *testing.T) {
	for _, why := range lifecycle.Ends {
		if !Tells(lifecycle.Event{Kind: lifecycle.SessionEnded, Result: why}) {
			t.Errorf("nobody hears of a session that has ended: %s", why)
		}
	}
	if len(ends) != len(lifecycle.Ends) {
		t.Errorf("%d reasons are told of; there are %d", len(ends), len(lifecycle.Ends))
	}
}

func TestWhatLinesSay(t *testing.T) {
	key, client := sessionstore.NewSecret(1).Key(), netip.MustParseAddr("192.0.2.1")
	person := lifecycle.Event{Login: "users", UserID: 7, Session: key, Client: client, Method: "POST", Host: "a.example", Path: "/x", Count: 1}
	of := func(kind lifecycle.Kind, edit func(*lifecycle.Event)) lifecycle.Event {
		e := person
		e.Kind = kind
		edit(&e)
		return e
	}
	for name, c := range map[string]struct {
		event lifecycle.Event
		want  map[string]any
	}{
		"a sign-in": {of(lifecycle.Began, func(*lifecycle.Event) {}), map[string]any{"event": "sign_in", "result": "ok", "by": "person"}},
		"a password that was wrong": {of(endpoint.Refused, func(e *lifecycle.Event) { e.UserID, e.Session, e.Name = 0, sessionstore.Key{}, "hmac:abc" }),
			map[string]any{"event": "sign_in", "result": "refused", "by": "stranger", "user_id": int64(0), "session": "", "account": "hmac:abc", "more_since_last": int64(0)}},
		"who has too many sessions": {of(lifecycle.TooMany, func(e *lifecycle.Event) { e.Count, e.Session = 5, sessionstore.Key{} }),
			map[string]any{"event": "sign_in", "result": "too_many_sessions", "by": "person", "session": "", "rule": "max_sessions", "more_since_last": int64(0)}},
		"a session that ended for room": {of(lifecycle.SessionEnded, func(e *lifecycle.Event) { e.Result = lifecycle.EndForRoom }),
			map[string]any{"event": "revocation", "result": "for_room", "by": "max_sessions", "rule": "max_sessions"}},
		"sessions that nobody could list": {of(lifecycle.SessionEnded, func(e *lifecycle.Event) { e.Result, e.Session, e.Count = lifecycle.EndOthers, sessionstore.Key{}, 3 }),
			map[string]any{"event": "sign_out", "result": "others", "by": "person", "session": "", "count": int64(3)}},
		"what an operator ended": {lifecycle.Event{Kind: lifecycle.EndedByOperator, Result: "127.0.0.1", Name: "login=sso", Count: 3},
			map[string]any{"event": "revocation", "result": "operator", "by": "operator:127.0.0.1", "user_id": int64(0), "session": "", "client": "", "login": "",
				"method": "", "route": "", "host": nil, "count": int64(3), "asked_for": "login=sso"}},
		"other rights": {of(lifecycle.RightsChanged, func(e *lifecycle.Event) { e.Result = `roles +["admin"]` }),
			map[string]any{"event": "rights", "result": "changed", "by": "login", "why": `roles +["admin"]`}},
		"another account": {of(endpoint.AccountChosen, func(e *lifecycle.Event) { e.Result = "globex" }),
			map[string]any{"event": "account_switch", "result": "ok", "by": "person", "account_id": "globex", "more_since_last": int64(0)}},
		"a route that is not for them": {of(demand.Forbidden, func(e *lifecycle.Event) { e.Result, e.Err = "role admin", errors.New("roles []") }),
			map[string]any{"event": "route", "result": "forbidden", "by": "person", "rule": "role admin", "why": "has roles []", "more_since_last": int64(0)}},
		"who is not signed in": {of(demand.Anonymous, func(e *lifecycle.Event) {
			e.Result, e.Login, e.UserID, e.Session = "a session", "", 0, sessionstore.Key{}
		}),
			map[string]any{"event": "route", "result": "anonymous", "by": "stranger", "login": "", "user_id": int64(0), "session": "", "rule": "a session", "more_since_last": int64(0)}},
	} {
		t.Run(name, func(t *testing.T) {
			want := map[string]any{"user_id": int64(7), "session": key.ID(), "client": "192.0.2.1", "login": "users", "method": "POST", "route": "/x", "rule": "",
				"config": "digest", "host": "a.example"}
			maps.Copy(want, c.want)
			maps.DeleteFunc(want, func(_ string, value any) bool { return value == nil })
			l, lines := hears(time.Now)
			l.Happened(c.event)
			if got := lines.All()[0].ContextMap(); !maps.Equal(got, want) {
				t.Errorf("the line says\n%v; want\n%v", got, want)
			}
		})
	}
}

// Strangers fill no disk, and hide nobody: each sign-in and each end of a session is
// there, and of what is left out nothing is lost, not even at the end.
func TestAFloodHidesNothing(t *testing.T) {
	at := time.Unix(1_000_000, 0)
	l, lines := hears(func() time.Time { return at })
	floods := []lifecycle.Kind{endpoint.Refused, endpoint.Throttled, demand.Anonymous, demand.Forbidden, endpoint.CrossOrigin, endpoint.SignOutRefused, endpoint.AccountChosen}
	const rounds = 5000
	for i := range rounds {
		for _, kind := range floods {
			l.Happened(lifecycle.Event{Kind: kind, Client: netip.MustParseAddr("192.0.2.9")})
		}
		if i%50 == 0 {
			l.Happened(lifecycle.Event{Kind: lifecycle.Began, UserID: int64(i)})
			l.Happened(lifecycle.Event{Kind: lifecycle.SessionEnded, Result: lifecycle.EndSignedOut, UserID: int64(i), Count: 1})
			l.Happened(lifecycle.Event{Kind: lifecycle.SessionEnded, Result: lifecycle.EndAtSource, UserID: int64(i), Count: 1})
			l.Happened(lifecycle.Event{Kind: lifecycle.EndedByOperator, UserID: int64(i), Count: 1})
		}
		at = at.Add(10 * time.Millisecond)
	}
	l.Close()
	all, per := countedIn(lines)
	for _, kind := range floods {
		w := kinds[kind]
		if all[w] != rounds {
			t.Errorf("of %d times %v the log knows %d", rounds, w, all[w])
		}
		if seconds := rounds / 100; per[w] > atFirst+seconds+2 {
			t.Errorf("%v has %d lines in %d seconds", w, per[w], seconds)
		}
	}
	for _, w := range []what{kinds[lifecycle.Began], ends[lifecycle.EndSignedOut], ends[lifecycle.EndAtSource], kinds[lifecycle.EndedByOperator]} {
		if per[w] != rounds/50 {
			t.Errorf("%v has %d lines; want %d", w, per[w], rounds/50)
		}
	}
	if n := per[kinds[demand.Anonymous]]; n != 2 {
		t.Errorf("who is not signed in has %d lines in less than a minute; want the first and the last", n)
	}
}

// countedIn is what the lines stand for, with what they say there was more, and how many
// they are.
func countedIn(lines *observer.ObservedLogs) (all, per map[what]int) {
	all, per = make(map[what]int), make(map[what]int)
	for _, one := range lines.All() {
		f := one.ContextMap()
		by, more := f["by"].(string), 0
		if strings.HasPrefix(by, byOperator) {
			by = byOperator
		}
		if n, ok := f["more_since_last"].(int64); ok {
			more = int(n)
		}
		w := what{f["event"].(string), f["result"].(string), by}
		all[w] += 1 + more
		per[w]++
	}
	return all, per
}

func TestNothingIsLostWhereManyAreRefusedAtOnce(t *testing.T) {
	l, lines := hears(time.Now)
	const each, who = 500, 8
	var done sync.WaitGroup
	for range who {
		done.Go(func() {
			for i := range each {
				l.Happened(lifecycle.Event{Kind: endpoint.Refused})
				if i%100 == 0 {
					l.Rest()
				}
			}
		})
	}
	done.Wait()
	l.Close()
	if all, _ := countedIn(lines); all[kinds[endpoint.Refused]] != each*who {
		t.Errorf("the log knows of %d; want %d", all[kinds[endpoint.Refused]], each*who)
	}
}

func TestWhatWasWithheldIsToldWithTheTimeAtWhichItHappened(t *testing.T) {
	at := time.Unix(1_000_000, 0)
	l, lines := hears(func() time.Time { return at })
	for i := range 5 {
		at = at.Add(time.Second)
		l.Happened(lifecycle.Event{Kind: demand.Anonymous, Path: fmt.Sprintf("/%d", i)})
	}
	last := at
	at = at.Add(30 * time.Second)
	l.Rest()
	l.Rest()
	told := lines.All()
	if len(told) != 2 || told[1].ContextMap()["route"] != "/4" || told[1].ContextMap()["more_since_last"] != int64(3) || !told[1].Time.Equal(last) {
		t.Errorf("told is %+v", told)
	}
}

func TestNobodyIsToldWhereThereIsNoLog(t *testing.T) {
	var l *Log
	l.Happened(lifecycle.Event{Kind: lifecycle.Began})
}
