package faults_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// uploads are files of so many megabytes.
func uploads(t testing.TB, sizes ...int) map[int]string {
	t.Helper()
	dir, files := t.TempDir(), make(map[int]string)
	for _, size := range sizes {
		name := filepath.Join(dir, strconv.Itoa(size))
		if err := os.WriteFile(name, bytes.Repeat([]byte("x"), size*megabyte), 0o600); err != nil {
			t.Fatal(err)
		}
		files[size] = name
	}
	return files
}

// uploaded is how an upload ended: the status of the answer, and what a client says
// of a connection that broke, be it behind the status.
type uploaded struct {
	status int
	broke  string
}

// want is the answer, up to what is read of a body. Above, a client may find the
// connection closed.
func (u uploaded) want(t testing.TB, size, status int) {
	t.Helper()
	whole := u.status == status && u.broke == ""
	closed := u.broke != "" && (u.status == 0 || u.status == status)
	if whole || size > 32 && closed {
		return
	}
	t.Errorf("%d MB: got %d, %q; want %d", size, u.status, u.broke, status)
}

// uploaders are clients by name: each sends a file to a path of the base, with a
// line of a header. Root is the file of the CA, over TLS,
// where some speak HTTP/2; else empty.
func uploaders(base, root string) map[string]func(t testing.TB, file, path, header string) uploaded {
	curl := func(more ...string) func(t testing.TB, file, path, header string) uploaded {
		return func(t testing.TB, file, path, header string) uploaded {
			t.Helper()
			args := append([]string{"-sS", "-o", os.DevNull, "-w", "%{http_code}", "-X", "POST", "--data-binary", "@" + file}, more...)
			if header != "" {
				args = append(args, "-H", header)
			}
			if root != "" {
				args = append(args, "--cacert", root, "--connect-to", "::127.0.0.1:")
			}
			return ran(t, exec.CommandContext(within(t), "curl", append(args, base+path)...))
		}
	}
	node := func(script string) func(t testing.TB, file, path, header string) uploaded {
		return func(t testing.TB, file, path, header string) uploaded {
			t.Helper()
			cmd := exec.CommandContext(within(t), "node", "-e", script, base+path, file, header, gatewaytest.SecureHost)
			cmd.Env = append(os.Environ(), "NODE_EXTRA_CA_CERTS="+root)
			return ran(t, cmd)
		}
	}
	clients := map[string]func(t testing.TB, file, path, header string) uploaded{
		"curl":                       curl("--http1.1", "-H", "Expect:"),
		"curl that waits for a word": curl("--http1.1"),
		"curl over HTTP/2":           curl("--http2", "-H", "Expect:"),
		"fetch of node":              node(fetches),
		"node over HTTP/2":           node(overHTTP2),
	}
	if root != "" {
		return clients
	}
	delete(clients, "curl over HTTP/2")
	delete(clients, "node over HTTP/2")
	clients["a socket"] = func(t testing.TB, file, path, header string) uploaded {
		t.Helper()
		if header != "" {
			header += "\r\n"
		}
		return bySocket(t, strings.TrimPrefix(base, "http://"), file, path, header)
	}
	return clients
}

const fetches = `
const [url, file, header] = process.argv.slice(1)
const [name, value] = header.split(": ")
fetch(url, {method: "POST", body: require("fs").readFileSync(file), redirect: "manual", headers: name ? {[name]: value} : {}})
	.then(async r => { await r.text(); process.stdout.write(String(r.status)) })
	.catch(e => { console.error(e, e.cause); process.exitCode = 1 })`

const overHTTP2 = `
const [url, file, header, servername] = process.argv.slice(1)
const to = new URL(url)
const c = require("http2").connect(url, {servername, maxSessionMemory: 1000, lookup: (host, o, done) => o.all ? done(null, [{address: "127.0.0.1", family: 4}]) : done(null, "127.0.0.1", 4)})
const failed = e => { console.error(e); process.exit(1) }
c.on("error", failed)
const s = c.request({":method": "POST", ":path": to.pathname})
let status = ""
s.on("response", h => { status = String(h[":status"]) })
s.on("error", e => { if (!status) failed(e) })
s.on("data", () => {})
s.on("end", () => { process.stdout.write(status); c.destroy() })
s.end(require("fs").readFileSync(file))`

// within is for a client that is not to hang.
func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), gatewaytest.Patience)
	t.Cleanup(cancel)
	return ctx
}

// ran is what a client that prints the status has to say.
func ran(t testing.TB, cmd *exec.Cmd) uploaded {
	t.Helper()
	var said, wrong bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &wrong
	err := cmd.Run()
	if _, exited := errors.AsType[*exec.ExitError](err); err != nil && !exited {
		t.Fatal(err)
	}
	if !cmd.ProcessState.Exited() {
		t.Errorf("%s was neither answered nor shut out", cmd.Path)
	}
	status, _ := strconv.Atoi(said.String()) // none is 0
	if err == nil {
		return uploaded{status: status}
	}
	return uploaded{status, fmt.Sprint(err, ", ", wrong.String())}
}

// bySocket sends all of it before it looks for an answer. A header that says that
// it comes in chunks is believed.
func bySocket(t testing.TB, address, file, path, header string) uploaded {
	t.Helper()
	conn := gatewaytest.Dial(t, address)
	defer conn.Close()
	body, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	out := bufio.NewWriter(conn)
	fmt.Fprintf(out, "POST %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s", path, header)
	if strings.Contains(header, "chunked") {
		fmt.Fprintf(out, "\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	} else {
		fmt.Fprintf(out, "Content-Length: %d\r\n\r\n%s", len(body), body)
	}
	sent := out.Flush()
	resp, err := http.ReadResponse(conn.In, &http.Request{Method: http.MethodPost, URL: new(url.URL)})
	if err == nil {
		_, err = io.Copy(io.Discard, resp.Body)
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection hangs")
	}
	if sent != nil || err != nil { // many a client does not read on when it cannot send
		return uploaded{broke: fmt.Sprint(sent, ", ", err)}
	}
	return uploaded{status: resp.StatusCode}
}
