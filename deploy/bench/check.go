package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// nine are the identity headers that the gateway gives an app by default.
var nine = []string{
	"X-Session-User-Id", "X-Session-Email", "X-Session-Account-Id", "X-Session-Account-Name", "X-Session-Account-Admin",
	"X-Session-Accounts", "X-Session-Roles", "X-Session-Permissions", "X-Session-Id",
}

// maxAnswer bounds an answer that is looked at, in bytes.
const maxAnswer = 1 << 20

// fetch sends the arm's own request for that path once, and returns the body
// of an answer that must be 200.
func (run *running) fetch(path string) ([]byte, error) {
	_, body, err := run.answer(path)
	return body, err
}

// answer is fetch, with the header.
func (run *running) answer(path string) (http.Header, []byte, error) {
	conn, err := connect("tcp", run.address)
	if err != nil {
		return nil, nil, err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(exchangeWithin)); err != nil {
		return nil, nil, err
	}
	j := run.job()
	j.Request = run.request(path)
	if _, err := conn.Write(j.requests()[0]); err != nil {
		return nil, nil, err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s is answered with %s", path, resp.Status)
	}
	return resp.Header, body, err
}

// ask fetches JSON.
func (r *rig) ask(run *running, path string, target any) error {
	body, err := run.fetch(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(body, target)
}

func isAnswered(run *running) error {
	_, err := run.fetch(run.target())
	return err
}

// bringsIdentity makes sure that the upstream learns who it is, and not the
// credential: an arm that skips its work would win.
func bringsIdentity(run *running) error {
	h, err := run.seen()
	if err != nil {
		return err
	}
	if err := hasAll(h, run.people.person.permissions > manyPermissions); err != nil {
		return err
	}
	if id, email := h.Get("X-Session-User-Id"), h.Get("X-Session-Email"); id != "1" || email != "person-1@example.com" {
		return errors.New("the upstream is told of somebody else")
	}
	if h.Get("Cookie") != "" || h.Get("Authorization") != "" {
		return errors.New("the upstream is given the credential")
	}
	return nil
}

// manyPermissions is about how many fit into the gateway's budget for a header
// (4096 bytes); more are left out whole, and another header says so.
const manyPermissions = 200

// hasAll reports what is missing of the nine headers.
func hasAll(h http.Header, truncated bool) error {
	for _, name := range nine {
		if truncated && name == "X-Session-Permissions" {
			name = "X-Session-Truncated"
		}
		if len(h[name]) != 1 || h[name][0] == "" {
			return fmt.Errorf("the upstream gets %d headers %s, one was to be", len(h[name]), name)
		}
	}
	return nil
}

// bringsStatic makes sure that the nine lines arrive as the gateway's do.
func bringsStatic(run *running) error {
	h, err := run.seen()
	if err != nil {
		return err
	}
	return hasAll(h, false)
}

// bringsNothing makes sure that the proxy alone is the proxy alone.
func bringsNothing(run *running) error {
	h, err := run.seen()
	if err == nil && slices.ContainsFunc(nine, func(name string) bool { return h[name] != nil }) {
		err = errors.New("the upstream gets identity headers")
	}
	return err
}

// answersSession makes sure that both arms of GET /auth/session answer the
// same bytes, for the same person. The token is looked past: each gateway
// mints its own, of the same length.
func answersSession(run *running) error {
	body, err := run.fetch(run.target())
	if err != nil {
		return err
	}
	if len(body) != len(run.rig.session) {
		return fmt.Errorf("the answer has %d bytes, the gateway's has %d", len(body), len(run.rig.session))
	}
	return isSession(body)
}

func isSession(body []byte) error {
	var user struct {
		ID    int64  `json:"id"`
		Token string `json:"token"`
	}
	if err := json.Unmarshal(body, &user); err != nil {
		return err
	}
	if user.ID != 1 || user.Token == "" {
		return errors.New("the answer is of somebody else, or has no token")
	}
	return nil
}

// staticLines are the identity headers that were seen, as lines of a Caddyfile.
func staticLines(h http.Header) string {
	return lines("request_header", h, nine)
}

// answerLines are the header of an answer of GET /auth/session, but for what any
// answer of Caddy's has, as lines of a Caddyfile.
func answerLines(h http.Header) string {
	var names []string
	for name := range h {
		if !slices.Contains([]string{"Content-Length", "Content-Type", "Date", "Server"}, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return "header {\n" + lines("", h, names) + "}\n"
}

func lines(directive string, h http.Header, names []string) string {
	var b strings.Builder
	for _, name := range names {
		fmt.Fprintf(&b, "%s %s \"%s\"\n", directive, name, strings.ReplaceAll(h.Get(name), `"`, `\"`))
	}
	return b.String()
}
