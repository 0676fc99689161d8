package attacks_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// Each byte that comes puts the server's own deadline off: somebody who sends
// one now and then holds connection and gateway for as long as they like, and
// what they ask for is decided by a configuration that is long gone.
func TestABodyThatIsHeldBackIsNotWaitedForWithoutEnd(t *testing.T) {
	t.Parallel()
	p := gatewaytest.StartProcess(t, gatewaytest.Site{})
	address := strings.TrimPrefix(p.URL, "http://")
	var holding sync.WaitGroup
	for i := range 200 {
		holding.Go(func() {
			status, err := holdBack(address)
			if err != nil || status != http.StatusRequestTimeout {
				t.Errorf("request %d: %d, %v; want it to be answered with 408 and the connection to end", i, status, err)
			}
		})
	}
	holding.Wait()
	p.Client(t).SignIn(gatewaytest.Ada)
}

// holdBack sends a sign-in byte by byte, until it is answered and the
// connection ends.
func holdBack(address string) (status int, err error) {
	conn, err := net.DialTimeout("tcp", address, gatewaytest.Patience)
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(gatewaytest.Patience))
	fmt.Fprintf(conn, "POST /auth/login HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: 4000\r\n\r\n{", address)
	answered := make(chan struct{})
	go func() {
		for {
			select {
			case <-answered:
				return
			case <-time.After(500 * time.Millisecond):
				if _, err := conn.Write([]byte(" ")); err != nil {
					return
				}
			}
		}
	}()
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	close(answered)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return resp.StatusCode, err
	}
	if _, err = in.ReadByte(); err == nil {
		return resp.StatusCode, fmt.Errorf("the connection goes on")
	}
	return resp.StatusCode, nil // closed, or reset for what came too late
}
