package main

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Paths of the upstream.
const (
	appPath  = "/app"
	echoPath = "/echo"
)

// upstreamBody is a small page: what the proxy copies should not outweigh what
// the gateway does.
var upstreamBody = []byte(strings.Repeat("0123456789abcde\n", 16))

// upstream is the app behind the gateway. echoPath answers the request's
// header as JSON; every other path the same small page.
func upstream() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc(echoPath, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(r.Header) // the client may be gone
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(upstreamBody))}
		w.Header()["Content-Type"] = []string{"text/plain; charset=utf-8"}
		_, _ = w.Write(upstreamBody)
	})
	return mux
}

// serveUpstream serves the app on a TCP address and on a unix socket, until
// one of them fails.
func serveUpstream(address, socket string) error {
	server := &http.Server{Handler: upstream(), ReadHeaderTimeout: time.Minute}
	failed := make(chan error, 2)
	var config net.ListenConfig
	for network, at := range map[string]string{"tcp": address, "unix": socket} {
		l, err := config.Listen(context.Background(), network, at)
		if err != nil {
			return err
		}
		go func() { failed <- server.Serve(l) }()
	}
	err := <-failed
	return errors.Join(err, server.Close())
}
