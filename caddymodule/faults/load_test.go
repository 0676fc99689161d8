package faults_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// crowd is how many people are signed in under a faultLoad.
const crowd = 20

// loadPatience is how long a caller waits for an answer. In the long form it is
// shorter than the longest fault, so that one that lasts is no excuse.
func loadPatience() time.Duration {
	if gatewaytest.Long() {
		return 20 * time.Second
	}
	return gatewaytest.Patience
}

// maxUnderWay bounds the requests under way; beyond it the load waits, as it
// does for a machine that is busy.
func maxUnderWay() int { return gatewaytest.Rounds(200, 2000) }

// faultLoad is requests at a steady rate, whatever becomes of those before:
// of people who are signed in, of somebody who is not, and of somebody who
// signed out before it began.
type faultLoad struct {
	t        *testing.T
	gateways []*gatewaytest.Process
	people   []*loadCaller
	pace     time.Duration
	tally    *tally
	// repeats is how often a request that had no answer is made again, at the
	// next gateway, as a load balancer does.
	repeats int
	// plain says that no module of ours is there: the caller sets the header
	// by which the upstream knows them.
	plain bool

	http   *http.Client
	cancel context.CancelFunc
	asking sync.WaitGroup
}

// loadCaller is one who makes requests; id is 0 for one who may not pass.
type loadCaller struct {
	id            int64
	cookie, token string
}

// loadSite is a site whose users file has the crowd and one more.
func loadSite(t *testing.T, options string) gatewaytest.Site {
	t.Helper()
	s := gatewaytest.Site{Dir: t.TempDir(), Upstream: gatewaytest.NewEcho(t).Address(), Options: options, Hasty: true}
	gatewaytest.WriteFile(t, filepath.Join(s.Dir, "users.yaml"), gatewaytest.UsersFileOf(crowd+1))
	return s
}

// newLoad signs the crowd in at the first of the gateways, and begins nothing.
func newLoad(t *testing.T, gateways ...*gatewaytest.Process) *faultLoad {
	t.Helper()
	l := &faultLoad{t: t, gateways: gateways, pace: 4 * time.Millisecond, tally: newTally()}
	for id := range crowd {
		l.people = append(l.people, callerOf(t, gateways[0].Server, id+1))
	}
	gone := callerOf(t, gateways[0].Server, crowd+1)
	gateways[0].With(t, gone.cookie, "").Post("/auth/logout").Want(t, http.StatusNoContent)
	l.people = append(l.people, &loadCaller{}, &loadCaller{cookie: gone.cookie, token: gone.token})
	return l
}

// callerOf signs somebody of usersFileOf in.
func callerOf(t *testing.T, s *gatewaytest.Server, id int) *loadCaller {
	t.Helper()
	c := s.Client(t)
	var a gatewaytest.Answer
	gatewaytest.Await(t, "somebody is signed in", func() bool { // which a busy machine may not do at once
		a = c.TrySignIn(gatewaytest.EmailOf(id), gatewaytest.Password)
		return a.StatusCode == http.StatusOK
	}, func() string { return a.Status + " " + a.Body })
	return &loadCaller{int64(id), c.Cookie, a.Session(t).Token}
}

// startLoad is newLoad that has begun, and has been right about everybody.
func startLoad(t *testing.T, gateways ...*gatewaytest.Process) *faultLoad {
	t.Helper()
	l := newLoad(t, gateways...)
	l.start()
	l.recovers()
	return l
}

func (l *faultLoad) start() {
	l.http = &http.Client{
		CheckRedirect: gatewaytest.NoRedirects.CheckRedirect,
		Timeout:       loadPatience(),
		Transport:     &http.Transport{MaxIdleConnsPerHost: maxUnderWay()},
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel = cancel
	l.asking.Go(func() { l.run(ctx) })
	l.t.Cleanup(l.stop)
}

func (l *faultLoad) run(ctx context.Context) {
	underWay := make(chan struct{}, maxUnderWay())
	tick := time.NewTicker(l.pace)
	defer tick.Stop()
	for i := 0; ctx.Err() == nil; i++ {
		underWay <- struct{}{}
		person, gateway := i%len(l.people), i/len(l.people)%len(l.gateways)
		l.asking.Go(func() {
			l.ask(person, gateway)
			<-underWay
		})
		<-tick.C
	}
}

// ask makes one request and notes what was answered.
func (l *faultLoad) ask(person, gateway int) {
	p, sent := l.people[person], time.Now()
	var v verdict
	for try := 0; ; try++ {
		v = p.ask(context.Background(), l.http, l.gateways[gateway].URL, l.plain)
		if v != unanswered && v != unreached || try == l.repeats {
			break
		}
		gateway = (gateway + 1) % len(l.gateways)
		l.tally.repeated[v].Add(1)
	}
	l.tally.note(asked{person, gateway}, v, sent)
}

// ask makes one request, to the app or for the session, by cookie or by token.
func (p *loadCaller) ask(ctx context.Context, client *http.Client, url string, plain bool) verdict {
	path := "/app"
	if !plain && rand.IntN(2) == 0 {
		path = "/auth/session"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url+path, nil)
	if err != nil {
		return odd
	}
	switch {
	case plain:
		req.Header.Set("X-Session-User-Id", fmt.Sprint(p.id))
	case p.cookie != "" && rand.IntN(2) == 0:
		req.Header.Set("Cookie", p.cookie)
	case p.token != "":
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	resp, err := client.Do(req)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return unreached
	case err != nil:
		return unanswered
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return torn
	}
	return p.judge(resp, body)
}

// judge says what an answer means for who asked. The echo's header, or the
// session that was read, says whom they were taken for.
func (p *loadCaller) judge(resp *http.Response, body []byte) verdict {
	takenFor, sets := resp.Header.Get("Seen-User"), len(resp.Header["Set-Cookie"]) > 0
	if resp.Request.URL.Path == "/auth/session" && resp.StatusCode == http.StatusOK {
		var u struct{ ID json.Number }
		if json.Unmarshal(body, &u) != nil {
			return odd
		}
		takenFor = u.ID.String()
	}
	switch status := resp.StatusCode; {
	case p.id == 0 && (status == http.StatusOK || takenFor != ""):
		return letIn
	case p.id == 0 && status == http.StatusUnauthorized:
		return refused
	case status == http.StatusOK && takenFor == fmt.Sprint(p.id):
		return right
	case takenFor != "" || status == http.StatusOK:
		return wrong
	case status == http.StatusUnauthorized, status == http.StatusSeeOther, sets:
		return signedOut // a cookie that is taken away is a sign-out too
	case status == http.StatusServiceUnavailable, status == http.StatusInternalServerError:
		return unavailable
	}
	return odd
}

// recovers waits until everybody who is signed in has been served by every
// gateway, with a request made from now on.
func (l *faultLoad) recovers() {
	l.t.Helper()
	since := time.Now()
	gatewaytest.Await(l.t, "everybody is served again", func() bool {
		for person, p := range l.people {
			for gateway := range l.gateways {
				if p.id != 0 && !l.tally.servedSince(asked{person, gateway}, since) {
					return false
				}
			}
		}
		return true
	}, l.tally.String)
}

// suffers waits until so many more requests were told to come again.
func (l *faultLoad) suffers(n int) {
	l.t.Helper()
	before := l.tally.count(unavailable)
	gatewaytest.Await(l.t, "the fault shows", func() bool { return l.tally.count(unavailable) >= before+n }, l.tally.String)
}

// passes waits until that much time has gone by under load.
func (l *faultLoad) passes(d time.Duration) {
	l.t.Helper()
	end := time.Now().Add(d)
	gatewaytest.Await(l.t, "time has passed", func() bool { return time.Now().After(end) })
}

func (l *faultLoad) stop() {
	l.cancel()
	l.asking.Wait()
	l.http.CloseIdleConnections()
}

// end demands that nobody was signed out, taken for somebody else, let in
// without a session or left without an answer.
func (l *faultLoad) end() {
	l.t.Helper()
	l.stop()
	for _, v := range []verdict{wrong, signedOut, letIn, unreached, unanswered, torn, odd} {
		if n := l.tally.count(v); n != 0 {
			l.t.Errorf("%d requests were %s; want none", n, v)
		}
	}
	if l.tally.count(right) == 0 || !l.plain && l.tally.count(refused) == 0 {
		l.t.Errorf("nobody was served, or nobody refused: %s", l.tally)
	}
}

// figure logs what a fault has cost, as a row of the table of faults.
func figure(t *testing.T, fault, done, format string, args ...any) {
	t.Helper()
	t.Logf("| %s | %s | %s |", fault, done, fmt.Sprintf(format, args...))
}
