package faults_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/gorilla/websocket"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// streamApp is an app that keeps what it is asked for open. A path says what that
// is by its last part but one, and is asked for once.
type streamApp struct {
	t      testing.TB
	http   string // its address
	grpc   string // of what it serves of gRPC
	served sync.Map
}

// serving is what the app knows of one path.
type serving struct {
	more  chan struct{} // has it say more
	ended chan struct{}
	flood bool         // it says more and more by itself
	got   atomic.Int64 // bytes of an upload
	said  atomic.Int64 // what the app has said, of a flood
	last  int64        // what it had said when it was last looked at
	same  int          // how often that was the same
}

// stuck reports whether the app has said no more for a while.
func (s *serving) stuck() bool {
	const enough = 20 // looks
	said := s.said.Load()
	if s.same++; said != s.last || said == 0 {
		s.last, s.same = said, 0
	}
	return s.same > enough
}

func newStreamApp(t testing.TB) *streamApp {
	t.Helper()
	a := &streamApp{t: t}
	kinds := map[string]func(http.ResponseWriter, *http.Request, *serving){
		"ws": a.socket, "upload": a.upload,
		"events": a.answer, "long": a.answer,
	}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		parts := strings.Split(r.URL.Path, "/")
		kind, known := kinds[parts[max(0, len(parts)-2)]]
		if !known {
			fmt.Fprintln(w, "upstream")
			return
		}
		s := a.at(r.URL.Path)
		defer close(s.ended)
		kind(w, r, s)
	}))
	t.Cleanup(web.Close)
	a.http = strings.TrimPrefix(web.URL, "http://")
	a.serveGRPC(t)
	return a
}

func (a *streamApp) at(path string) *serving {
	s, _ := a.served.LoadOrStore(path, &serving{more: make(chan struct{}, 1), ended: make(chan struct{}), flood: strings.Contains(path, "/flood/")})
	return s.(*serving)
}

func (a *streamApp) socket(w http.ResponseWriter, r *http.Request, s *serving) {
	c, err := new(websocket.Upgrader).Upgrade(w, r, nil)
	if err != nil {
		a.t.Error(err)
		return
	}
	defer c.Close()
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for {
			if _, _, err := c.ReadMessage(); err != nil {
				return
			}
		}
	}()
	said := []byte("said")
	if s.flood {
		said = make([]byte, 64<<10)
	}
	speak(s, gone, func() error { return c.WriteMessage(websocket.BinaryMessage, said) })
}

func (*streamApp) answer(w http.ResponseWriter, r *http.Request, s *serving) {
	w.Header().Set("Content-Type", "text/plain")
	if strings.Contains(r.URL.Path, "/events/") {
		w.Header().Set("Content-Type", "text/event-stream")
	}
	said := "data: said\n\n"
	if s.flood {
		said = "data: " + strings.Repeat("x", 64<<10) + "\n\n"
	}
	speak(s, r.Context().Done(), func() error {
		if _, err := io.WriteString(w, said); err != nil {
			return err
		}
		return http.NewResponseController(w).Flush()
	})
}

// speak says something, and more each time that it is to, until the other side has
// gone.
func speak(s *serving, gone <-chan struct{}, say func() error) {
	for say() == nil {
		s.said.Add(1)
		if s.flood {
			continue
		}
		select {
		case <-s.more:
		case <-gone:
			return
		}
	}
}

func (*streamApp) upload(_ http.ResponseWriter, r *http.Request, s *serving) {
	_, _ = io.Copy(counting{&s.got}, r.Body)
}

// counting counts the bytes that are written to it.
type counting struct{ n *atomic.Int64 }

func (c counting) Write(p []byte) (int, error) {
	c.n.Add(int64(len(p)))
	return len(p), nil
}

// serveGRPC serves any method as a stream both ways.
func (a *streamApp) serveGRPC(t testing.TB) {
	t.Helper()
	srv := grpc.NewServer(grpc.UnknownServiceHandler(func(_ any, stream grpc.ServerStream) error {
		path, _ := grpc.MethodFromServerStream(stream)
		s := a.at(path)
		defer close(s.ended)
		speak(s, stream.Context().Done(), func() error { return stream.SendMsg(new(emptypb.Empty)) })
		return nil
	}))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a.grpc = l.Addr().String()
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = srv.Serve(l) // until Stop
	}()
	t.Cleanup(func() {
		srv.Stop()
		<-served
	})
}

// site is a gateway before the app. What is demanded hangs on the first part of the
// path; auth are further lines of its session_auth.
func (a *streamApp) site(auth string) gatewaytest.Site {
	return gatewaytest.Site{
		Upstream: a.http,
		Global:   "servers {\nprotocols h1 h2c\n}",
		Routes: `session_endpoints
			@kept path /kept/*
			@rest not path /kept/* /auth/*
			session_auth @kept {
				on_session_end keep
			}
			session_auth @rest {
				public /public/*
				path /admin/* {
					role admin
				}
				path /account/* {
					account_admin
				}
				` + auth + `
			}
			@grpc header Content-Type application/grpc*
			reverse_proxy @grpc h2c://` + a.grpc + `
			reverse_proxy {upstream}`,
	}
}
