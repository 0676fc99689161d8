package storecommand_test

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// A file that a gateway has is nobody else's, and which gateway that is cannot be told.
func TestAFileThatAnotherProcessHasIsLeftAlone(t *testing.T) {
	p := gatewaytest.NewProcess(t, gatewaytest.Site{})
	p.Site.Admin = "off"
	p.Start()
	ada := p.WithCookie(t, gatewaytest.Ada)
	folder := filepath.Join(t.TempDir(), "monday")
	for _, words := range [][]string{{"check"}, {"compact"}, {"backup", folder}} {
		said := fails(t, p, []string{"another process has", "sessions.db", "no gateway was asked", "--address", "--config", "stop it first"}, words...)
		if strings.Contains(said, "the one that was asked") {
			t.Errorf("nobody was asked: %s", said)
		}
	}
	wantNothing(t, folder)
	ada.Get("/auth/session").Want(t, http.StatusOK)
	p.Terminate()
	run(t, p, 0, "backup", folder)
	run(t, p, 0, "check", folder)
}

// With the admin endpoint off nobody is asked, whoever listens at Caddy's default.
func TestWhereTheEndpointIsOffNobodyIsAsked(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{})
	p.Terminate()
	other := answering(t, http.NotFound)
	t.Setenv("CADDY_ADMIN", other)
	p.Site.Admin = "off"
	run(t, p, 0, "check")
	p.Site.Admin = other
	fails(t, p, []string{other, "no Sidegate built in", "--address off"}, "check")
	run(t, p, 0, "check", "--address", "off")
}

// answering is the address of an endpoint that answers so.
func answering(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func TestWhoRefusesIsToldApart(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{})
	p.WithCookie(t, gatewaytest.Ada)
	p.Terminate()
	load := func(text string) func(t *testing.T) string {
		return func(t *testing.T) string {
			address := fmt.Sprintf("127.0.0.1:%d", gatewaytest.FreePort(t))
			gatewaytest.Load(t, fmt.Sprintf(text, address))
			return address
		}
	}
	says := func(status int, text string) func(t *testing.T) string {
		return func(t *testing.T) string {
			return answering(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(status)
				_, _ = w.Write([]byte(text))
			})
		}
	}
	for _, c := range []struct {
		name string
		at   func(t *testing.T) string
		says []string
	}{
		{"an endpoint of other origins", load("{\nadmin %s {\norigins gateway.example.com\n}\npersist_config off\n}\n"),
			[]string{"refuses who asks", "origins", "access control"}},
		{"a Caddy without the app", load("{\nadmin %s\npersist_config off\n}\n"), []string{"is no gateway", "no sidegate app", "--address off"}},
		{"a gateway with another store", func(t *testing.T) string {
			site := gatewaytest.Site{Options: "store memory", Admin: fmt.Sprintf("127.0.0.1:%d", gatewaytest.FreePort(t))}
			gatewaytest.Start(t, site)
			return site.Admin
		}, []string{"the gateway at", "is no file (`store embedded`)", "BGSAVE"}},
		{"a Caddy without Sidegate, or another program", says(404, "404 page not found\n"), []string{"is no Caddy, or one that has no Sidegate built in", "--address"}},
		{"a proxy that has nobody behind it", says(502, "<html>\x1b[2J"), []string{"answers 502", "<html>\uFFFD[2J", "see Caddy's log"}},
		{"a gateway that cannot", says(503, `{"error":"no room: see whether there is room beside the file"}`), []string{"refuses: no room", "room beside the file"}},
		{"a gateway that says what strangers have said", says(503, `{"error":"no \u001b[2J\u0007\nroom"}`), []string{"refuses: no \uFFFD[2J\uFFFD\uFFFDroom"}},
		{"the site of a gateway", says(401, `{"error":"unauthorized"}`), []string{"is no gateway of this kind", "401, unauthorized", "--address"}},
		{"a server that answers anything", says(200, "{}"), []string{"what answers at", "is no gateway of this kind", "--address"}},
		{"a server of pages", says(200, "<html>"), []string{"what answers at", "is no gateway of this kind", "--address"}},
		{"what is no address", func(*testing.T) string { return "http://localhost:12019" }, []string{"no address of an admin endpoint", "localhost:2019"}},
		{"a range of ports", func(*testing.T) string { return "localhost:2019-2020" }, []string{"no address of an admin endpoint", "many ports"}},
		{"nobody", func(t *testing.T) string { return fmt.Sprintf("127.0.0.1:%d", gatewaytest.FreePort(t)) }, []string{"no gateway answers at", "--address off"}},
		{"no socket", func(*testing.T) string { return "unix//nonexistent/admin.sock" }, []string{"no gateway answers at", "--address off"}},
		{"somebody who speaks no HTTP", silent, []string{"gives no answer", "--address"}},
		{"an answer that breaks off", func(t *testing.T) string {
			return answering(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/octet-stream")
				_, _ = w.Write([]byte(`{"be`))
				_ = http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			})
		}, []string{"has broken off", "run the command again"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			at, folder := c.at(t), filepath.Join(t.TempDir(), "monday")
			for _, words := range [][]string{{"check"}, {"compact"}, {"backup", folder}} {
				fails(t, p, append(c.says, at), append(words, "--address", at)...)
			}
			wantNothing(t, folder)
		})
	}
	run(t, p, 0, "check") // nothing of that has touched it
}

func TestWhatIsBrokenIsNoCommandToTheTerminal(t *testing.T) {
	p := gatewaytest.NewProcess(t, gatewaytest.Site{})
	at := answering(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"bytes":1,"unused":0,"live":0,"ended":0,"otherSecret":0,"damaged":0,"newer":0,"broken":["page \u001b[2J\n1\u202e"]}`))
	})
	fails(t, p, []string{"broken: page \uFFFD[2J\uFFFD1\uFFFD\n", "the file is damaged"}, "check", "--address", at)
	if said := run(t, p, 1, "check", "--json", "--address", at); strings.ContainsAny(said, "\x1b\u202e") {
		t.Errorf("it says %q", said)
	}
}

// silent is who hangs up at once.
func silent(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.Close()
		}
	}()
	return l.Addr().String()
}

// Whoever stops a backup leaves nothing that is taken for one.
func TestABackupThatIsStoppedLeavesNothing(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{})
	p.Terminate()
	asked, done := make(chan bool, 1), make(chan struct{})
	at := answering(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write(make([]byte, 100_000))
		_ = http.NewResponseController(w).Flush()
		asked <- true
		<-r.Context().Done()
		close(done)
	})
	folder := filepath.Join(t.TempDir(), "monday")
	cmd := gatewaytest.CaddyCommand(t.Context(), p.Dir, "sidegate-store", "backup", folder, "--adapter", "caddyfile", "--config", p.ConfigFile(), "--address", at)
	var said gatewaytest.Output
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	<-asked
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // its state says how it ended
	<-done
	if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(said.String(), "Error: stopped before it was done") {
		t.Errorf("it ends with %v: %s", cmd.ProcessState, said.String())
	}
	wantNothing(t, folder)
}
