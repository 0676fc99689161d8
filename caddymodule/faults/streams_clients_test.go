package faults_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/emptypb"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// opened is what a client has open.
type opened struct {
	name string // of the client
	path string
	app  *streamApp
	got  atomic.Int64 // what it was told, message by message
	end  chan string  // how it ended, as the client sees it
}

// What a client sees at the end, beside the status of a websocket.
const (
	cutOff = "cut off" // what it gets is not whole
	whole  = "whole"
)

// streamClient is a client of one kind of stream.
type streamClient struct {
	kind string // by which the app knows it
	ends string // what it sees where its session ends
	open func(t testing.TB, s *gatewaytest.Server, cookie string, o *opened)
}

const nodesSocket = "node's websocket"

// streamClients are real ones, by their names.
var streamClients = map[string]streamClient{
	"Go's websocket":   {"ws", "1008", openSocket},
	nodesSocket:        {"ws", "1008", openSocketOfNode},
	"an event stream":  {"events", cutOff, openAnswer},
	"a stream of gRPC": {"grpc", cutOff, openGRPC},
	"a long answer":    {"long", cutOff, openAnswer},
	"an upload":        {"upload", cutOff, openUpload},
}

// lastPath makes each path another one.
var lastPath atomic.Int64

// open has the client open a path of that area, and returns when bytes flow.
func (a *streamApp) open(t testing.TB, s *gatewaytest.Server, name, area, cookie string) *opened {
	t.Helper()
	o := a.prepare(name, area)
	streamClients[name].open(t, s, cookie, o)
	o.awaitBegin(t)
	return o
}

// prepare makes up a path of that area, for a client of that name.
func (a *streamApp) prepare(name, area string) *opened {
	path := fmt.Sprintf("/%s/%s/%d", area, streamClients[name].kind, lastPath.Add(1))
	return &opened{name: name, app: a, path: path, end: make(chan string, 1)}
}

// openAll has each kind of client open a path of that area. Those that are a process
// of their own are few.
func (a *streamApp) openAll(t testing.TB, s *gatewaytest.Server, area, cookie string) (all []*opened) {
	t.Helper()
	for name := range streamClients {
		if name == nodesSocket && area != "app" {
			continue
		}
		all = append(all, a.open(t, s, name, area, cookie))
	}
	return all
}

func (o *opened) awaitBegin(t testing.TB) {
	t.Helper()
	gatewaytest.Await(t, o.name+" has begun at "+o.path, func() bool {
		select {
		case end := <-o.end:
			t.Fatalf("%s at %s ended before it began: %s", o.name, o.path, end)
		default:
		}
		return o.began()
	})
}

func (o *opened) began() bool { return o.got.Load() > 0 || o.app.at(o.path).got.Load() > 0 }

// wantEnd waits until it has ended with its session at both sides.
func (o *opened) wantEnd(t testing.TB) {
	t.Helper()
	o.wantEndAs(t, streamClients[o.name].ends)
}

func (o *opened) wantEndAs(t testing.TB, want string) {
	t.Helper()
	select {
	case end := <-o.end:
		if !strings.HasPrefix(end, want) {
			t.Errorf("%s at %s ended with %q; want %q", o.name, o.path, end, want)
		}
	case <-time.After(gatewaytest.Patience):
		t.Errorf("%s at %s goes on", o.name, o.path)
		return
	}
	select {
	case <-o.app.at(o.path).ended:
	case <-time.After(gatewaytest.Patience):
		t.Errorf("%s at %s goes on at the app", o.name, o.path)
	}
}

// wantOpen demands that bytes flow still.
func (o *opened) wantOpen(t testing.TB) {
	t.Helper()
	s := o.app.at(o.path)
	got, sent := o.got.Load(), s.got.Load()
	select {
	case s.more <- struct{}{}:
	default:
	}
	gatewaytest.Await(t, o.name+" at "+o.path+" goes on", func() bool {
		select {
		case end := <-o.end:
			t.Fatalf("%s at %s was ended: %s", o.name, o.path, end)
		default:
		}
		return o.got.Load() > got || s.got.Load() > sent
	})
}

func openSocket(t testing.TB, s *gatewaytest.Server, cookie string, o *opened) {
	t.Helper()
	c, resp, err := websocket.DefaultDialer.DialContext(t.Context(), "ws://"+s.Address()+o.path, http.Header{"Cookie": {cookie}})
	if err != nil {
		t.Fatal(err, resp)
	}
	t.Cleanup(func() { _ = c.Close() })
	readSocket(c, o)
}

func readSocket(c *websocket.Conn, o *opened) {
	go func() {
		for {
			if _, _, err := c.ReadMessage(); err != nil {
				o.end <- strings.TrimPrefix(err.Error(), "websocket: close ")
				return
			}
			o.got.Add(1)
		}
	}()
}

const socketOfNode = `
const [url, cookie] = process.argv.slice(1)
const s = new (require("ws"))(url, {headers: cookie ? {cookie} : {}})
s.on("message", () => console.log("said"))
s.on("error", e => console.log("error " + e))
s.on("close", code => { console.log("closed " + code); process.exit() })`

func openSocketOfNode(t testing.TB, s *gatewaytest.Server, cookie string, o *opened) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "node", "-e", socketOfNode, "ws://"+s.Address()+o.path, cookie)
	cmd.Env = append(os.Environ(), "NODE_PATH=/usr/share/nodejs") // of Debian's package node-ws
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		end := ""
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if lines.Text() == "said" {
				o.got.Add(1)
				continue
			}
			end = strings.TrimPrefix(lines.Text(), "closed ")
		}
		_ = cmd.Wait() // it may be killed at the test's end
		o.end <- end
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-done
	})
}

// own is a client of HTTP with a connection of its own.
func own(t testing.TB) *http.Client {
	tr := &http.Transport{DisableKeepAlives: true}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr}
}

func openAnswer(t testing.TB, s *gatewaytest.Server, cookie string, o *opened) {
	t.Helper()
	resp, err := own(t).Do(request(t, http.MethodGet, s.URL+o.path, nil, cookie))
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != http.StatusOK {
		t.Fatal(o.path, resp.Status)
	}
	go func() {
		defer resp.Body.Close()
		in := bufio.NewReader(resp.Body)
		for {
			line, err := in.ReadString('\n')
			if line == "data: said\n" {
				o.got.Add(1)
			}
			if err != nil {
				o.end <- endOf(err)
				return
			}
		}
	}()
}

func endOf(err error) string {
	if errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return whole
	}
	return cutOff + ": " + err.Error()
}

func request(t testing.TB, method, url string, body io.Reader, cookie string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	return r
}

// openUpload sends a little again and again.
func openUpload(t testing.TB, s *gatewaytest.Server, cookie string, o *opened) {
	t.Helper()
	out, in := io.Pipe()
	go func() {
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for range tick.C {
			if _, err := in.Write([]byte("sent")); err != nil {
				return
			}
		}
	}()
	t.Cleanup(func() { _ = out.Close() })
	go func() {
		resp, err := own(t).Do(request(t, http.MethodPost, s.URL+o.path, out, cookie))
		if err != nil {
			o.end <- cutOff + ": " + err.Error()
			return
		}
		defer resp.Body.Close()
		o.end <- resp.Status
	}()
}

func openGRPC(t testing.TB, s *gatewaytest.Server, cookie string, o *opened) {
	t.Helper()
	c, err := grpc.NewClient("passthrough:///"+s.Address(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	if cookie != "" {
		ctx = metadata.AppendToOutgoingContext(ctx, "cookie", cookie)
	}
	stream, err := c.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, o.path)
	if err == nil {
		err = stream.SendMsg(new(emptypb.Empty))
	}
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			if err := stream.RecvMsg(new(emptypb.Empty)); err != nil {
				o.end <- endOf(err)
				return
			}
			o.got.Add(1)
		}
	}()
}
