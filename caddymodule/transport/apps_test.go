package transport_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// nodes is an app in Node: it echoes, and sends chunks with a trailer.
const nodes = `require('http').createServer((q, s) => {
	let body = 0
	q.on('data', d => { body += d.length })
	q.on('end', () => {
		if (q.method == 'HEAD') return s.end()
		s.writeHead(200, {'Content-Type': 'text/plain', 'Trailer': 'X-Sum'})
		s.write(q.method + ' ' + q.url + ' ')
		s.addTrailers({'X-Sum': String(body)})
		s.end(String(body))
	})
}).listen({port}, '127.0.0.1')`

// pythons is an app of Python's standard library, which speaks HTTP/1.0.
const pythons = `import http.server
class H(http.server.SimpleHTTPRequestHandler):
    def do_POST(self):
        n = len(self.rfile.read(int(self.headers['Content-Length'])))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'POST %d' % n)
    do_PUT = do_POST # an app that does not read what comes resets the connection
http.server.ThreadingHTTPServer(('127.0.0.1', {port}), H).serve_forever()`

// djangos is an app by Django's own server, which answers in a stream, too.
const djangos = `from django.conf import settings
settings.configure(SECRET_KEY='of a test', ROOT_URLCONF=__name__, ALLOWED_HOSTS=['*'])
from django.http import HttpResponse, StreamingHttpResponse
from django.urls import re_path
from django.core.management import execute_from_command_line
def answer(r):
    return HttpResponse('%s %s %d' % (r.method, r.get_full_path(), len(r.body)))
def stream(r):
    return StreamingHttpResponse('%d ' % i for i in range(2000))
urlpatterns = [re_path('^stream$', stream), re_path('', answer)]
execute_from_command_line(['app', 'runserver', '--noreload', '127.0.0.1:{port}'])`

// phps is an app for PHP's built-in server, which closes after each answer.
const phps = `<?php
if ($_SERVER['REQUEST_URI'] == '/stream') {
	for ($i = 0; $i < 2000; $i++) { echo "$i "; flush(); }
	return;
}
echo $_SERVER['REQUEST_METHOD'], ' ', $_SERVER['REQUEST_URI'], ' ', strlen(file_get_contents('php://input'));`

// apaches closes each connection after its third answer.
const apaches = `LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
User www-data
Group www-data
ServerName app.example.com
PidFile %[1]s/apache.pid
ErrorLog %[1]s/apache.log
DocumentRoot %[1]s
KeepAlive On
MaxKeepAliveRequests 3`

// realApp starts an app in the directory, and returns where it answers. Its port
// stands in an argument.
func realApp(t *testing.T, dir, program string, args ...string) (address string) {
	t.Helper()
	port := gatewaytest.FreePort(t)
	for i := range args {
		args[i] = strings.ReplaceAll(args[i], "{port}", strconv.Itoa(port))
	}
	var said gatewaytest.Output
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v: ./xcaddy.sh test installs it", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // which Apache tells its children
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s said:\n%s", program, said.String())
		}
	})
	address = fmt.Sprintf("127.0.0.1:%d", port)
	gatewaytest.Await(t, program+" answers", func() bool {
		resp, err := http.Get("http://" + address)
		if err == nil {
			resp.Body.Close()
		}
		return err == nil
	}, said.String)
	return address
}

// Each app is asked through both transports, many times over the same connections.
func TestRealAppsAnswerAsBehindTransportHTTP(t *testing.T) {
	dir := gatewaytest.BusyFolder(t)
	for name, content := range map[string]string{
		"file.txt": strings.Repeat("a file ", 30000), "app.php": phps, "apache.conf": fmt.Sprintf(apaches, dir),
	} {
		gatewaytest.WriteFile(t, filepath.Join(dir, name), content)
		if err := errors.Join(os.Chmod(filepath.Join(dir, name), 0o644), os.Chmod(dir, 0o755)); err != nil { // for Apache's user
			t.Fatal(err)
		}
	}
	apps := map[string]string{
		"python": realApp(t, dir, "python3", "-c", pythons),
		"node":   realApp(t, dir, "node", "-e", nodes),
		"django": realApp(t, dir, "/usr/bin/python3", "-c", djangos),
		"php":    realApp(t, dir, "php", "-S", "127.0.0.1:{port}", "app.php"),
		"apache": realApp(t, dir, "/usr/sbin/apache2", "-D", "FOREGROUND", "-f", dir+"/apache.conf", "-c", "Listen 127.0.0.1:{port}"),
	}
	var routes string
	for name, address := range apps {
		for _, transport := range []string{"http", "sidegate"} {
			routes += fmt.Sprintf("handle_path /%s/%s/* {\nreverse_proxy %s {\ntransport %[1]s\n}\n}\n", transport, name, address)
		}
	}
	c := gatewaytest.Start(t, gatewaytest.Site{Routes: routes}).Client(t)
	for name := range apps {
		for range 5 {
			answersAlike(t, c, name)
		}
	}
}

func answersAlike(t *testing.T, c *gatewaytest.Client, app string) {
	t.Helper()
	for _, r := range []struct{ method, path, body string }{
		{http.MethodGet, "/file.txt", ""},
		{http.MethodHead, "/file.txt", ""},
		{http.MethodGet, "/stream", ""},
		{http.MethodGet, "/none?a=b", ""},
		{http.MethodPost, "/", "a=b"},
		{http.MethodPost, "/", strings.Repeat("p", 300000)},
		{http.MethodPut, "/a%2Fb", strings.Repeat("p", 20000)},
		{http.MethodOptions, "/", ""},
	} {
		theirs := c.Do(r.method, "/http/"+app+r.path, r.body)
		ours := c.Do(r.method, "/sidegate/"+app+r.path, r.body)
		if ours.Body != theirs.Body || ours.StatusCode != theirs.StatusCode || ours.ContentLength != theirs.ContentLength ||
			!reflect.DeepEqual(ours.Trailer, theirs.Trailer) {
			t.Errorf("%s: %s %s with %d bytes: got %s %.200s; with transport http %s %.200s", app, r.method, r.path, len(r.body),
				ours.Status, ours.Body, theirs.Status, theirs.Body)
		}
		if ours.StatusCode == http.StatusBadGateway {
			t.Errorf("%s: %s %s: %s", app, r.method, r.path, ours.Status)
		}
	}
}
