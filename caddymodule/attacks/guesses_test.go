package attacks_test

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// guesser signs in through a proxy on this machine, which has written down who it
// heard from behind what the client has made up.
type guesser struct {
	*testing.T
	gateways []*gatewaytest.Server // in turn
	attempts int
}

func (g *guesser) attempt(forwarded, email, password string) gatewaytest.Answer {
	g.Helper()
	s := g.gateways[g.attempts%len(g.gateways)]
	g.attempts++
	body := fmt.Sprintf(`{"email":%q,"password":%q}`, email, password)
	return s.Client(g.T).Do(http.MethodPost, "/auth/login", body, "Content-Type", gatewaytest.AsJSON, "X-Forwarded-For", forwarded)
}

// guesses counts the answers to wrong passwords.
func (g *guesser) guesses(n int, from, at func(i int) string) map[int]int {
	g.Helper()
	answers := make(map[int]int)
	for i := range n {
		answers[g.attempt(from(i), at(i), "wrong").StatusCode]++
	}
	return answers
}

func (g *guesser) want(answers map[int]int, looked, refused int) {
	g.Helper()
	if answers[http.StatusUnauthorized] != looked || answers[http.StatusTooManyRequests] != refused {
		g.Errorf("answers %v; want %d passwords looked at, and %d refused unseen", answers, looked, refused)
	}
}

func (g *guesser) signsIn(from, email string) {
	g.Helper()
	if got := g.attempt(from, email, gatewaytest.Password); got.StatusCode != http.StatusOK {
		g.Errorf("%s cannot sign in at %s: %s %s", email, from, got.Status, got.Body)
	}
}

func always(text string) func(int) string { return func(int) string { return text } }

// number is the text with the number of the guess in it.
func number(format string) func(int) string {
	return func(i int) string { return fmt.Sprintf(format, i/250, i%250+1) }
}

// The addresses and accounts of the tests.
var (
	anyAddress = number("198.18.%d.%d")
	madeUp     = number("198.18.%d.%d, 203.0.113.66")
	anybody    = number("nobody-%d-%d@example.com")
)

const (
	home  = "203.0.113.5"
	guest = "203.0.113.66"
)

const trusting = "servers {\ntrusted_proxies static 127.0.0.1/32\n}"

// The first of several addresses is the client's own word.
func TestGuessesAreCountedWhateverAClientSaysItsAddressIs(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Global: trusting, Options: "store memory\nlog_names"})
	g := &guesser{T: t, gateways: []*gatewaytest.Server{p.Server}}
	g.want(g.guesses(120, madeUp, always(gatewaytest.Ada)), 10, 110)
	g.attempt(madeUp(500), gatewaytest.Ada, gatewaytest.Password).Want(t, http.StatusTooManyRequests)
	g.signsIn(home, gatewaytest.Ada)
	g.want(g.guesses(120, madeUp, anybody), 90, 30)
	g.signsIn(home, gatewaytest.Grace)
	says(t, p, "is read from the right on this server", 1)
	g.isTold(p, madeUp(1), gatewaytest.Grace, `"account":"grace@example.com"`, `"client":"203.0.113.66"`, `"scope":"address"`)
	says(t, p, "none of trusted_proxies", 0)
}

// says waits for lines of the log.
func says(t *testing.T, p *gatewaytest.Process, message string, lines int) {
	t.Helper()
	told := func() int { return strings.Count(p.Log.String(), message) }
	gatewaytest.Await(t, "the log says: "+message, func() bool { return told() >= lines }, p.Log.String)
	if n := told(); n != lines {
		t.Errorf("the log says %d times: %s", n, message)
	}
}

// isTold has attempts refused until the log, which tells of one a second, says so
// with those fields.
func (g *guesser) isTold(p *gatewaytest.Process, from, email string, fields ...string) {
	g.Helper()
	gatewaytest.Await(g.T, "the log tells of it", func() bool {
		g.attempt(from, email, "wrong").Want(g.T, http.StatusTooManyRequests)
		for line := range strings.SplitSeq(p.Log.String(), "\n") {
			lacks := func(field string) bool { return !strings.Contains(line, field) }
			if strings.Contains(line, `"msg":"throttled"`) && !slices.ContainsFunc(fields, lacks) {
				return true
			}
		}
		return false
	}, p.Log.String)
}

// A proxy that nobody has named has one address for everybody: whoever used up
// its attempts would lock all others out.
func TestGuessesBehindAProxyThatIsNotTrustedLockNobodyElseOut(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{Options: "store memory\nlog_names\npublic_url https://app.example.com"})
	g := &guesser{T: t, gateways: []*gatewaytest.Server{p.Server}}
	g.want(g.guesses(120, always(guest), anybody), 100, 20)
	g.signsIn(home, gatewaytest.Ada)
	g.isTold(p, guest, gatewaytest.Ada, `"client":"127.0.0.1"`, `"forwarded_for":"203.0.113.66"`, `"scope":"address"`, `"account":"ada@example.com"`)
	t.Run("an account has a limit of its own, whatever is made up", func(t *testing.T) {
		g := &guesser{T: t, gateways: g.gateways}
		g.want(g.guesses(120, anyAddress, always(gatewaytest.Ada)), 10, 110)
		got := g.attempt(home, gatewaytest.Ada, gatewaytest.Password).Want(t, http.StatusTooManyRequests)
		if wait, err := strconv.Atoi(got.Header.Get("Retry-After")); err != nil || wait < 1 || wait > 120 {
			t.Errorf("Retry-After is %q, want what is left of 2 minutes", got.Header.Get("Retry-After"))
		}
		g.signsIn(home, gatewaytest.Grace)
		g.isTold(p, home, gatewaytest.Ada, `"account":"ada@example.com"`, `"scope":"account at the proxy"`)
	})
	t.Run("and there is an end to trying many", func(t *testing.T) {
		g := &guesser{T: t, gateways: g.gateways}
		if answers := g.guesses(2100, anyAddress, anybody); answers[http.StatusTooManyRequests] < 200 {
			t.Errorf("answers %v", answers)
		}
	})
	says(t, p, "none of trusted_proxies", 1)
}

// Who is connected directly and sends no such header is counted by address.
func TestAClientWithoutAProxyIsCountedByItsAddress(t *testing.T) {
	s := gatewaytest.Start(t, gatewaytest.Site{Options: "public_url https://app.example.com"})
	answers := make(map[int]int)
	for i := range 110 {
		answers[s.Client(t).TrySignIn(anybody(i), "wrong").StatusCode]++
	}
	(&guesser{T: t}).want(answers, 100, 10)
}

func TestGuessesAtTwoGatewaysLockNobodyOut(t *testing.T) {
	srv := redistest.Start(t)
	site := gatewaytest.Site{Global: trusting}.OnRedis(srv, gatewaytest.PresentSecret)
	p := gatewaytest.StartProcess(t, site)
	g := &guesser{T: t, gateways: []*gatewaytest.Server{p.Server, gatewaytest.StartProcess(t, site).Server}}
	t.Run("one address against many accounts", func(t *testing.T) {
		n := gatewaytest.Rounds(130, 1000)
		g.want(g.guesses(n, always(guest), anybody), 100, n-100)
		g.signsIn(home, gatewaytest.Ada)
		g.signsIn(home, gatewaytest.Ada) // at the other
		g.attempt(guest, gatewaytest.Grace, gatewaytest.Password).Want(t, http.StatusTooManyRequests)
	})
	t.Run("many addresses against one account", func(t *testing.T) {
		n := gatewaytest.Rounds(70, 1000)
		g.want(g.guesses(n, anyAddress, always(gatewaytest.Ada)), n, 0)
		again := g.guesses(4, always(anyAddress(n)), always(gatewaytest.Ada))
		g.want(again, 3, 1) // the account is under attack
		for range 2 {
			g.want(g.guesses(2, always(home), always(gatewaytest.Ada)), 2, 0) // they mistype it
			g.signsIn(home, gatewaytest.Ada)
		}
		g.signsIn("203.0.113.7", gatewaytest.Grace)
		gatewaytest.Await(t, "the log tells of it", func() bool {
			return strings.Contains(p.Log.String(), "an account is under attack")
		}, p.Log.String)
	})
}
