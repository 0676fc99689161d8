package providertest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/deploy/providertest/legacy"
	"example.com/sidegate/deploy/providertest/provider"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// desk is the client that the gateways of these tests are at the provider.
var desk = provider.Client{ID: "desk", Secret: "the-secret-of-the-desk"}

// adaNumber is Ada's id where it is mapped from the provider's uid.
const adaNumber = 1001

// everySecond has each session built anew as often as may be.
const everySecond = "refresh_every 1s\n"

// pair is two gateways on one Redis, their provider, and the app behind them.
// What the provider calls groups are the roles of a session.
type pair struct {
	t        *testing.T
	redis    *redistest.Server
	provider *provider.Provider
	app      *legacy.App
	gateways []*gatewaytest.Process
}

// onlyFirst is a page for those who have the role that everybody begins with.
const onlyFirst = "/first"

func startPair(t *testing.T, options string, loginLines ...string) *pair {
	t.Helper()
	return startPairOn(t, redistest.Start(t), options, loginLines...)
}

func startPairOn(t *testing.T, srv *redistest.Server, options string, loginLines ...string) *pair {
	t.Helper()
	w := &pair{
		t: t, redis: srv, provider: startProvider(t, provider.Config{Algorithm: "ES256"}), app: startLegacy(t),
	}
	if loginLines == nil {
		loginLines = []string{mapping("id", "token.uid", "roles", "token.groups")}
	}
	s := gatewaytest.Site{
		Options:  options + oidcLogin(t, "sso", w.provider, desk, append(loginLines, signInOptions)...),
		Routes:   "session_endpoints\n@first path " + onlyFirst + "\nsession_auth @first {\nrole first\n}\nsession_auth\nreverse_proxy {upstream}",
		Upstream: w.app.URL(),
		Hasty:    strings.Contains(options, "cache off"), // who asks for that has Redis hang
	}.OnRedis(w.redis, gatewaytest.PresentSecret)
	w.gateways = []*gatewaytest.Process{newGateway(t, s), newGateway(t, s)}
	register(w.provider, desk, "sso", w.gateways...)
	w.grant("first")
	for _, g := range w.gateways {
		g.Start()
	}
	return w
}

// grant changes Ada's entry at the provider: her groups, and what else is given
// in pairs of name and value.
func (w *pair) grant(group string, claims ...any) {
	person := provider.DemoPeople()[0]
	person.Claims["groups"] = []string{group}
	for i := 0; i < len(claims); i += 2 {
		person.Claims[claims[i].(string)] = claims[i+1]
	}
	w.provider.SetPerson(person)
}

// record is the person's one session as the store holds it.
func (w *pair) record(userID int64) *sessionstore.Session {
	w.t.Helper()
	sessions := recordsOf(w.t, w.redis, userID)
	if len(sessions) != 1 {
		w.t.Fatalf("there are %d sessions of %d; want 1", len(sessions), userID)
	}
	return sessions[0]
}

// recordsOf opens a person's sessions with the gateways' secret.
func recordsOf(t *testing.T, srv *redistest.Server, userID int64) []*sessionstore.Session {
	t.Helper()
	return gatewaytest.Records(t, srv, userID)
}

// caller is somebody who is signed in. It asks as scripts do: a session that
// is lost is a 401, not another way through the provider.
type caller struct {
	t      *testing.T
	client *http.Client
}

// signIn signs Ada in at the first gateway; the cookie is good at both.
func (w *pair) signIn() *caller { return signInAs(w.t, w.gateways[0], adaAddress) }

func signInAs(t *testing.T, g *gatewaytest.Process, email string) *caller {
	t.Helper()
	v := provider.NewVisitor(email)
	page, err := v.Visit(g.URL + "/")
	if err != nil {
		t.Fatal(err)
	}
	b := callerOf(t, v)
	if status := b.status(g); status != http.StatusOK {
		t.Fatalf("%s is not signed in (%d): %d at %s", email, status, page.Status, page.URL)
	}
	return b
}

// callerOf takes the visitor's cookies over, with as many connections as 50
// parallel requests need.
func callerOf(t *testing.T, v *provider.Visitor) *caller {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return &caller{t, &http.Client{
		Jar: v.Client.Jar, Transport: transport, Timeout: gatewaytest.Patience,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// do asks the gateway, in an API's words.
func (b *caller) do(ctx context.Context, method, address, body string, header ...string) (int, http.Header, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return 0, nil, nil, err
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, resp.Header, text, err
}

// must is do for what has an answer.
func (b *caller) must(method, address, body string, header ...string) (int, http.Header, []byte) {
	b.t.Helper()
	status, h, text, err := b.do(b.t.Context(), method, address, body, header...)
	if err != nil {
		b.t.Fatal(err)
	}
	return status, h, text
}

// page opens a page of the app, which is activity: a refresh that is due is
// set off by it.
func (b *caller) page(g *gatewaytest.Process) (status int, roles string) {
	b.t.Helper()
	status, _, body := b.must(http.MethodGet, g.URL+legacy.PublicPath, "")
	var shown legacy.Page
	if status == http.StatusOK {
		if err := json.Unmarshal(body, &shown); err != nil {
			b.t.Fatalf("no page of the app: %s", body)
		}
	}
	return status, shown.Header.Get("X-Session-Roles")
}

// session reads GET /auth/session, which is no activity.
func (b *caller) session(g *gatewaytest.Process) (status int, etag string, s sessionstore.UserSession) {
	b.t.Helper()
	status, h, body := b.must(http.MethodGet, g.URL+"/auth/session", "")
	if err := json.Unmarshal(body, &s); status == http.StatusOK && err != nil {
		b.t.Fatalf("no session: %s", body)
	}
	s.Token = ""
	return status, h.Get("ETag"), s
}

func (b *caller) status(g *gatewaytest.Process) int {
	b.t.Helper()
	status, _, _ := b.session(g)
	return status
}

// awaitRole goes on opening pages until they show the role, at every gateway.
// On the way the session must never be missing.
func (b *caller) awaitRole(role string, gateways ...*gatewaytest.Process) {
	b.t.Helper()
	for _, g := range gateways {
		gatewaytest.Await(b.t, "the role "+role+" shows at "+g.URL, func() bool {
			status, roles := b.page(g)
			if status != http.StatusOK {
				b.t.Fatalf("while waiting for the role %s: %d", role, status)
			}
			return roles == role
		})
	}
}

// awaitRefresh opens pages at the gateway until the provider is asked for a
// refresh.
func (b *caller) awaitRefresh(w *pair, at *gatewaytest.Process) {
	b.t.Helper()
	refreshes := w.provider.At(provider.Refresh)
	before := refreshes.Count()
	gatewaytest.Await(b.t, "there is a refresh", func() bool {
		if status, _ := b.page(at); status != http.StatusOK {
			b.t.Fatalf("while waiting for a refresh: %d", status)
		}
		return refreshes.Count() > before
	})
}

// awaitEnd goes on opening pages until the session is known to be gone, at
// every gateway.
func (b *caller) awaitEnd(gateways ...*gatewaytest.Process) {
	b.t.Helper()
	for _, g := range gateways {
		gatewaytest.Await(b.t, "the session has ended at "+g.URL, func() bool {
			status, _ := b.page(g)
			if status != http.StatusOK && status != http.StatusUnauthorized {
				b.t.Fatalf("while waiting for the end: %d", status)
			}
			return status == http.StatusUnauthorized
		})
	}
}

// wantNoReuse demands that every refresh token was presented once at the most,
// whoever of the gateways did it.
func (w *pair) wantNoReuse() {
	w.t.Helper()
	tally := w.provider.Tally()
	if tally.Reuses != 0 {
		w.t.Errorf("%d refresh tokens were presented again", tally.Reuses)
	}
	for _, calls := range tally.RefreshCalls {
		if calls != 1 {
			w.t.Errorf("a refresh token was presented %d times", calls)
		}
	}
}

// awaitRotations waits until so many refresh tokens were exchanged.
func (w *pair) awaitRotations(n int) {
	w.t.Helper()
	gatewaytest.Await(w.t, fmt.Sprintf("there were %d rotations", n), func() bool { return w.provider.Tally().Rotations >= n },
		func() string { return fmt.Sprint(w.provider.Tally().Rotations) })
}

// awaitLog waits until a gateway has said something.
func awaitLog(t *testing.T, g *gatewaytest.Process, what string) {
	t.Helper()
	gatewaytest.Await(t, "the log says "+what, func() bool { return strings.Contains(g.Log.String(), what) })
}

// What the log says of refreshes.
const (
	logTrouble = "a session could not be built anew"
	logEnded   = "session ended: its login no longer vouches for the person"
)

// figure logs what was measured, as a row of a table.
func figure(t *testing.T, part, what, value string) {
	t.Helper()
	t.Logf("| %s | %s | %s |", part, what, value)
}
