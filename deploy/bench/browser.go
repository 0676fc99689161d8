package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// browser signs in the way that people do, where the rig cannot make a session
// by itself: it keeps cookies, follows redirects, and answers the page that
// asks who it is.
type browser struct{ client http.Client }

// signInWithin bounds each of the browser's requests, redirects included.
const signInWithin = time.Minute

// newBrowser makes one with no cookies, which finds the app at that address.
func newBrowser(app string) *browser {
	jar, _ := cookiejar.New(nil) // never fails
	var d net.Dialer
	transport := &http.Transport{DialContext: func(ctx context.Context, network, at string) (net.Conn, error) {
		to, err := whereIs(at, app)
		if err != nil {
			return nil, err
		}
		return d.DialContext(ctx, network, to)
	}}
	return &browser{client: http.Client{Jar: jar, Timeout: signInWithin, Transport: transport}}
}

// whereIs finds the app's host at its address, whatever the port: peers put
// the one that they listen on into their redirects. All else must be of this
// machine, for a redirect that leads astray is to go nowhere.
func whereIs(at, app string) (string, error) {
	host, _, err := net.SplitHostPort(at)
	if err != nil {
		return "", err
	}
	if host == appHost {
		return app, nil
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return "", fmt.Errorf("a redirect leads to %s, which is not of this machine", host)
	}
	return at, nil
}

// close gives the browser's connections back.
func (b *browser) close() { b.client.CloseIdleConnections() }

// view is a page that the browser ended up at.
type view struct {
	url  *url.URL
	body string
}

// hiddenID is by which the provider's page knows what it is asked for.
var hiddenID = regexp.MustCompile(`name="id" value="([^"]+)"`)

// signIn asks for a page, says at the provider who it is, and must come back
// to the page.
func (b *browser) signIn(ctx context.Context, to, email string) error {
	asked, err := b.open(ctx, http.MethodGet, to, nil)
	if err != nil {
		return err
	}
	id := hiddenID.FindStringSubmatch(asked.body)
	if id == nil {
		return fmt.Errorf("%s does not lead to the page of the provider but to %s", to, asked.url.Path)
	}
	answer := url.Values{"id": {html.UnescapeString(id[1])}, "email": {email}}
	back, err := b.open(ctx, http.MethodPost, asked.url.String(), answer)
	if err == nil && !strings.HasPrefix(to, "http://"+back.url.Hostname()+back.url.Path) {
		err = fmt.Errorf("the sign-in ends at %s, not where it began", back.url.Path)
	}
	return err
}

// open asks for a page in words that tell a browser from a script: gateways
// redirect the one and refuse the other.
func (b *browser) open(ctx context.Context, method, to string, form url.Values) (view, error) {
	req, err := http.NewRequestWithContext(ctx, method, to, strings.NewReader(form.Encode()))
	if err != nil {
		return view{}, err
	}
	req.Header.Set("Accept", "text/html")
	req.Header.Set("User-Agent", userAgent)
	req.Header.Set("Sec-Fetch-Mode", "navigate")
	req.Header.Set("Sec-Fetch-Dest", "document")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := b.client.Do(req)
	if err != nil {
		return view{}, withoutQuery(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("signing in: %s is answered with %s", resp.Request.URL.Path, resp.Status)
	}
	return view{resp.Request.URL, string(body)}, err
}

// withoutQuery keeps codes out of what is printed: on the way back the query
// has one.
func withoutQuery(err error) error {
	var failed *url.Error
	if errors.As(err, &failed) {
		return fmt.Errorf("signing in: %w", failed.Err)
	}
	return err
}

// cookie is the one of that name that the page at a URL is sent, name=value.
func (b *browser) cookie(at, name string) (string, error) {
	u, err := url.Parse(at)
	if err != nil {
		return "", err
	}
	for _, c := range b.client.Jar.Cookies(u) {
		if c.Name == name && c.Value != "" {
			return c.Name + "=" + c.Value, nil
		}
	}
	return "", fmt.Errorf("the sign-in gave no cookie %s", name)
}
