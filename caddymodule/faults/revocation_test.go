package faults_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

const (
	// watchers ask the other gateway without a pause.
	watchers = 2
	// afterwards is how often a watcher asks again once it was refused.
	afterwards = 5
)

// A sign-out at one gateway is asked for at the other all the while: how long
// is somebody let in there who has been told that they are signed out?
func TestRevocationDelay(t *testing.T) {
	for _, c := range []struct {
		name, cache string
		// late says whether a request may be let in that began after the
		// sign-out was acknowledged.
		late bool
	}{
		{"with near caches a sign-out is heard of, and holds", "cache 1h", true},
		{"without them nobody is let in after it", "cache off", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			srv := redistest.Start(t)
			s := gatewaytest.Site{}.OnRedis(srv, gatewaytest.PresentSecret)
			s.Options += "\n" + c.cache
			one, other := gatewaytest.StartProcess(t, s), gatewaytest.StartProcess(t, s)
			if c.late {
				one.AwaitListening(t)
				other.AwaitListening(t)
			}
			var all delays
			for n := gatewaytest.Rounds(30, 1000); n > 0 && all.unheard == 0; n-- {
				all.add(signOutWatched(t, one, other))
			}
			t.Logf("%s: %s", c.cache, &all)
			if all.unheard > 0 {
				t.Error("a sign-out was never heard of at the other gateway")
			}
			if all.late > 0 && !c.late {
				t.Errorf("%d requests were let in that began after the sign-out", all.late)
			}
			if all.risen > 0 {
				t.Errorf("%d sessions rose again after they were refused", all.risen)
			}
			if c.late {
				wantServedFromMemory(t, other, len(all.took))
				awaitMeasured(t, one, len(all.took))
			}
		})
	}
}

// wantServedFromMemory demands that the watchers were indeed answered from the
// near cache: what was not in it could not be late.
func wantServedFromMemory(t *testing.T, p *gatewaytest.Process, sessions int) {
	t.Helper()
	if hits := p.Scrape().Samples[gatewaytest.Lookups("hit")]; hits < float64(sessions) {
		t.Errorf("the near cache answered %v times, for %d sessions", hits, sessions)
	}
}

// awaitMeasured demands that the gateway has measured as many sign-outs itself,
// unless it lost its subscription on the way.
func awaitMeasured(t *testing.T, p *gatewaytest.Process, signOuts int) {
	t.Helper()
	const name = "revocation_delay_seconds"
	gatewaytest.Await(t, "every sign-out is measured", func() bool {
		s := p.Scrape().Samples
		return s[name+"_count"] == float64(signOuts) || s["near_cache_gaps_total"] > 1
	}, func() string { return fmt.Sprint(p.Scrape().Samples) })
	s := p.Scrape().Samples
	t.Logf("the gateway itself measured %.2f ms on average, from the sign-out's beginning on", 1000*s[name+"_sum"]/s[name+"_count"])
}

// watched is what one sign-out looked like from the other gateway.
type watched struct {
	took time.Duration // from its acknowledgement to the last request let in
	late int           // requests let in that began after it
	rose bool          // one was let in after another was refused
	// unheard says that a watcher was let in for as long as it asked.
	unheard bool
}

// delays gather what was watched.
type delays struct {
	took                 []time.Duration
	late, risen, unheard int
}

func (d *delays) add(w watched) {
	d.took = append(d.took, w.took)
	d.late += w.late
	if w.rose {
		d.risen++
	}
	if w.unheard {
		d.unheard++
	}
}

func (d *delays) String() string {
	slices.Sort(d.took)
	at := func(part float64) time.Duration {
		return d.took[int(part*float64(len(d.took)-1))].Round(10 * time.Microsecond)
	}
	return fmt.Sprintf("%d sign-outs, last request let in after the acknowledgement: p50 %v, p99 %v, max %v; "+
		"requests begun after it and let in: %d; never heard of: %d; risen again: %d",
		len(d.took), at(0.5), at(0.99), at(1), d.late, d.unheard, d.risen)
}

// look is one request of a watcher.
type look struct {
	began, ended time.Time
	letIn        bool
}

// signOutWatched signs somebody in and out at one gateway while watchers ask
// the other, each until it is refused and some more.
func signOutWatched(t *testing.T, one, other *gatewaytest.Process) watched {
	t.Helper()
	c := one.Client(t)
	c.SignIn(gatewaytest.Ada)
	ctx, cancel := context.WithTimeout(t.Context(), gatewaytest.Patience)
	defer cancel()
	var watching, warm sync.WaitGroup
	seen := make([][]look, watchers)
	for i := range watchers {
		warm.Add(1)
		there := other.With(t, c.Cookie, "")
		watching.Go(func() { seen[i] = watch(ctx, there, warm.Done) })
	}
	warm.Wait()
	c.Post("/auth/logout").Want(t, http.StatusNoContent)
	acknowledged := time.Now()
	watching.Wait()
	var w watched
	for _, looks := range seen {
		w.judge(looks, acknowledged)
	}
	return w
}

// watch asks until it is refused, and then afterwards times more. It calls
// warm once it was let in twice, so that the session is in the near cache.
func watch(ctx context.Context, c *gatewaytest.Client, warm func()) []look {
	var looks []look
	ready := sync.OnceFunc(warm)
	defer ready()
	for refused := 0; refused <= afterwards && ctx.Err() == nil; {
		began := time.Now()
		a, err := c.Try(ctx, http.MethodGet, "/app", "")
		if err != nil {
			if ctx.Err() == nil {
				c.T.Errorf("asking the other gateway: %v", err)
			}
			return looks
		}
		looks = append(looks, look{began, time.Now(), a.StatusCode == http.StatusOK})
		switch {
		case a.StatusCode == http.StatusUnauthorized:
			refused++
		case a.StatusCode != http.StatusOK:
			c.T.Errorf("the other gateway answers %s", a.Status)
		case len(looks) == 2:
			ready()
		}
	}
	return looks
}

func (w *watched) judge(looks []look, acknowledged time.Time) {
	refused := false
	defer func() { w.unheard = w.unheard || !refused }()
	for _, l := range looks {
		if !l.letIn {
			refused = true
			continue
		}
		w.rose = w.rose || refused
		w.took = max(w.took, l.ended.Sub(acknowledged))
		if l.began.After(acknowledged) {
			w.late++
		}
	}
}

// The judge itself is tested: one who finds nothing proves nothing.
func TestTheJudgeOfSignOuts(t *testing.T) {
	noon := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	at := func(began, ended int, letIn bool) look {
		return look{noon.Add(time.Duration(began) * time.Millisecond), noon.Add(time.Duration(ended) * time.Millisecond), letIn}
	}
	for _, c := range []struct {
		name  string
		looks []look
		want  watched
	}{
		{"all before", []look{at(-2, -1, true), at(1, 2, false)}, watched{}},
		{"one under way", []look{at(-2, 1, true), at(1, 2, false)}, watched{took: time.Millisecond}},
		{"one that began after", []look{at(-2, 1, true), at(2, 4, true), at(5, 6, false)}, watched{took: 4 * time.Millisecond, late: 1}},
		{"one that is let in for ever", []look{at(-2, -1, true), at(1, 2, true)}, watched{took: 2 * time.Millisecond, late: 1, unheard: true}},
		{"one that rose again", []look{at(1, 2, false), at(3, 4, true)}, watched{took: 4 * time.Millisecond, late: 1, rose: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var w watched
			if w.judge(c.looks, noon); w != c.want {
				t.Errorf("judged %+v; want %+v", w, c.want)
			}
		})
	}
}
