package audit_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// collector is who is sent the audit log: it takes the connection, and reads nothing
// until it is let.
type collector struct {
	address string
	read    chan struct{}
	got     gatewaytest.Output
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	small := net.ListenConfig{Control: func(_, _ string, conn syscall.RawConn) (err error) {
		control := conn.Control(func(fd uintptr) { // what is sent on the way to it is soon full then
			err = errors.Join(syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_MAXSEG, 1024),
				syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_RCVBUF, 32<<10))
		})
		return errors.Join(err, control)
	}}
	l, err := small.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &collector{address: l.Addr().String(), read: make(chan struct{})}
	ended := t.Context()
	t.Cleanup(func() { _ = l.Close() }) // the test is over
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go c.serve(ended, conn)
		}
	}()
	return c
}

func (c *collector) serve(ended context.Context, conn net.Conn) {
	defer conn.Close()
	select {
	case <-c.read:
	case <-ended.Done():
		return
	}
	_, _ = io.Copy(&c.got, conn) // until the process ends
}

// sends are global options that send the audit log to the collector alone.
func (c *collector) sends() string {
	return "log default {\nexclude sidegate.audit\n}\nlog audit {\ninclude sidegate.audit\nformat json\noutput net " + c.address + "\n}"
}

// told is how much has happened as far as the collector was told, and how much of that
// was lost on the way.
func (c *collector) told(t *testing.T) (all, lost int) {
	t.Helper()
	for text := range strings.Lines(c.got.String()) {
		var l struct {
			Result string
			Count  int
			More   int `json:"more_since_last"`
		}
		switch err := json.Unmarshal([]byte(text), &l); {
		case err != nil && strings.HasSuffix(text, "\n"):
			t.Fatalf("the collector has %q", text)
		case err != nil: // it is still on its way
		case l.Result == "lines_lost":
			lost += l.Count
		default:
			all += 1 + l.More
		}
	}
	return all + lost, lost
}

// visit is a gateway whose collector reads nothing, and how much has happened there.
type visit struct {
	*gatewaytest.Process
	t        *testing.T
	happened int
}

// visits starts one. Caddy's admin endpoint is there before the configuration is.
func visits(t *testing.T, c *collector) *visit {
	t.Helper()
	v := &visit{Process: gatewaytest.StartProcess(t, gatewaytest.Site{Global: c.sends()}), t: t}
	gatewaytest.Await(t, "an operator can be answered", func() bool { return v.operator().Get("/sidegate/ready").StatusCode == http.StatusOK })
	return v
}

// ask demands an answer within gatewaytest.Patience.
func (v *visit) ask(c *gatewaytest.Client, status int, method, path, body string) {
	v.t.Helper()
	v.happened++
	ctx, cancel := context.WithTimeout(v.t.Context(), gatewaytest.Patience)
	defer cancel()
	a, err := c.Try(ctx, method, path, body, "Content-Type", gatewaytest.AsJSON)
	if err != nil {
		v.t.Fatalf("%s %s: %v", method, path, err)
	}
	a.Want(v.t, status)
}

func (v *visit) operator() *gatewaytest.Client {
	return (&gatewaytest.Server{URL: "http://" + v.Site.Admin}).Client(v.t)
}

// until has an operator end nobody's sessions, which is a line each time, until the log
// of the gateway says that.
func (v *visit) until(says string) {
	v.t.Helper()
	gatewaytest.Await(v.t, "the log says "+says, func() bool {
		for range 100 {
			v.ask(v.operator(), http.StatusOK, http.MethodDelete, "/sidegate/sessions?user=9", "")
		}
		return strings.Contains(v.Log.String(), says)
	})
}

// comesAndGoes has somebody come and go, and an operator end their other session.
func (v *visit) comesAndGoes() {
	v.t.Helper()
	ada, other, stranger := v.Client(v.t), v.Client(v.t), v.Client(v.t)
	signIn := func(password string) string {
		return fmt.Sprintf(`{"email":%q,"password":%q}`, gatewaytest.Ada, password)
	}
	v.ask(ada, http.StatusOK, http.MethodPost, "/auth/login", signIn(gatewaytest.Password))
	v.ask(other, http.StatusOK, http.MethodPost, "/auth/login", signIn(gatewaytest.Password))
	v.ask(stranger, http.StatusUnauthorized, http.MethodPost, "/auth/login", signIn("wrong"))
	v.ask(stranger, http.StatusUnauthorized, http.MethodGet, "/app", "")
	v.ask(ada, http.StatusNoContent, http.MethodPost, "/auth/logout", "")
	v.ask(v.operator(), http.StatusOK, http.MethodDelete, "/sidegate/sessions?user=1", "")
	v.WantDead(v.t, other.Cookie, "")
	v.happened++ // WantDead asks for a page
}

const (
	saysStalled = "the output of the audit log takes no lines"
	saysLost    = "lines of the audit log are lost: its output takes none, and too many wait"
	saysGivenUp = "lines of the audit log are lost: its output takes none, and the configuration ends"
)

// A collector that does not read keeps nobody from signing in and out, and no operator
// from ending sessions; when it reads again it has the lines, and how many are lost.
func TestACollectorThatStallsFreezesNothing(t *testing.T) {
	c := newCollector(t)
	v := visits(t, c)
	v.until(saysStalled)
	v.comesAndGoes()
	v.until(saysLost)
	v.comesAndGoes()
	counted := v.Scrape().Samples["audit_lines_lost_total"]
	if counted == 0 {
		t.Error("the metric tells of no line that is lost")
	}
	close(c.read)
	all, lost := 0, 0
	gatewaytest.Await(t, "the collector is told of what is lost", func() bool {
		all, lost = c.told(t)
		return lost > 0
	}, func() string { return fmt.Sprintf("%d lines, of %d that happened", all, v.happened) })
	v.Terminate() // so that nothing is withheld any more
	gatewaytest.Await(t, fmt.Sprintf("the collector knows of %d", v.happened), func() bool {
		all, lost = c.told(t)
		return all == v.happened
	}, func() string { return fmt.Sprintf("%d, of them %d lost", all, lost) })
	if float64(lost) != counted {
		t.Errorf("the collector is told of %d lines that are lost, and the metric of %v", lost, counted)
	}
}

// Neither the next configuration nor the end of the process waits for who reads the log.
func TestAProcessWhoseCollectorStallsIsReloadedAndEnds(t *testing.T) {
	c := newCollector(t)
	v := visits(t, c)
	v.until(saysLost)
	v.Site.Options += "\nlifetime 6h"
	v.Reload()
	v.comesAndGoes()
	v.Terminate()
	if said := v.Log.String(); !strings.Contains(said, saysGivenUp) {
		t.Error("nobody is told of the lines that were given up")
	}
}
