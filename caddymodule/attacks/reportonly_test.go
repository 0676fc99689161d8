package attacks_test

import (
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

const demanding = `
	session_endpoints
	handle /guarded/* {
		session_auth {
			REPORT
			permission orders:write
		}
		respond ok
	}
	handle {
	session_auth {
		REPORT
		role admin viewer
		public /healthz /assets/*
		path /admin/* {
			role owner admin
		}
		path /admin/logo.png {
			public
		}
		path /orders/* {
			method not GET HEAD
			permission orders:write
		}
		path /accounts/* {
			account_admin
		}
		path /shop/* {
			optional
		}
	}
	respond ok
	}`

// replayed is one request of many.
type replayed struct {
	method, path, who string
	header            []string
}

var (
	replayedPaths = []string{
		"/", "/x", "/healthz", "/assets/a.css", "/assets/a%2Fb", "/assets/../admin", "/assets/..%2fadmin", "/ASSETS/a", "/admin", "/admin/x", "/admin/logo.png",
		"/Admin/x", "/x/..%2fadmin/x", "/orders", "/orders/7", "/orders/..%2forders/7", "/accounts/x", "/shop/x", "/shop/..%2fadmin/x", "/wiki/..;/admin",
		"/guarded/x", "/guarded/..%2fx", "/guarded%2fx", "/GUARDED/x", "/a?_method=DELETE",
	}
	replayedMethods = []string{"GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "FROB", "TRACE", "TRACK"}
	replayedPeople  = []string{"ada", "grace", "nobody", "ended", "made up", "bad token"}
	replayedHeaders = [][]string{
		nil, nil, nil, {"Accept", "text/html"}, {"Sec-Fetch-Mode", "navigate"}, {"X-Account-Id", "globex"}, {"X-Account-Id", "nobodys"},
		{"X-Account-Id", "acme", "X-Account-Id", "globex"}, {"X-Session-User-Id", "1"}, {"X-HTTP-Method-Override", "DELETE"},
		{"Origin", "https://evil.example", "Upgrade", "websocket", "Connection", "Upgrade"},
	}
)

// replays makes requests up, the same ones each time.
func replays(count int) (requests []replayed) {
	random := rand.New(rand.NewPCG(1, 2))
	for range count {
		requests = append(requests, replayed{
			replayedMethods[random.IntN(len(replayedMethods))], replayedPaths[random.IntN(len(replayedPaths))],
			replayedPeople[random.IntN(len(replayedPeople))], replayedHeaders[random.IntN(len(replayedHeaders))],
		})
	}
	return requests
}

// presented is what each of the people presents at a gateway.
func presented(t *testing.T, s *gatewaytest.Server) map[string][]string {
	t.Helper()
	ended := s.WithCookie(t, gatewaytest.Ada)
	cookie := ended.Cookie
	ended.Post("/auth/logout").Want(t, http.StatusNoContent)
	return map[string][]string{
		"ada": {"Cookie", s.WithCookie(t, gatewaytest.Ada).Cookie}, "grace": {"Cookie", s.WithCookie(t, gatewaytest.Grace).Cookie},
		"ended": {"Cookie", cookie}, "made up": {"Cookie", "sidegate=x"}, "bad token": {"Authorization", "Bearer x.y.z"},
	}
}

func (r *replayed) status(t *testing.T, s *gatewaytest.Server, people map[string][]string) int {
	t.Helper()
	return s.Client(t).Do(r.method, r.path, "", append(people[r.who], r.header...)...).StatusCode
}

// mayBeRefused tells of what is refused whatever is only reported: TRACE and TRACK,
// paths that are read in several ways before a matcher, websockets of other sites.
func (r *replayed) mayBeRefused() bool {
	return strings.HasPrefix(r.method, "TRA") || strings.ContainsAny(r.path, "%;") || strings.Contains(r.path, "..") ||
		slices.Contains(r.header, "https://evil.example")
}

// What is reported is what would have been done, or nobody could go by it.
func TestWhatIsOnlyReportedIsWhatWouldBeEnforced(t *testing.T) {
	requests := replays(gatewaytest.Rounds(2500, 100_000))
	enforcing := gatewaytest.StartProcess(t, gatewaytest.Site{Routes: strings.ReplaceAll(demanding, "REPORT\n", "\n")})
	people := presented(t, enforcing.Server)
	byStatus := make(map[int][]replayed)
	for _, r := range requests {
		status := r.status(t, enforcing.Server, people)
		byStatus[status] = append(byStatus[status], r)
	}
	if len(byStatus) < 6 {
		t.Fatalf("the requests have only answers %v", maps.Collect(maps.All(byStatus)))
	}
	reporting := gatewaytest.StartProcess(t, gatewaytest.Site{Routes: strings.ReplaceAll(demanding, "REPORT\n", "report_only\n")})
	people = presented(t, reporting.Server)
	for enforced, alike := range byStatus {
		before, passed := reporting.Scrape(), 0
		for _, r := range alike {
			if status := r.status(t, reporting.Server, people); status == http.StatusOK {
				passed++
			} else if status != enforced || !r.mayBeRefused() {
				t.Fatalf("%v is %d; enforced, it is %d", r, status, enforced)
			}
		}
		want := map[string]float64{}
		if passed > 0 {
			would := strconv.Itoa(enforced)
			if enforced == http.StatusOK {
				would = "pass"
			}
			want[`report_only_total{would="`+would+`"}`] = float64(passed)
		}
		got := reporting.Scrape().Counted(before)
		maps.DeleteFunc(got, func(sample string, _ float64) bool { return !strings.HasPrefix(sample, "report_only") })
		if !maps.Equal(got, want) || passed == 0 && enforced != http.StatusMethodNotAllowed {
			t.Errorf("%d requests are answered %d: %d passed, counted are %v", len(alike), enforced, passed, got)
		}
	}
}

// Which of many demands it is, is told by its line, and by its server where the
// configuration has none.
func TestWhatIsOnlyReportedIsToldWithTheLineOfWhoDemandsIt(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{
		Options: "policy staff {\nrole admin\nreport_only\n}",
		Routes:  "session_endpoints\nsession_auth /x/* {\npath /x/y/* {\nrole admin\nreport_only\n}\n}\nsession_auth /z/* {\nreport_only\n}\nrespond ok",
	})
	p.WithCookie(t, gatewaytest.Grace).Get("/x/y/z").Want(t, http.StatusOK)
	p.AwaitLog("would be refused, and passed", `"of":"session_auth (`, `"rule":"path /x/y/*: role admin"`, `"user_id":2`)
	p.Client(t).Get("/z/a").Want(t, http.StatusOK)
	p.AwaitLog(`"of":"session_auth (`, `"rule":"a session","method":"GET"`, `"path":"/z/a","more_since_last"`)
	p.WithCookie(t, gatewaytest.Grace).Get("/auth/verify/staff").Want(t, http.StatusNoContent)
	p.AwaitLog(`"of":"policy staff (`, `"rule":"role admin"`)
	if written := strings.Count(p.Log.String(), `"of":"session_auth","at":"`); written != 2 {
		t.Errorf("of what is only reported %d lines are told at start", written)
	}
}
