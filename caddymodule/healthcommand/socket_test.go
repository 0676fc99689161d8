package healthcommand_test

import (
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// socket serves an admin endpoint's answers at a socket.
func socket(t *testing.T, answers map[string]string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "admin.sock")
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "unix", path)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { // #nosec G112 -- of the test
		said, ok := answers[r.URL.Path]
		if !ok {
			w.WriteHeader(http.StatusServiceUnavailable)
			said = `{"error":"the session store does not answer"}`
		}
		_, _ = w.Write([]byte(said))
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return "unix/" + path
}

func TestASocketIsAskedWhereThereIsNoCurl(t *testing.T) {
	at := socket(t, map[string]string{"/sidegate/ready": `{"status":"ready"}`, "/sidegate/config": `{"digest":"7c1d"}`})
	other := socket(t, map[string]string{"/sidegate/ready": "", "/sidegate/config": `{"apps":{}}`})
	for _, test := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"whether it is ready, unless something else is named", []string{at}, 0, `{"status":"ready"}`},
		{"whether it is ready", []string{at, "ready"}, 0, `{"status":"ready"}`},
		{"the digest", []string{at, "config"}, 0, "7c1d"},
		{"with a mode, as `admin` has it", []string{at + "|0220", "config"}, 0, "7c1d"},
		{"the reason of what it refuses", []string{at, "keys"}, 1, "the session store does not answer"},
		{"a blank 200 is no answer", []string{other}, 1, "no answer of a gateway"},
		{"nor is another's JSON", []string{other, "config"}, 1, "no answer of a gateway"},
		{"what nobody asks", []string{at, "sessions"}, 1, "say ready, config or keys"},
		{"nobody is there", []string{"unix//nowhere/admin.sock"}, 1, "is the gateway running"},
		{"no socket", []string{"unix/"}, 1, "give one such as unix//run"},
		{"a question to a session_health", []string{"http://127.0.0.1:8081/healthz", "keys"}, 1, "only a socket"},
	} {
		t.Run(test.name, func(t *testing.T) {
			said, code := gatewaytest.RunCaddy(t, t.TempDir(), append([]string{"sidegate-health"}, test.args...)...)
			if code != test.code || !strings.Contains(said, test.says) {
				t.Errorf("exits with %d and says %q; want %d and %q", code, said, test.code, test.says)
			}
		})
	}
}
