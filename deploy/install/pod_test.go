package install_test

import (
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// asked is the answer to a request, by a host's name.
func asked(t *testing.T, port, host, path string, headers ...string) (status int, body string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://127.0.0.1:"+port+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Host = host
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(req)
	if err != nil {
		return 0, err.Error()
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestThePodStartsAndIsProbed(t *testing.T) {
	for _, overlay := range overlays {
		t.Run(overlay, func(t *testing.T) {
			p := newPod(t, overlay)
			var redis *program
			if overlay == "redis" {
				redis = p.startRedis()
			}
			start(t, p.container("app")).awaitLog("serving initial configuration")
			start(t, p.container("gateway")).awaitLog("serving initial configuration")
			p.holdsLoopback()
			gateway := p.pod.Containers[0]
			for says, probe := range map[string]probe{"": gateway.StartupProbe, `"answers"`: gateway.ReadinessProbe} {
				gatewaytest.Await(t, probe.HTTPGet.Path+" is 200", func() bool {
					status, body := asked(t, p.probes, "10.1.2.3:8081", probe.HTTPGet.Path)
					return status == http.StatusOK && strings.Contains(body, says)
				})
			}
			p.holdsSite()
			if redis == nil {
				return
			}
			// A restart mends no store, so the liveness probe asks nobody.
			redis.stop(os.Kill)
			gatewaytest.Await(t, "it is not ready without Redis", func() bool {
				status, _ := asked(t, p.probes, "10.1.2.3:8081", gateway.ReadinessProbe.HTTPGet.Path)
				return status == http.StatusServiceUnavailable
			})
			if status, _ := asked(t, p.probes, "10.1.2.3:8081", gateway.LivenessProbe.HTTPGet.Path); status != http.StatusOK {
				t.Errorf("without Redis it is not live: %d", status)
			}
		})
	}
}

// holdsLoopback wants the app at 127.0.0.1 alone, and the admin endpoint at its socket.
func (p *podRun) holdsLoopback() {
	p.t.Helper()
	for host, reached := range map[string]bool{"127.0.0.1": true, "127.0.0.2": false} {
		conn, err := (&net.Dialer{}).DialContext(p.t.Context(), "tcp", net.JoinHostPort(host, p.app))
		if (err == nil) != reached {
			p.t.Errorf("the app at %s: %v", host, err)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
	if _, err := os.Stat(p.file("run/admin.sock")); err != nil {
		p.t.Error(err)
	}
}

// holdsSite asks the site as a browser and as an ingress controller does.
func (p *podRun) holdsSite() {
	p.t.Helper()
	for _, test := range []struct {
		name, host, path string
		headers          []string
		status           int
	}{
		{"nobody's session", "app.example.com", "/auth/session", nil, 401},
		{"nobody's page", "app.example.com", "/", []string{"Sec-Fetch-Mode", "navigate", "Accept", "text/html"}, 303},
		{"nobody's claim to be ada", "app.example.com", "/orders", []string{"X-Session-Email", "ada@example.com"}, 401},
		{"a public path", "app.example.com", "/assets/x", nil, 200},
		{"ingress-nginx asks about nobody", "sidegate.default.svc.cluster.local:8080", "/auth/verify/site", []string{"X-Original-Url", "https://app.example.com/", "X-Original-Method", "GET"}, 401},
		{"ingress-nginx asks about a public path", "sidegate.default.svc.cluster.local:8080", "/auth/verify/site", []string{"X-Original-Url", "https://app.example.com/assets/x", "X-Original-Method", "GET"}, 204},
		{"another host, which is nobody's", "other.example.com", "/", nil, 421},
		{"the address of the pod", "10.1.2.3:8080", "/orders", nil, 421},
		{"a Gateway asks about nobody", "app.example.com", "/auth/verify/pages/orders", nil, 401},
		{"a Gateway asks about a public path", "app.example.com", "/auth/verify/pages/assets/x", nil, 200},
	} {
		if status, body := asked(p.t, p.site, test.host, test.path, test.headers...); status != test.status {
			p.t.Errorf("%s: %d %s, want %d", test.name, status, body, test.status)
		}
	}
	if _, body := asked(p.t, p.metrics, "10.1.2.3:9180", "/metrics"); !strings.Contains(body, "caddy_sidegate_build_info") {
		p.t.Errorf("the metrics are %s", body)
	}
}

// startRedis is one with the user that the manifests want.
func (p *podRun) startRedis() *program {
	p.t.Helper()
	p.folder("redis")
	cmd := command(p.t, "sh", "../docker/redis.sh", "--port", p.db, "--bind", "127.0.0.1", "--dir", p.file("redis"))
	p.write("redis.conf", replaced(p.t, read(p.t, "../docker/redis.conf"), "/run/redis", p.file("redis"), "\ndir /data", ""))
	cmd.Env = append(os.Environ(), "REDIS_PASSWORD_FILE="+p.file("secrets/redis_password"), "REDIS_RUN="+p.file("redis"), "REDIS_CONF="+p.file("redis.conf"))
	return start(p.t, cmd)
}

func TestThePodSaysWhatToDoWhenItDoesNotStart(t *testing.T) {
	for _, test := range []struct {
		name, overlay, says string
		spoil               func(*podRun)
	}{
		{"no secret", "embedded", "secrets/secret}: there is no such file: make it", func(p *podRun) { p.remove("secrets/secret") }},
		{"no password of Redis", "redis", "redis_password}: there is no such file: make it", func(p *podRun) { p.remove("secrets/redis_password") }},
		{"no users", "embedded", "make it with: { echo users:", func(p *podRun) { p.remove("secrets/users.yaml") }},
		{"no store.caddy", "embedded", "store.caddy", func(p *podRun) { p.remove("gateway/store.caddy") }},
		{"no configuration", "embedded", "make it, or say with --config where it is", func(p *podRun) { p.remove("gateway/Caddyfile") }},
		{"no folder for the admin socket", "embedded", "make the folder", func(p *podRun) { p.remove("run") }},
		{"a port in use", "redis", "already: stop it", func(p *podRun) {
			p.write("gateway/Caddyfile", strings.ReplaceAll(read(p.t, p.file("gateway/Caddyfile")), ":"+p.site+" {", ":"+takenPort(p.t)+" {"))
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := newPod(t, test.overlay)
			test.spoil(p)
			says := strings.ReplaceAll(test.says, "sidegate/secret}", p.file("secrets/secret")+"}")
			fails(t, p.container("gateway"), says)
		})
	}
}

func (p *podRun) remove(name string) {
	p.t.Helper()
	if err := os.RemoveAll(p.file(name)); err != nil {
		p.t.Fatal(err)
	}
}

// TestTheConfigurationsAreCleanAndFormatted: sidegate-check has no warning for what is
// shipped, and the formatter nothing to change.
func TestTheConfigurationsAreCleanAndFormatted(t *testing.T) {
	files, err := command(t, "git", "-C", top(t), "-c", "safe.directory=*", "ls-files", "--", "deploy/docker/*.caddy", "deploy/kubernetes/*.caddy", "deploy/systemd/*.caddy").Output()
	if err != nil || strings.Count(string(files), "\n") != 7 {
		t.Fatalf("%v: the configurations are %s", err, files)
	}
	for name := range strings.Lines(string(files)) {
		if said, code := gatewaytest.RunCaddy(t, t.TempDir(), "fmt", "--diff", top(t)+"/"+strings.TrimSpace(name)); code != 0 {
			t.Errorf("%s is not formatted:\n%s", name, said)
		}
	}
	for _, overlay := range overlays {
		p := newPod(t, overlay)
		clean(t, gatewaytest.CaddyCommand(t.Context(), p.dir, "sidegate-check", p.file("gateway/Caddyfile"), "--strict"))
	}
	s := newService(t)
	check := s.command("ExecStart")
	check.Args = []string{check.Args[0], "sidegate-check", s.file("etc/Caddyfile"), "--strict"}
	clean(t, check)
}

// A network that clients come from is none to trust: each of them would choose its own
// address. What is to be filled in is nobody's till then.
func TestWhatIsShippedTrustsNoNetworkThatClientsComeFrom(t *testing.T) {
	files, err := command(t, "git", "-C", top(t), "-c", "safe.directory=*", "grep", "-hE", `^\s*trusted_proxies static`, "--", "deploy", ":!*_test.go").Output()
	if err != nil || strings.Count(string(files), "\n") < 6 {
		t.Fatalf("%v: the lines are %s", err, files)
	}
	for line := range strings.Lines(string(files)) {
		for _, network := range strings.Fields(line)[2:] {
			if !strings.Contains(network, "/") {
				network += "/32"
			}
			prefix, err := netip.ParsePrefix(network)
			if err != nil || prefix.Bits() < 24 && !prefix.Addr().IsLoopback() {
				t.Errorf("%s: %s is no address of a proxy: %v", strings.TrimSpace(line), network, err)
			}
		}
	}
}

func clean(t *testing.T, check *exec.Cmd) {
	t.Helper()
	if said, err := check.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", check, err, said)
	}
}
