package tracing_test

import (
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	sent "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"example.com/sidegate/caddymodule/gatewaytest"
)

func TestMain(m *testing.M) { gatewaytest.Main(m) }

// collected are the spans that a gateway has exported, as they came over the wire.
type collected struct {
	*httptest.Server
	mu    sync.Mutex
	spans map[string]*sent.Span // by id
}

func collect(t *testing.T) *collected {
	t.Helper()
	c := &collected{spans: make(map[string]*sent.Span)}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var request collector.ExportTraceServiceRequest
		if err != nil || proto.Unmarshal(body, &request) != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, resource := range request.GetResourceSpans() {
			for _, scope := range resource.GetScopeSpans() {
				for _, span := range scope.GetSpans() {
					c.spans[hex.EncodeToString(span.GetSpanId())] = span
				}
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// below are the spans of those attributes, as "name key=value ...", each with the
// name of the one that it is below.
func (c *collected) below() map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	told := make(map[string]string)
	for _, span := range c.spans {
		text := span.GetName()
		for _, a := range span.GetAttributes() {
			if strings.HasPrefix(a.GetKey(), "sidegate.") {
				text += " " + strings.TrimPrefix(a.GetKey(), "sidegate.") + "=" + a.GetValue().GetStringValue()
			}
		}
		if above := c.spans[hex.EncodeToString(span.GetParentSpanId())]; above != nil {
			told[text] = above.GetName()
		}
	}
	return told
}

// text is all that was exported.
func (c *collected) text() (all string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, span := range c.spans {
		if !strings.HasPrefix(span.GetName(), "the site") { // Caddy's, which names paths
			all += fmt.Sprintln(span)
		}
	}
	return all
}

// people answers for a directory, an app's login and a provider, and notes which
// of them were sent a trace.
type people struct {
	*httptest.Server
	mu     sync.Mutex
	traced []string
}

func newPeople(t *testing.T) *people {
	t.Helper()
	p := new(people)
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if r.Header.Get("Traceparent") != "" || r.Header.Get("Baggage") != "" {
			p.traced = append(p.traced, r.URL.Path)
		}
		switch {
		case r.URL.Path == "/directory":
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"teams": ["blue"]}`)
		case r.URL.Path == "/login":
			w.WriteHeader(http.StatusUnauthorized)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	t.Cleanup(p.Close)
	return p
}

func TestTracesShowWhatWasAskedOfOthers(t *testing.T) {
	t.Parallel()
	traces, asked := collect(t), newPeople(t)
	p := gatewaytest.NewProcess(t, gatewaytest.Site{
		Options: "login app legacy " + asked.URL + "/login {\ntrust_typed_email\nsuccess `login.status == 200`\n}\n" +
			"login oidc sso {\nissuer " + asked.URL + "/realm\nclient_id a\nclient_secret b\n}\n" +
			"directory http crm " + asked.URL + "/directory?e={identity.email}",
		Routes: "tracing {\nspan \"the site\"\n}\nsession_endpoints\nsession_auth\nreverse_proxy {upstream}",
	})
	cmd := gatewaytest.CaddyCommand(context.Background(), p.Dir, "run", "--adapter", "caddyfile", "--config", p.ConfigFile())
	cmd.Env = append(cmd.Environ(), "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "OTEL_EXPORTER_OTLP_ENDPOINT="+traces.URL, "OTEL_BSP_SCHEDULE_DELAY=10")
	p.Run(cmd)
	c := p.Client(t)
	c.SignIn(gatewaytest.Ada)
	c.Get("/app").Want(t, http.StatusOK)
	p.Client(t).TrySignIn("nobody@example.com", "a-long-password").Want(t, http.StatusUnauthorized)
	_ = p.Client(t).Get("/auth/login/sso")

	want := map[string]string{
		"session store create store=embedded operation=create result=ok": "the site",
		"session store get store=embedded operation=get result=ok":       "the site",
		"directory source=crm result=ok":                                 "the site",
		"login source=legacy result=ok":                                  "the site",
		"provider source=sso asked=discovery document result=ok":         "the site",
	}
	gatewaytest.Await(t, "every question is below the request that it was asked for", func() bool {
		told := traces.below()
		for span, above := range want {
			if told[span] != above {
				return false
			}
		}
		return true
	}, func() string {
		told := traces.below()
		var lines []string
		for _, span := range slices.Sorted(maps.Keys(told)) {
			lines = append(lines, span+" below "+told[span])
		}
		return strings.Join(lines, "\n")
	})
	t.Run("and say nothing of anybody", func(t *testing.T) {
		all := traces.text()
		for _, secret := range []string{gatewaytest.Ada, "nobody@example.com", gatewaytest.Password, "a-long-password", "/directory", "/realm", "blue"} {
			if strings.Contains(all, secret) {
				t.Errorf("spans have %q: %s", secret, all)
			}
		}
	})
	t.Run("and are no business of those who were asked", func(t *testing.T) {
		asked.mu.Lock()
		defer asked.mu.Unlock()
		if len(asked.traced) > 0 {
			t.Errorf("traces were sent to %q", asked.traced)
		}
	})
}
