package caddymodule_test

import (
	"cmp"
	"maps"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule"
	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/observed"
	"example.com/sidegate/caddymodule/streams"
	"example.com/sidegate/sessionstore/redis/redistest"
)

func decided(decision string) string { return `requests_total{decision="` + decision + `"}` }

func signIns(login, result string) string {
	return `sign_ins_total{login="` + login + `",result="` + result + `"}`
}

func TestMetricsCountWhatHappens(t *testing.T) {
	t.Parallel()
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Options: "cache 1h"})
	c := p.Client(t)
	p.AwaitListening(t)
	before := p.Scrape().Counted(gatewaytest.Metrics{})
	delete(before, "near_cache_gaps_total") // of the first subscription
	if len(before) > 0 {
		t.Fatalf("before anything happens the counters are at %v", before)
	}
	for _, step := range []struct {
		name string
		do   func(t *testing.T)
		want map[string]float64
	}{
		{"a sign-in", func(*testing.T) { c.SignIn(gatewaytest.Ada) }, map[string]float64{signIns("users", "signed_in"): 1}},
		{"three requests, of which the first asks the store", func(t *testing.T) {
			for range 3 {
				c.Get("/app").Want(t, http.StatusOK)
			}
		}, map[string]float64{gatewaytest.Lookups("miss"): 1, gatewaytest.Lookups("hit"): 2, decided("allowed"): 3}},
		{"a request without a session", func(t *testing.T) {
			p.Client(t).Get("/app").Want(t, http.StatusUnauthorized)
		}, map[string]float64{decided("anonymous"): 1}},
		{"a wrong password", func(t *testing.T) {
			p.Client(t).TrySignIn(gatewaytest.Ada, "wrong").Want(t, http.StatusUnauthorized)
		}, map[string]float64{signIns("users", "refused"): 1}},
		{"somebody who is disabled", func(t *testing.T) {
			p.Client(t).TrySignIn(gatewaytest.Linus, gatewaytest.Password).Want(t, http.StatusUnauthorized)
		}, map[string]float64{signIns("users", "refused"): 1}},
		{"somebody whom no login knows", func(t *testing.T) {
			p.Client(t).TrySignIn("nobody@example.com", gatewaytest.Password).Want(t, http.StatusUnauthorized)
		}, map[string]float64{signIns("", "refused"): 1}},
		{"guesses until the throttle stops them", func(t *testing.T) {
			for range 10 {
				p.Client(t).TrySignIn(gatewaytest.Grace, "wrong").Want(t, http.StatusUnauthorized)
			}
			p.Client(t).TrySignIn(gatewaytest.Grace, gatewaytest.Password).Want(t, http.StatusTooManyRequests)
		}, map[string]float64{signIns("users", "refused"): 10, signIns("", "throttled"): 1, "throttled_attempts_total": 1}},
		{"a body that is no attempt", func(t *testing.T) {
			p.Client(t).Do(http.MethodPost, "/auth/login", "{", "Content-Type", "application/json").Want(t, http.StatusBadRequest)
		}, nil},
		{"a sign-out", func(t *testing.T) {
			c.Post("/auth/logout").Want(t, http.StatusNoContent)
		}, map[string]float64{"sign_outs_total": 1, gatewaytest.Lookups("hit"): 2}}, // who asks, and whether there is an end to be told of
		{"a sign-out of nobody", func(t *testing.T) {
			p.Client(t).Post("/auth/logout").Want(t, http.StatusNoContent)
		}, nil},
		{"a sign-out of one device, and then of all others", func(t *testing.T) {
			here, there := p.Client(t), p.Client(t)
			here.SignIn(gatewaytest.Ada)
			there.SignIn(gatewaytest.Ada)
			for _, d := range gatewaytest.DevicesOf(here) {
				if !d.Current {
					here.Do(http.MethodDelete, "/auth/sessions/"+d.ID, "").Want(t, http.StatusNoContent)
				}
			}
			here.Do(http.MethodDelete, "/auth/sessions", "").Want(t, http.StatusNoContent)
			here.Post("/auth/logout").Want(t, http.StatusNoContent)
		}, map[string]float64{signIns("users", "signed_in"): 2, "sign_outs_total": 3, gatewaytest.Lookups("miss"): 1, gatewaytest.Lookups("hit"): 4}},
	} {
		t.Run(step.name, func(t *testing.T) {
			before := p.Scrape()
			step.do(t)
			if got := p.Scrape().Counted(before); !maps.Equal(got, step.want) {
				t.Errorf("counted %v; want %v", got, step.want)
			}
		})
	}
	t.Run("and what is held is a gauge", func(t *testing.T) {
		c.SignIn(gatewaytest.Ada)
		c.Get("/app").Want(t, http.StatusOK)
		p.AwaitSample("near_cache_entries", 1)
		c.Post("/auth/logout").Want(t, http.StatusNoContent)
		p.AwaitSample("near_cache_entries", 0)
	})
}

// What becomes of requests, in one word each: what operators draw first.
func TestMetricsOfWhatWasDecided(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t, redistest.AppendOnly())
	p := gatewaytest.StartProcess(t, gatewaytest.Site{
		Options: "cache off\npolicy default {\nrole admin\n}",
		Routes: "session_endpoints\nsession_auth /app/open* {\npublic /app/open*\n}\nsession_auth /app/admin* {\nrole admin\n}\n" +
			"session_auth /app/maybe* {\noptional\n}\nsession_auth /app/ask* {\npreflight pass\n}\n@in path /app/in*\nsession_auth @in\nrespond /app* ok",
	}.OnRedis(srv, gatewaytest.PresentSecret))
	grace, nobody := p.Client(t), p.Client(t)
	grace.SignIn(gatewaytest.Grace)
	for _, step := range []struct {
		name   string
		by     *gatewaytest.Client
		path   string
		header []string
		status int
		want   string
	}{
		{"somebody who is signed in passes", grace, "/app/in", nil, http.StatusOK, "allowed"},
		{"somebody who is signed in passes where nobody need be", grace, "/app/open", nil, http.StatusOK, "allowed"},
		{"nobody passes where a path is public", nobody, "/app/open", nil, http.StatusOK, "public"},
		{"nobody passes where a session is optional", nobody, "/app/maybe", nil, http.StatusOK, "public"},
		{"a preflight passes as nobody's", grace, "/app/ask", []string{"Origin", "https://a.example", "Access-Control-Request-Method", "PUT"}, http.StatusOK, "public"},
		{"nobody is refused", nobody, "/app/in", nil, http.StatusUnauthorized, "anonymous"},
		{"a browser is led to the login page", nobody, "/app/in", []string{"Accept", "text/html", "Sec-Fetch-Mode", "navigate"}, http.StatusSeeOther, "anonymous"},
		{"a token that is none is refused", nobody, "/app/maybe", []string{"Authorization", "Bearer none"}, http.StatusUnauthorized, "anonymous"},
		{"somebody has no role for it", grace, "/app/admin", nil, http.StatusForbidden, "forbidden"},
		{"what may be a repetition is refused", grace, "/app/in", []string{"Early-Data", "1"}, http.StatusTooEarly, "forbidden"},
		{"another proxy asks of nobody", nobody, "/auth/verify", nil, http.StatusUnauthorized, "anonymous"},
		{"another proxy asks of somebody without the role", grace, "/auth/verify", nil, http.StatusForbidden, "forbidden"},
	} {
		t.Run(step.name, func(t *testing.T) {
			before := p.Scrape()
			method := http.MethodGet
			if len(step.header) > 0 {
				method = cmp.Or(map[string]string{"Early-Data": http.MethodPost, "Origin": http.MethodOptions}[step.header[0]], method)
			}
			step.by.Do(method, step.path, "", step.header...).Want(t, step.status)
			if got, want := p.Scrape().Counted(before), map[string]float64{decided(step.want): 1}; !maps.Equal(got, want) {
				t.Errorf("counted %v; want %v", got, want)
			}
		})
	}
	t.Run("whether the store is there is a gauge, and nobody can tell who somebody is while it is not", func(t *testing.T) {
		p.AwaitSample("store_up", 1)
		srv.Kill()
		before := p.Scrape()
		grace.Get("/app/in").Want(t, http.StatusServiceUnavailable)
		counted := p.Scrape().Counted(before)
		if counted[decided("cannot_tell")] != 1 || counted[`store_operation_failures_total{operation="get"}`] < 1 {
			t.Errorf("counted %v", counted)
		}
		p.AwaitSample("store_up", 0)
		srv.Restart()
		p.AwaitSample("store_up", 1)
	})
}

func TestMetricsOfAStoreInTrouble(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t, redistest.AppendOnly())
	s := gatewaytest.Site{}.OnRedis(srv, gatewaytest.PresentSecret)
	s.Options += "\ncache 50ms\nstale 1h\nidle_timeout 1m"
	p := gatewaytest.StartProcess(t, s)
	held, absent := p.Client(t), p.Client(t)
	held.SignIn(gatewaytest.Ada)
	absent.SignIn(gatewaytest.Grace)
	held.Get("/app").Want(t, http.StatusOK)
	srv.Kill()
	t.Run("a question without an answer is a failure of the store", func(t *testing.T) {
		before := p.Scrape()
		absent.Get("/app").Want(t, http.StatusServiceUnavailable)
		absent.Get("/auth/session").Want(t, http.StatusInternalServerError)
		if got := p.Scrape().Counted(before)["store_failures_total"]; got != 2 {
			t.Errorf("%v failures were counted; want 2", got)
		}
	})
	t.Run("a sign-in that cannot be decided has failed", func(t *testing.T) {
		before := p.Scrape()
		p.Client(t).TrySignIn(gatewaytest.Ada, gatewaytest.Password).Want(t, http.StatusServiceUnavailable)
		got := p.Scrape().Counted(before)
		if got[signIns("", "failed")] != 1 || got["store_failures_total"] != 1 {
			t.Errorf("counted %v", got)
		}
	})
	t.Run("a sign-out that was not done is none", func(t *testing.T) {
		before := p.Scrape()
		held.Post("/auth/logout").Want(t, http.StatusServiceUnavailable)
		if got := p.Scrape().Counted(before)["sign_outs_total"]; got != 0 {
			t.Errorf("%v sign-outs were counted", got)
		}
	})
	t.Run("who was changed meanwhile is in the backlog", func(t *testing.T) {
		people, err := os.ReadFile(p.Users)
		if err != nil {
			t.Fatal(err)
		}
		gatewaytest.WriteFile(t, p.Users, strings.Replace(string(people), "roles: [viewer]", "disabled: true", 1))
		gatewaytest.Await(t, "grace and linus are to be signed out", func() bool { return p.Scrape().Samples["backlog_pending"] >= 1 })
	})
	srv.Restart()
	t.Run("and is signed out once the store is back", func(t *testing.T) {
		p.AwaitSample("sessions_ended_by_login_total", 1)
		p.AwaitSample("backlog_pending", 0)
		absent.Get("/app").Want(t, http.StatusUnauthorized)
	})
}

// Somebody is active while their session is served from memory alone.
func TestMetricsOfActivityThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t, redistest.AppendOnly())
	s := gatewaytest.Site{}.OnRedis(srv, gatewaytest.PresentSecret)
	s.Options += "\ncache 50ms\nstale 1h\nidle_timeout 1m"
	p := gatewaytest.StartProcess(t, s)
	c := p.Client(t)
	c.SignIn(gatewaytest.Ada)
	c.Get("/app").Want(t, http.StatusOK)
	before := p.Scrape()
	srv.Kill()
	gatewaytest.Await(t, "activity waits to be written", func() bool {
		c.Get("/app").Want(t, http.StatusOK)
		return p.Scrape().Samples["activity_pending"] == 1
	})
	if got := p.Scrape().Counted(before)["near_cache_stale_total"]; got == 0 {
		t.Error("no session was counted as stale")
	}
	srv.Restart()
	p.AwaitSample("activity_pending", 0)
}

func TestMetricsOfTheRevocationDelay(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	p := gatewaytest.StartProcess(t, gatewaytest.Site{}.OnRedis(srv, gatewaytest.PresentSecret))
	const count = "revocation_delay_seconds_count"
	p.AwaitListening(t)
	for range 5 {
		signInAndOut(t, p)
	}
	p.AwaitSample(count, 5)
	s := p.Scrape().Samples
	if s["revocation_delay_seconds_sum"] <= 0 || s[`revocation_delay_seconds_bucket{le="+Inf"}`] != s[count] {
		t.Errorf("the histogram does not add up: %v", s)
	}
}

func signInAndOut(t testing.TB, p *gatewaytest.Process) {
	t.Helper()
	c := p.Client(t)
	c.SignIn(gatewaytest.Ada)
	c.Post("/auth/logout").Want(t, http.StatusNoContent)
}

func TestMetricsFollowTheConfiguration(t *testing.T) {
	t.Parallel()
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Routes: gatewaytest.RoundRoutes(0)})
	signedIn := func(t *testing.T, want float64) {
		t.Helper()
		if got, ok := p.Scrape().Samples[signIns("users", "signed_in")]; !ok || got != want {
			t.Fatalf("%v sign-ins are told of; want %v", got, want)
		}
	}
	signInAndOut(t, p)
	signedIn(t, 1)
	t.Run("a reload counts anew", func(t *testing.T) {
		p.Site.Routes = gatewaytest.RoundRoutes(1)
		p.Reload()
		signedIn(t, 0)
		signInAndOut(t, p)
		signedIn(t, 1)
	})
	t.Run("a reload that was refused changes nothing", func(t *testing.T) {
		good := p.Site.Caddyfile(p.Server)
		for i, broken := range []string{
			strings.Replace(good, p.Users, p.Users+".missing", 1),
			strings.Replace(good, "sessions.db", "users.yaml/sessions.db", 1),
			strings.Replace(good, "bind 127.0.0.1", "bind 192.0.2.1", 1),
		} {
			if status, body := p.TryReload(broken); status < http.StatusBadRequest {
				t.Fatalf("it was taken: %d %s", status, body)
			}
			signInAndOut(t, p)
			signedIn(t, float64(2+i))
		}
	})
}

// What anybody may see who may see metrics: nothing of who was here, and
// nothing that grows with the number of people, hosts, paths or sessions.
func TestMetricsKeepTheRulesOfTheirNames(t *testing.T) {
	t.Parallel()
	p := gatewaytest.StartProcess(t, gatewaytest.Site{}.OnRedis(redistest.Start(t), gatewaytest.PresentSecret))
	c := p.Client(t)
	c.SignIn(gatewaytest.Ada)
	c.Get("/app?email="+gatewaytest.Ada).Want(t, http.StatusOK)
	c.Post("/auth/logout").Want(t, http.StatusNoContent)
	s := p.Scrape()
	if len(s.Types) < 10 {
		t.Fatalf("only %d families are told of", len(s.Types))
	}
	for name, kind := range s.Types {
		if counter := kind == "counter"; counter != strings.HasSuffix(name, "_total") {
			t.Errorf("%s is a %s: _total is for counters, and for them alone", name, kind)
		}
		if strings.Contains(name, "millis") || strings.HasSuffix(name, "_ms") {
			t.Errorf("%s is not in base units", name)
		}
		if s.Help[name] == "" {
			t.Errorf("%s says nothing of what it is", name)
		}
	}
	may := map[string][]string{
		"login": {"", "users"}, "decision": demand.OutcomeNames[:], "operation": observed.Names[:],
		"result":  {"signed_in", "refused", "throttled", "busy", "failed", "hit", "unknown", "miss", "joined", "built", "elsewhere", "unmapped", "ended"},
		"why":     streams.Reasons,
		"version": {caddymodule.Version}, "revision": {"unknown"}, "goversion": {runtime.Version()},
	}
	for sample := range s.Samples {
		for name, value := range gatewaytest.Labels(sample) {
			if name != "le" && !slices.Contains(may[name], value) {
				t.Errorf("%s: label %s may not be %q", sample, name, value)
			}
		}
	}
}

func TestTheReferenceTellsOfEveryMetric(t *testing.T) {
	t.Parallel()
	told := make(map[string]string)
	for _, row := range referenceOf(readReference(t)).rows("Metrics", "name") {
		told[strings.Trim(row[0], "`")] = row[1]
	}
	every := gatewaytest.EveryMetric(t).Families()
	if !maps.Equal(every, told) {
		t.Errorf("the gateway has %v\nthe reference has %v", every, told)
	}
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Options: "report_only"}.OnRedis(redistest.Start(t), gatewaytest.PresentSecret))
	delete(every, "caddy_sidegate_sessions") // of a store of the process's own
	if got := p.Scrape().Families(); !maps.Equal(got, every) {
		t.Errorf("a gateway has %v\nwant %v", got, every)
	}
}
