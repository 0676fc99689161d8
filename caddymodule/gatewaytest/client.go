package gatewaytest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/web/webtest"
)

// Content types of what is sent.
const (
	AsJSON = "application/json"
	AsForm = "application/x-www-form-urlencoded"
)

// Client is a browser of sorts: it keeps cookies, follows no redirect, and has
// every answer of /auth/ checked against the OpenAPI document.
type Client struct {
	T      testing.TB // the test that fails when a request does
	Server *Server
	Cookie string // the session cookie as the server set it, name=value
	Bearer string // a token, sent beside the cookie
}

// Client is somebody who is not signed in.
func (s *Server) Client(t testing.TB) *Client { return &Client{T: t, Server: s} }

// With is a client that presents a credential got elsewhere.
func (s *Server) With(t testing.TB, cookie, token string) *Client {
	return &Client{T: t, Server: s, Cookie: cookie, Bearer: token}
}

// In is the client in a subtest. What the subtest does to its cookie stays
// there.
func (c *Client) In(t testing.TB) *Client {
	own := *c
	own.T = t
	return &own
}

// Get asks for a page; header holds pairs of names and values.
func (c *Client) Get(path string, header ...string) Answer {
	c.T.Helper()
	return c.Do(http.MethodGet, path, "", header...)
}

// Post sends nothing but the header.
func (c *Client) Post(path string, header ...string) Answer {
	c.T.Helper()
	return c.Do(http.MethodPost, path, "", header...)
}

// Do sends a request; header holds pairs of names and values.
func (c *Client) Do(method, path, body string, header ...string) Answer {
	c.T.Helper()
	a, err := c.Try(context.Background(), method, path, body, header...)
	if err != nil {
		c.T.Fatalf("%s %s: %v", method, path, err)
	}
	return a
}

// Try is Do where the request itself may fail: the gateway is killed, or the
// client goes away.
func (c *Client) Try(ctx context.Context, method, path, body string, header ...string) (Answer, error) {
	c.T.Helper()
	req, err := c.request(ctx, method, path, body, header...)
	if err != nil {
		return Answer{}, err
	}
	return c.exchange(req)
}

// request is one with the client's credentials; header holds pairs of names and values.
func (c *Client) request(ctx context.Context, method, path, body string, header ...string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.Server.URL+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	if c.Cookie != "" {
		req.Header.Set("Cookie", c.Cookie)
	}
	if c.Bearer != "" {
		req.Header.Set("Authorization", "Bearer "+c.Bearer)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Add(header[i], header[i+1])
	}
	return req, nil
}

// Send sends a request of the test's own, without the client's credentials.
func (c *Client) Send(req *http.Request) Answer {
	c.T.Helper()
	a, err := c.exchange(req)
	if err != nil {
		c.T.Fatalf("%s %s: %v", req.Method, req.URL.Path, err)
	}
	return a
}

func (c *Client) exchange(req *http.Request) (Answer, error) {
	c.T.Helper()
	resp, err := NoRedirects.Do(req)
	if err != nil {
		return Answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return Answer{}, fmt.Errorf("reading the answer: %w", err)
	}
	if strings.HasPrefix(req.URL.Path, "/auth/") && !c.Server.OtherVersion {
		webtest.Check(c.T, req, resp, body)
	}
	c.keepCookie(resp)
	a := Answer{Response: resp, Body: string(body)}
	answered.Store(c.T.Name(), a)
	return a, nil
}

// keepCookie leaves out the one that says for a while that a sign-in has succeeded:
// it signs nobody in.
func (c *Client) keepCookie(resp *http.Response) {
	for _, set := range resp.Cookies() {
		switch {
		case strings.HasSuffix(set.Name, "-succeeded"):
		case set.MaxAge < 0:
			if strings.HasPrefix(c.Cookie, set.Name+"=") {
				c.Cookie = ""
			}
		default:
			c.Cookie = set.Name + "=" + set.Value
		}
	}
}

// NoRedirects is how clients ask: a redirect is an answer like any other.
var NoRedirects = &http.Client{
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}
