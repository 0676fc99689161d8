package faults_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// soakCache is the `cache` of the soak: the bound on how long a gateway that has
// missed a message may still serve who has signed out at another.
const soakCache = 2 * time.Second

// soak is many people who come and go at one or two gateways: they sign in,
// work at either, ask for a refresh, go away in the middle of a request, sign
// out, and try what they had before.
type soak struct {
	t        *testing.T
	gateways []*gatewaytest.Process
	lifetime time.Duration
	http     *http.Client
	people   sync.WaitGroup
	over     atomic.Bool
	counts   [soaked]atomic.Int64
}

// What people do, and what must not happen to them.
const (
	atWork = iota
	cameIn
	askedAnew
	wentAway
	wentOut
	toldToWait
	unheard
	out       // somebody who is signed in was told otherwise
	stillIn   // somebody was served who had signed out
	asAnother // somebody was taken for somebody else
	soaked
)

func (s *soak) String() string {
	n := func(what int) int64 { return s.counts[what].Load() }
	return fmt.Sprintf("served %d, sign-ins %d, sign-outs %d, refreshes %d, went away %d, told to come again %d, no answer %d; "+
		"401s to people signed in: %d; let in after a sign-out: %d; wrong identities: %d",
		n(atWork), n(cameIn), n(wentOut), n(askedAnew), n(wentAway), n(toldToWait), n(unheard), n(out), n(stillIn), n(asAnother))
}

// soaking begins with that many people at gateways of that site.
func soaking(t *testing.T, site gatewaytest.Site, gateways int) *soak {
	t.Helper()
	count := gatewaytest.Rounds(20, 200)
	s := &soak{t: t, lifetime: 12 * time.Hour, http: &http.Client{
		CheckRedirect: gatewaytest.NoRedirects.CheckRedirect, Timeout: loadPatience(),
		Transport: &http.Transport{MaxIdleConnsPerHost: count},
	}}
	if gatewaytest.Long() {
		s.lifetime = 4 * time.Minute
	}
	site.Dir, site.Upstream = t.TempDir(), gatewaytest.NewEcho(t).Address()
	site.Options += fmt.Sprintf("\nlifetime %v\nidle_timeout 20s\ncache %v\n", s.lifetime, soakCache)
	site.Routes = gatewaytest.RoundRoutes(0)
	gatewaytest.WriteFile(t, filepath.Join(site.Dir, "users.yaml"), gatewaytest.UsersFileOf(count))
	for range gateways {
		s.gateways = append(s.gateways, gatewaytest.StartProcess(t, site))
	}
	for id := range count {
		p := &soaker{soak: s, id: id + 1}
		s.people.Go(p.live)
	}
	t.Cleanup(s.end)
	return s
}

// goesOn lets time pass, with a reload of each gateway in turn every now and
// then, and then sees to it that people are served.
func (s *soak) goesOn(d time.Duration) {
	s.t.Helper()
	end, before := time.Now().Add(d), s.counts[atWork].Load()
	for n := 0; time.Now().Before(end); n++ {
		p := s.gateways[n%len(s.gateways)]
		p.Site.Routes = gatewaytest.RoundRoutes(int(time.Now().UnixMilli()))
		p.Reload()
		s.passes(min(3*time.Second, time.Until(end)))
	}
	gatewaytest.Await(s.t, "people are served", func() bool { return s.counts[atWork].Load() > before+10 }, s.String)
}

// passes waits for so long, in which nobody need be served.
func (s *soak) passes(d time.Duration) {
	s.t.Helper()
	for end := time.Now().Add(d); time.Now().Before(end); {
		part := time.Now().Add(min(time.Until(end), time.Minute))
		gatewaytest.Await(s.t, "time has passed", func() bool { return time.Now().After(part) })
	}
}

func (s *soak) end() {
	s.over.Store(true)
	s.people.Wait()
	s.http.CloseIdleConnections()
}

// judge demands what must hold, whatever happened.
func (s *soak) judge(what string) {
	s.t.Helper()
	gatewaytest.Await(s.t, "people have done all that they may do", s.didAll, s.String)
	s.end()
	for _, never := range []int{out, stillIn, asAnother} {
		if s.counts[never].Load() != 0 {
			s.t.Errorf("it was to happen to nobody: %s", s)
			break
		}
	}
	figure(s.t, "soak, "+what, fmt.Sprintf("%d people, %d gateways", gatewaytest.Rounds(20, 200), len(s.gateways)), "%s", s)
}

// didAll reports whether there was some of everything.
func (s *soak) didAll() bool {
	for _, some := range []int{atWork, cameIn, wentOut, askedAnew, wentAway} {
		if s.counts[some].Load() == 0 {
			return false
		}
	}
	return true
}

// soaker is one of the people.
type soaker struct {
	soak   *soak
	id     int
	cookie string
	since  time.Time // was signed in
	left   bool      // has asked to be signed out, and was not told that it is done
	former []former
}

// former is a credential that was signed out.
type former struct {
	cookie string
	at     int       // the gateway that said so
	since  time.Time // when it had said so
}

func (p *soaker) live() {
	for !p.soak.over.Load() {
		p.step(rand.IntN(len(p.soak.gateways)), rand.IntN(20))
		p.soak.pause()
	}
}

// pause is between two things that somebody does.
func (s *soak) pause() {
	t := time.NewTimer(time.Duration(200+rand.IntN(1000)) * time.Millisecond)
	defer t.Stop()
	<-t.C
}

// step is what somebody does next.
func (p *soaker) step(gateway, what int) {
	switch {
	case p.left:
		p.signOut(gateway)
	case p.cookie != "" && time.Since(p.since) > p.soak.lifetime-10*time.Second:
		p.cookie = "" // it ends by itself about now
	case p.cookie == "":
		p.signIn(gateway)
	case what == 0:
		p.left = true
	case what <= 2:
		p.work(gateway, http.MethodPost, "/auth/refresh", askedAnew)
	case what == 3:
		p.goAway(gateway)
	case what <= 5:
		p.tryFormer(gateway)
	case what <= 8:
		p.work(gateway, http.MethodGet, "/auth/session", atWork)
	default:
		p.work(gateway, http.MethodGet, "/app", atWork)
	}
}

// ask makes a request; status 0 is no answer.
func (p *soaker) ask(ctx context.Context, gateway int, method, path, cookie, body string) (status int, header http.Header, text string) {
	req, err := http.NewRequestWithContext(ctx, method, p.soak.gateways[gateway].URL+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, ""
	}
	req.Header.Set("Content-Type", gatewaytest.AsJSON)
	if cookie != "" {
		req.Header.Set("Cookie", cookie)
	}
	resp, err := p.soak.http.Do(req)
	if err != nil {
		return 0, nil, ""
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, ""
	}
	return resp.StatusCode, resp.Header, string(answer)
}

// missed counts what was no answer, or told to come again.
func (p *soaker) missed(status int) {
	if status == 0 {
		p.soak.counts[unheard].Add(1)
		return
	}
	p.soak.counts[toldToWait].Add(1)
}

func (p *soaker) signIn(gateway int) {
	body := fmt.Sprintf(`{"email":%q,"password":%q}`, gatewaytest.EmailOf(p.id), gatewaytest.Password)
	status, header, _ := p.ask(context.Background(), gateway, http.MethodPost, "/auth/login", "", body)
	if status != http.StatusOK {
		p.missed(status)
		return
	}
	p.cookie, _, _ = strings.Cut(header.Get("Set-Cookie"), ";")
	p.since = time.Now()
	p.soak.counts[cameIn].Add(1)
}

func (p *soaker) signOut(gateway int) {
	status, _, _ := p.ask(context.Background(), gateway, http.MethodPost, "/auth/logout", p.cookie, "")
	if status != http.StatusNoContent {
		p.missed(status)
		return
	}
	p.soak.counts[wentOut].Add(1)
	p.former = append(p.former, former{p.cookie, gateway, time.Now()})
	p.cookie, p.left = "", false
}

// goAway is a request whose answer nobody waits for.
func (p *soaker) goAway(gateway int) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Duration(rand.IntN(3000))*time.Microsecond)
	defer cancel()
	path := []string{"/app", "/auth/session", "/auth/refresh"}[rand.IntN(3)]
	method := http.MethodGet
	if path == "/auth/refresh" {
		method = http.MethodPost
	}
	p.ask(ctx, gateway, method, path, p.cookie, "")
	p.soak.counts[wentAway].Add(1)
}

// work is a request of somebody who is signed in.
func (p *soaker) work(gateway int, method, path string, as int) {
	status, header, text := p.ask(context.Background(), gateway, method, path, p.cookie, "")
	switch {
	case status == http.StatusOK:
		p.soak.counts[as].Add(1)
		is := fmt.Sprintf(`"email":%q`, gatewaytest.EmailOf(p.id))
		if path == "/app" && header.Get("Seen-User") != fmt.Sprint(p.id) || path != "/app" && !strings.Contains(text, is) {
			p.soak.counts[asAnother].Add(1)
		}
	case status == http.StatusUnauthorized || status == http.StatusSeeOther:
		p.soak.counts[out].Add(1)
		p.soak.t.Errorf("%s: person %d, signed in %v ago, is answered with %d %s", path, p.id, time.Since(p.since), status, text)
		p.cookie = ""
	default:
		p.missed(status)
	}
}

// tryFormer presents a credential that was signed out: at the gateway that said
// so at once, at another one after the time that it may not have heard.
func (p *soaker) tryFormer(gateway int) {
	if len(p.former) == 0 {
		return
	}
	f := p.former[rand.IntN(len(p.former))]
	if gateway != f.at && time.Since(f.since) < soakCache+loadPatience()/10 {
		return
	}
	if status, _, _ := p.ask(context.Background(), gateway, http.MethodGet, "/app", f.cookie, ""); status == http.StatusOK {
		p.soak.counts[stillIn].Add(1)
		p.soak.t.Errorf("person %d, who signed out %v ago, is served", p.id, time.Since(f.since))
	}
}

// phase is how long each state of a soak lasts: longer than the idle timeout.
func phase() time.Duration { return time.Duration(gatewaytest.Rounds(1, 30)) * time.Second }

// Two gateways and a Redis that is full, hangs, and is killed and started again.
func TestSoakOnRedis(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t, redistest.AppendOnly(), redistest.Args("--maxmemory-policy", "noeviction"))
	inside := srv.Client()
	limit := func(memory string) {
		if err := inside.ConfigSet(t.Context(), "maxmemory", memory).Err(); err != nil {
			t.Fatal(err)
		}
	}
	site := gatewaytest.Site{Hasty: true}.OnRedis(srv, gatewaytest.PresentSecret)
	s := soaking(t, site, 2)
	s.goesOn(phase())
	goroutines := s.goroutines()
	limit("1")
	s.goesOn(phase())
	limit("0")
	s.goesOn(phase())
	srv.Pause()
	s.passes(phase())
	srv.Resume()
	s.goesOn(phase())
	srv.Kill()
	s.passes(phase())
	srv.Restart()
	s.goesOn(phase())
	s.judge("Redis that is full, hangs, and is killed")
	if !gatewaytest.Long() {
		return
	}
	s.passes(s.lifetime + 10*time.Second)
	left := func() string { return strings.Join(srv.Client().Keys(context.Background(), "*").Val(), " ") }
	gatewaytest.Await(t, "nothing of the sessions is left in Redis", func() bool { return !ofSessions(left()) }, left)
	s.wantGoroutines(goroutines)
	figure(t, "soak, after the lifetimes", "", "keys left in Redis: %q", left())
}

// ofSessions reports whether any of the keys is of sessions: theirs, a person's
// index, a link or a lease. What else there is does not grow with them: since
// when the gateways could write, and for 15 minutes who failed to sign in.
func ofSessions(keys string) bool {
	for key := range strings.FieldsSeq(keys) {
		for _, kind := range []string{":s:", ":u:", ":l:", ":h:"} {
			if strings.Contains(key, kind) {
				return true
			}
		}
	}
	return false
}

// goroutines are those of all gateways together.
func (s *soak) goroutines() (all int) {
	for _, p := range s.gateways {
		all += p.Usage().Goroutines
	}
	return all
}

// wantGoroutines demands that all that was begun has ended.
func (s *soak) wantGoroutines(before int) {
	s.t.Helper()
	gatewaytest.Await(s.t, "no more goroutines run than before", func() bool { return s.goroutines() <= before },
		func() string { return fmt.Sprint(s.goroutines(), " goroutines, and before there were ", before) })
	figure(s.t, "soak, after the lifetimes", "", "goroutines: %d; under load they were %d", s.goroutines(), before)
}
