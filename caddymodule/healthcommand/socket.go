package healthcommand

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
)

// questions are those to an admin endpoint, with a field that only a gateway's answer has.
var questions = map[string]string{"ready": "status", "config": "digest", "keys": "keys"}

// isSocket reports whether an address is that of an admin endpoint at a socket.
func isSocket(address string) bool { return strings.HasPrefix(address, "unix/") }

// askSocket returns what the admin endpoint at a socket answers, where there is no curl.
func askSocket(ctx context.Context, address, question string) (string, error) {
	field, ok := questions[question]
	if !ok {
		return "", fmt.Errorf("%q is nothing that an admin endpoint is asked here: say ready, config or keys", question)
	}
	at, err := caddy.ParseNetworkAddress(address)
	if err != nil || at.Host == "" {
		return "", fmt.Errorf("%q is no socket: give one such as unix//run/sidegate/admin.sock", address)
	}
	path, _, _ := strings.Cut(at.Host, "|") // without a mode
	asks := http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", path)
	}}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/sidegate/"+question, nil)
	if err != nil {
		return "", err
	}
	resp, err := asks.Do(req)
	if err != nil {
		return "", fmt.Errorf("%w: is the gateway running, is that the socket of its `admin`, and may this user write to it?", err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, mostOfSocket))
	if err != nil {
		return "", err
	}
	return judgeSocket(resp.StatusCode, body, field)
}

// mostOfSocket is more than any of these answers has, with the keys of many secrets.
const mostOfSocket = 1 << 20

func judgeSocket(status int, body []byte, field string) (string, error) {
	var says map[string]json.RawMessage
	read := json.Unmarshal(body, &says) == nil
	if why := ""; read && status != http.StatusOK && json.Unmarshal(says["error"], &why) == nil {
		return "", errors.New(why)
	}
	if !read || status != http.StatusOK || says[field] == nil {
		return "", fmt.Errorf("%d, which is no answer of a gateway of this kind: is that the socket of its `admin`?", status)
	}
	return strings.TrimSpace(string(body)), nil
}

// question is what the arguments ask, behind an address.
func question(args []string) (string, error) {
	switch {
	case !isSocket(args[0]) && len(args) > 1:
		return "", fmt.Errorf("a session_health is asked by its address alone; only a socket, such as unix//run/sidegate/admin.sock, takes %q", args[1])
	case len(args) > 1:
		return args[1], nil
	}
	return "ready", nil
}
