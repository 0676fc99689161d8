package transport_test

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// nodes is an app in Node: it echoes, and sends chunks with a trailer.
const nodes = `require('http').createServer((q, s) => {
	let body = 0
	q.on('data', d => { body += d.length })
	q.on('end', () => {
		s.writeHead(200, {'Content-Type': 'text/plain', 'Trailer': 'X-Sum'})
		s.write(q.method + ' ' + q.url + ' ')
		s.addTrailers({'X-Sum': String(body)})
		s.end(String(body))
	})
}).listen(%d, '127.0.0.1')`

// pythons is an app of Python's standard library, which speaks HTTP/1.0.
const pythons = `import http.server
class H(http.server.SimpleHTTPRequestHandler):
    def do_POST(self):
        n = len(self.rfile.read(int(self.headers['Content-Length'])))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'POST %%d' %% n)
http.server.ThreadingHTTPServer(('127.0.0.1', %d), H).serve_forever()`

// realApp starts an app in the directory, and returns where it answers.
func realApp(t *testing.T, dir, program, flag, text string) (address string) {
	t.Helper()
	port := gatewaytest.FreePort(t)
	cmd := exec.CommandContext(t.Context(), program, flag, fmt.Sprintf(text, port))
	cmd.Dir = dir
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	address = fmt.Sprintf("127.0.0.1:%d", port)
	gatewaytest.Await(t, "the app answers", func() bool {
		resp, err := http.Get("http://" + address)
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	})
	return address
}

func TestRealAppsAreReached(t *testing.T) {
	dir, text := t.TempDir(), strings.Repeat("a file ", 30000)
	if err := os.WriteFile(filepath.Join(dir, "file.txt"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	python := realApp(t, dir, "python3", "-c", pythons)
	node := realApp(t, dir, "node", "-e", nodes)
	s := gatewaytest.Start(t, gatewaytest.Site{Upstream: node, Routes: `
	handle_path /python/* {
		reverse_proxy ` + python + ` {
			transport sidegate
		}
	}
	reverse_proxy {upstream} {
		transport sidegate
	}`})
	c := s.Client(t)
	large := strings.Repeat("p", 300000)
	for range 20 {
		for _, want := range []struct{ method, path, body, answer string }{
			{http.MethodGet, "/python/file.txt", "", text},
			{http.MethodPost, "/python/", "a=b", "POST 3"},
			{http.MethodPost, "/python/", large, "POST 300000"},
			{http.MethodGet, "/a?b", "", "GET /a?b 0"},
			{http.MethodPost, "/a", "a=b", "POST /a 3"},
			{http.MethodPut, "/a", large, "PUT /a 300000"},
		} {
			if a := c.Do(want.method, want.path, want.body).Want(t, http.StatusOK); a.Body != want.answer {
				t.Errorf("%s %s: got %.100s", want.method, want.path, a.Body)
			}
		}
		c.Get("/python/none").Want(t, http.StatusNotFound)
		if a := c.Do(http.MethodHead, "/python/file.txt", ""); a.ContentLength != int64(len(text)) {
			t.Errorf("a HEAD says %d bytes", a.ContentLength)
		}
	}
}
