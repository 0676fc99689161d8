package caddymodule_test

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "example.com/sidegate/caddymodule"
	"example.com/sidegate/caddymodule/web/webtest"
	"example.com/sidegate/sessionstore"
)

// runAsCaddy makes the test binary a Caddy with our modules, so that tests can
// start, reload and kill real processes without building another binary.
const runAsCaddy = "SIDEGATE_TEST_RUN_AS_CADDY"

func TestMain(m *testing.M) {
	if os.Getenv(runAsCaddy) != "" {
		caddycmd.Main()
		return
	}
	os.Exit(m.Run())
}

// The people of the users file of the tests. Their hashes are cheap on purpose.
const (
	ada      = "ada@example.com"   // admin of acme, member of globex
	grace    = "grace@example.com" // viewer, no accounts
	linus    = "linus@example.com" // disabled
	password = "correct horse battery staple"
)

// The hash is argon2id of password with m=64,t=1,p=1.
const passwordHash = "$argon2id$v=19$m=64,t=1,p=1$c2lkZWdhdGUtdGVzdC1zYWx0$oTLkXkLUVwxfonMQa7fFoDmldh0ucNpBPQbDhn//lUc"

var usersFile = `users:
  - id: 1
    email: ada@example.com
    password: ` + passwordHash + `
    roles: [admin]
    permissions: [reports:run]
    accounts:
      - { accountId: acme, accountName: Acme Ltd, accountAdmin: true }
      - { accountId: globex, accountName: Globex }
    primaryAccount: acme
    createdBy: ops@example.com
    createdAt: 2024-01-02T03:04:05Z
  - id: 2
    email: grace@example.com
    password: ` + passwordHash + `
    roles: [viewer]
  - id: 3
    email: linus@example.com
    password: ` + passwordHash + `
    disabled: true
`

// sidegateOptions are the global options that tests begin with.
const sidegateOptions = `
	role admin {
		includes editor
		permissions users:write
	}
	role editor {
		permissions orders:read orders:write
	}
`

// server is a gateway under test, in this process or in one of its own.
type server struct {
	url   string // of the gateway, http://127.0.0.1:port
	users string // path of the users file
	dir   string // of its data
}

// site is what a test configures; the zero value will do.
type site struct {
	options  string // further lines of the sidegate block
	routes   string // lines of the site block; default: endpoints, auth, proxy
	upstream string // host:port to proxy to; default: a recorder of its own
	global   string // further global options
	dir      string // data directory; default: a new one
	cookie   string // lines of the cookie block; default: insecure
	admin    string // address of the admin endpoint; default: off
}

// caddyfile writes the whole configuration for one gateway at that port.
func (c site) caddyfile(s *server, port int) string {
	routes := c.routes
	if routes == "" {
		routes = "session_endpoints\nsession_auth\nreverse_proxy " + c.upstream
	}
	routes = strings.ReplaceAll(routes, "{upstream}", c.upstream)
	cookie := c.cookie
	if cookie == "" {
		cookie = "insecure"
	}
	return fmt.Sprintf(`{
	admin %s
	auto_https off
	persist_config off
	storage file_system %s
	%s
	sidegate {
		login users %s
		cookie {
			%s
		}
		%s
		%s
	}
}
http://127.0.0.1:%d {
	bind 127.0.0.1
	%s
}
`, cmp.Or(c.admin, "off"), filepath.Join(s.dir, "storage"), c.global, s.users, cookie, sidegateOptions, c.options, port, routes)
}

// prepare fills in the defaults and writes the users file.
func (c *site) prepare(t testing.TB) *server {
	t.Helper()
	if c.dir == "" {
		c.dir = t.TempDir()
	}
	if c.upstream == "" {
		c.upstream = strings.TrimPrefix(newRecorder(t).URL, "http://")
	}
	if !strings.Contains(c.options, "store ") {
		c.options += "\nstore embedded " + filepath.Join(c.dir, "sessions.db")
	}
	s := &server{users: filepath.Join(c.dir, "users.yaml"), dir: c.dir}
	if _, err := os.Stat(s.users); err != nil {
		write(t, s.users, usersFile)
	}
	return s
}

// start runs the gateway in this process until the test ends.
func start(t testing.TB, c site) *server {
	t.Helper()
	s := c.prepare(t)
	port := freePort(t)
	s.url = fmt.Sprintf("http://127.0.0.1:%d", port)
	load(t, c.caddyfile(s, port))
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Errorf("stopping: %v", err)
		}
	})
	return s
}

// load runs a Caddyfile in this process, in place of what runs there.
func load(t testing.TB, text string) {
	t.Helper()
	if err := caddy.Load(adapt(t, text), true); err != nil {
		t.Fatalf("loading: %v\n%s", err, text)
	}
}

func adapt(t testing.TB, text string) []byte {
	t.Helper()
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		t.Fatalf("adapting: %v\n%s", err, text)
	}
	return config
}

// client is a browser of sorts: it keeps cookies, follows no redirect, and has
// every answer of /auth/ checked against the OpenAPI document.
type client struct {
	t      testing.TB
	server *server
	cookie string // the session cookie as the server set it, name=value
	bearer string
}

func (s *server) client(t testing.TB) *client { return &client{t: t, server: s} }

// answer is a response with its body read.
type answer struct {
	*http.Response
	body string
}

func (a answer) decode(t testing.TB, target any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), target); err != nil {
		t.Fatalf("answer is no JSON: %v\n%s", err, a.body)
	}
}

// session reads the answer as a UserSession.
func (a answer) session(t testing.TB) sessionstore.UserSession {
	t.Helper()
	var u sessionstore.UserSession
	a.decode(t, &u)
	return u
}

// do sends a request; header holds pairs of names and values.
func (c *client) do(method, path, body string, header ...string) answer {
	c.t.Helper()
	a, err := c.try(context.Background(), method, path, body, header...)
	if err != nil {
		c.t.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// try is do where the request itself may fail: the gateway is killed, or the
// client goes away.
func (c *client) try(ctx context.Context, method, path, body string, header ...string) (answer, error) {
	c.t.Helper()
	req, err := http.NewRequestWithContext(ctx, method, c.server.url+path, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	if c.cookie != "" {
		req.Header.Set("Cookie", c.cookie)
	}
	if c.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+c.bearer)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	return c.exchange(req)
}

func (c *client) send(req *http.Request) answer {
	c.t.Helper()
	a, err := c.exchange(req)
	if err != nil {
		c.t.Fatalf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	return a
}

func (c *client) exchange(req *http.Request) (answer, error) {
	c.t.Helper()
	resp, err := noRedirects.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return answer{}, fmt.Errorf("reading the answer: %w", err)
	}
	if strings.HasPrefix(req.URL.Path, "/auth/") {
		webtest.Check(c.t, req, resp, body)
	}
	c.keepCookie(resp)
	return answer{resp, string(body)}, nil
}

var noRedirects = &http.Client{
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

func (c *client) keepCookie(resp *http.Response) {
	for _, set := range resp.Cookies() {
		if set.MaxAge < 0 {
			c.cookie = ""
		} else {
			c.cookie = set.Name + "=" + set.Value
		}
	}
}

func (c *client) get(path string, header ...string) answer {
	c.t.Helper()
	return c.do(http.MethodGet, path, "", header...)
}

func (c *client) post(path string, header ...string) answer {
	c.t.Helper()
	return c.do(http.MethodPost, path, "", header...)
}

// signIn signs in by JSON, as a program that keeps the cookie.
func (c *client) signIn(email string) sessionstore.UserSession {
	c.t.Helper()
	a := c.trySignIn(email, password)
	if a.StatusCode != http.StatusOK {
		c.t.Fatalf("sign-in of %s: %s %s", email, a.Status, a.body)
	}
	return a.session(c.t)
}

func (c *client) trySignIn(email, password string) answer {
	c.t.Helper()
	body, err := json.Marshal(map[string]string{"email": email, "password": password})
	if err != nil {
		c.t.Fatal(err)
	}
	return c.do(http.MethodPost, "/auth/login", string(body), "Content-Type", "application/json")
}

// signInByForm signs in as the login page does.
func (c *client) signInByForm(email, password, returnTo string) answer {
	c.t.Helper()
	form := url.Values{"email": {email}, "password": {password}, "return_to": {returnTo}}
	return c.do(http.MethodPost, "/auth/login", form.Encode(), "Content-Type", "application/x-www-form-urlencoded",
		"Sec-Fetch-Mode", "navigate", "Sec-Fetch-Site", "same-origin", "Accept", "text/html")
}

// want checks an answer's status.
func (a answer) want(t testing.TB, status int) answer {
	t.Helper()
	if a.StatusCode != status {
		t.Fatalf("%s %s: got %s, want %d\n%s", a.Request.Method, a.Request.URL.Path, a.Status, status, a.body)
	}
	return a
}

// recorder is an upstream that remembers the requests it got.
type recorder struct {
	*httptest.Server
	mu   sync.Mutex
	seen []*http.Request
}

func newRecorder(t testing.TB) *recorder {
	r := new(recorder)
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		req.Body = io.NopCloser(bytes.NewReader(body))
		r.mu.Lock()
		r.seen = append(r.seen, req)
		r.mu.Unlock()
		fmt.Fprintln(w, "upstream")
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *recorder) address() string { return strings.TrimPrefix(r.URL, "http://") }

// last returns the newest request that the upstream got, or nil.
func (r *recorder) last() *http.Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.seen) == 0 {
		return nil
	}
	return r.seen[len(r.seen)-1]
}

func (r *recorder) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.seen)
}

// freePort finds a port that nobody has, below those that the system gives to
// outgoing connections: one of them could take it before the gateway does.
func freePort(t testing.TB) int {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 12_000+rand.IntN(20_000)))
		if err != nil {
			continue
		}
		defer l.Close()
		return l.Addr().(*net.TCPAddr).Port
	}
	t.Fatal("no port is free")
	return 0
}

func write(t testing.TB, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
