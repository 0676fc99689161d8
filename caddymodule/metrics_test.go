package caddymodule_test

import (
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis/redistest"
)

func signIns(login, result string) string {
	return `sign_ins_total{login="` + login + `",result="` + result + `"}`
}

func lookups(result string) string { return `near_cache_lookups_total{result="` + result + `"}` }

func TestMetricsCountWhatHappens(t *testing.T) {
	t.Parallel()
	p := startProcess(t, site{options: "cache 1h"})
	c := p.client(t)
	if before := p.scrape().counted(scraped{}); len(before) > 0 {
		t.Fatalf("before anything happens the counters are at %v", before)
	}
	for _, step := range []struct {
		name string
		do   func(t *testing.T)
		want map[string]float64
	}{
		{"a sign-in", func(*testing.T) { c.signIn(ada) }, map[string]float64{signIns("users", "signed_in"): 1}},
		{"three requests, of which the first asks the store", func(t *testing.T) {
			for range 3 {
				c.get("/app").want(t, http.StatusOK)
			}
		}, map[string]float64{lookups("miss"): 1, lookups("hit"): 2}},
		{"a request without a session", func(t *testing.T) {
			p.client(t).get("/app").want(t, http.StatusUnauthorized)
		}, nil},
		{"a wrong password", func(t *testing.T) {
			p.client(t).trySignIn(ada, "wrong").want(t, http.StatusUnauthorized)
		}, map[string]float64{signIns("users", "refused"): 1}},
		{"somebody who is disabled", func(t *testing.T) {
			p.client(t).trySignIn(linus, password).want(t, http.StatusUnauthorized)
		}, map[string]float64{signIns("users", "refused"): 1}},
		{"somebody whom no login knows", func(t *testing.T) {
			p.client(t).trySignIn("nobody@example.com", password).want(t, http.StatusUnauthorized)
		}, map[string]float64{signIns("", "refused"): 1}},
		{"guesses until the throttle stops them", func(t *testing.T) {
			for range 10 {
				p.client(t).trySignIn(grace, "wrong").want(t, http.StatusUnauthorized)
			}
			p.client(t).trySignIn(grace, password).want(t, http.StatusTooManyRequests)
		}, map[string]float64{signIns("users", "refused"): 10, signIns("", "throttled"): 1}},
		{"a body that is no attempt", func(t *testing.T) {
			p.client(t).do(http.MethodPost, "/auth/login", "{", "Content-Type", "application/json").want(t, http.StatusBadRequest)
		}, nil},
		{"a sign-out", func(t *testing.T) {
			c.post("/auth/logout").want(t, http.StatusNoContent)
		}, map[string]float64{"sign_outs_total": 1}},
		{"a sign-out of nobody", func(t *testing.T) {
			p.client(t).post("/auth/logout").want(t, http.StatusNoContent)
		}, nil},
		{"a sign-out of one device, and then of all others", func(t *testing.T) {
			here, there := p.client(t), p.client(t)
			here.signIn(ada)
			there.signIn(ada)
			for _, id := range here.devices() {
				if id != mustKey(t, here.cookie).ID() {
					here.do(http.MethodDelete, "/auth/sessions/"+id, "").want(t, http.StatusNoContent)
				}
			}
			here.do(http.MethodDelete, "/auth/sessions", "").want(t, http.StatusNoContent)
			here.post("/auth/logout").want(t, http.StatusNoContent)
		}, map[string]float64{signIns("users", "signed_in"): 2, "sign_outs_total": 3, lookups("miss"): 1, lookups("hit"): 2}},
	} {
		t.Run(step.name, func(t *testing.T) {
			before := p.scrape()
			step.do(t)
			if got := p.scrape().counted(before); !maps.Equal(got, step.want) {
				t.Errorf("counted %v; want %v", got, step.want)
			}
		})
	}
	t.Run("and what is held is a gauge", func(t *testing.T) {
		c.signIn(ada)
		c.get("/app").want(t, http.StatusOK)
		p.awaitSample("near_cache_entries", 1)
		c.post("/auth/logout").want(t, http.StatusNoContent)
		p.awaitSample("near_cache_entries", 0)
	})
}

// mustKey is the key of the session that a cookie names.
func mustKey(t testing.TB, cookie string) sessionstore.Key {
	t.Helper()
	_, value, _ := strings.Cut(cookie, "=")
	secret, err := sessionstore.ParseSecret(value)
	if err != nil {
		t.Fatal(err)
	}
	return secret.Key()
}

func TestMetricsOfAStoreInTrouble(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t, redistest.AppendOnly())
	s := onRedis(srv, presentSecret)
	s.options += "\ncache 50ms\nstale 1h\nidle_timeout 10s"
	p := startProcess(t, s)
	held, absent := p.client(t), p.client(t)
	held.signIn(ada)
	absent.signIn(grace)
	held.get("/app").want(t, http.StatusOK)
	srv.Kill()
	t.Run("a question without an answer is a failure of the store", func(t *testing.T) {
		before := p.scrape()
		absent.get("/app").want(t, http.StatusServiceUnavailable)
		absent.get("/auth/session").want(t, http.StatusInternalServerError)
		if got := p.scrape().counted(before)["store_failures_total"]; got != 2 {
			t.Errorf("%v failures were counted; want 2", got)
		}
	})
	t.Run("a sign-in that cannot be decided has failed", func(t *testing.T) {
		before := p.scrape()
		p.client(t).trySignIn(ada, password).want(t, http.StatusServiceUnavailable)
		got := p.scrape().counted(before)
		if got[signIns("", "failed")] != 1 || got["store_failures_total"] != 1 {
			t.Errorf("counted %v", got)
		}
	})
	t.Run("a sign-out that was not done is none", func(t *testing.T) {
		before := p.scrape()
		held.post("/auth/logout").want(t, http.StatusServiceUnavailable)
		if got := p.scrape().counted(before)["sign_outs_total"]; got != 0 {
			t.Errorf("%v sign-outs were counted", got)
		}
	})
	t.Run("who was changed meanwhile is in the backlog", func(t *testing.T) {
		people, err := os.ReadFile(p.users)
		if err != nil {
			t.Fatal(err)
		}
		write(t, p.users, strings.Replace(string(people), "roles: [viewer]", "disabled: true", 1))
		await(t, "grace and linus are to be signed out", func() bool { return p.scrape().samples["backlog_pending"] >= 1 })
	})
	srv.Restart()
	t.Run("and is signed out once the store is back", func(t *testing.T) {
		p.awaitSample("sessions_ended_by_login_total", 1)
		p.awaitSample("backlog_pending", 0)
		absent.get("/app").want(t, http.StatusUnauthorized)
	})
}

// Somebody is active while their session is served from memory alone.
func TestMetricsOfActivityThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t, redistest.AppendOnly())
	s := onRedis(srv, presentSecret)
	s.options += "\ncache 50ms\nstale 1h\nidle_timeout 10s"
	p := startProcess(t, s)
	c := p.client(t)
	c.signIn(ada)
	c.get("/app").want(t, http.StatusOK)
	before := p.scrape()
	srv.Kill()
	await(t, "activity waits to be written", func() bool {
		c.get("/app").want(t, http.StatusOK)
		return p.scrape().samples["activity_pending"] == 1
	})
	if got := p.scrape().counted(before)["near_cache_stale_total"]; got == 0 {
		t.Error("no session was counted as stale")
	}
	srv.Restart()
	p.awaitSample("activity_pending", 0)
}

func TestMetricsOfTheRevocationDelay(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	p := startProcess(t, onRedis(srv, presentSecret))
	const count = "revocation_delay_seconds_count"
	p.awaitListening(t)
	for range 5 {
		p.signInAndOut(t)
	}
	p.awaitSample(count, 5)
	s := p.scrape().samples
	if s["revocation_delay_seconds_sum"] <= 0 || s[`revocation_delay_seconds_bucket{le="+Inf"}`] != s[count] {
		t.Errorf("the histogram does not add up: %v", s)
	}
}

func (p *process) signInAndOut(t testing.TB) {
	t.Helper()
	c := p.client(t)
	c.signIn(ada)
	c.post("/auth/logout").want(t, http.StatusNoContent)
}

func TestMetricsFollowTheConfiguration(t *testing.T) {
	t.Parallel()
	p := startProcess(t, site{routes: roundRoutes(0)})
	signedIn := func(t *testing.T, want float64) {
		t.Helper()
		if got, ok := p.scrape().samples[signIns("users", "signed_in")]; !ok || got != want {
			t.Fatalf("%v sign-ins are told of; want %v", got, want)
		}
	}
	p.signInAndOut(t)
	signedIn(t, 1)
	t.Run("a reload counts anew", func(t *testing.T) {
		p.site.routes = roundRoutes(1)
		p.reload()
		signedIn(t, 0)
		p.signInAndOut(t)
		signedIn(t, 1)
	})
	t.Run("a reload that was refused changes nothing", func(t *testing.T) {
		good := p.site.caddyfile(p.server, p.port)
		for i, broken := range []string{
			strings.Replace(good, p.users, p.users+".missing", 1),
			strings.Replace(good, "sessions.db", "users.yaml/sessions.db", 1),
			strings.Replace(good, "bind 127.0.0.1", "bind 192.0.2.1", 1),
		} {
			if status, body := p.tryReload(broken); status < http.StatusBadRequest {
				t.Fatalf("it was taken: %d %s", status, body)
			}
			p.signInAndOut(t)
			signedIn(t, float64(2+i))
		}
	})
}

// What anybody may see who may see metrics: nothing of who was here, and
// nothing that grows with the number of people, hosts, paths or sessions.
func TestMetricsKeepTheRulesOfTheirNames(t *testing.T) {
	t.Parallel()
	p := startProcess(t, onRedis(redistest.Start(t), presentSecret))
	c := p.client(t)
	c.signIn(ada)
	c.get("/app?email="+ada).want(t, http.StatusOK)
	c.post("/auth/logout").want(t, http.StatusNoContent)
	s := p.scrape()
	if len(s.types) < 10 {
		t.Fatalf("only %d families are told of", len(s.types))
	}
	for name, kind := range s.types {
		if counter := kind == "counter"; counter != strings.HasSuffix(name, "_total") {
			t.Errorf("%s is a %s: _total is for counters, and for them alone", name, kind)
		}
		if strings.Contains(name, "millis") || strings.HasSuffix(name, "_ms") {
			t.Errorf("%s is not in base units", name)
		}
		if s.help[name] == "" {
			t.Errorf("%s says nothing of what it is", name)
		}
	}
	may := map[string][]string{
		"login":  {"", "users"},
		"result": {"signed_in", "refused", "throttled", "busy", "failed", "hit", "unknown", "miss", "joined", "built", "elsewhere", "ended"},
	}
	for sample := range s.samples {
		for name, value := range labels(sample) {
			if name != "le" && !slices.Contains(may[name], value) {
				t.Errorf("%s: label %s may not be %q", sample, name, value)
			}
		}
	}
}

func TestTheReferenceTellsOfEveryMetric(t *testing.T) {
	t.Parallel()
	reference, err := os.ReadFile("../deploy/REFERENCE.md")
	if err != nil {
		t.Fatal(err)
	}
	told := make(map[string]string)
	for line := range strings.SplitSeq(string(reference), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || !strings.HasPrefix(cells[1], " `"+metricsPrefix) {
			continue
		}
		name, _, _ := strings.Cut(strings.Trim(cells[1], " `"), "{")
		told[name] = strings.TrimSpace(cells[2])
	}
	p := startProcess(t, onRedis(redistest.Start(t), presentSecret))
	if got := p.scrape().types; !maps.Equal(got, told) {
		t.Errorf("the gateway has %v\nthe reference has %v", got, told)
	}
}
