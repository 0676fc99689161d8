package main

import (
	"context"
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

// browser keeps cookies and follows redirects, as people's browsers do.
type browser struct{ client http.Client }

// newBrowser makes one that does not follow a redirect to that address.
func newBrowser(end string) *browser {
	jar, _ := cookiejar.New(nil) // never fails
	return &browser{http.Client{Jar: jar, Timeout: within, CheckRedirect: func(r *http.Request, _ []*http.Request) error {
		if r.URL.String() == end {
			return http.ErrUseLastResponse
		}
		return nil
	}}}
}

// view is a page that the browser ended up at.
type view struct {
	at   *url.URL
	body string
}

// ask sends a request and wants no error for an answer.
func (b *browser) ask(ctx context.Context, method, to, body string, header map[string]string) (view, error) {
	req, err := http.NewRequestWithContext(ctx, method, to, strings.NewReader(body))
	if err != nil {
		return view{}, err
	}
	for name, value := range header {
		req.Header.Set(name, value)
	}
	resp, err := b.client.Do(req) // #nosec G704 -- to loopback
	if err != nil {
		return view{}, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err == nil && resp.StatusCode >= http.StatusBadRequest {
		err = fmt.Errorf("%s %s is answered with %s: %s", method, resp.Request.URL.Path, resp.Status, answer)
	}
	return view{resp.Request.URL, string(answer)}, err
}

// open goes to a page, or sends a form there, in words that tell a browser from
// a program.
func (b *browser) open(ctx context.Context, method, to string, form url.Values) (view, error) {
	return b.ask(ctx, method, to, form.Encode(), map[string]string{
		"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document",
		"Content-Type": "application/x-www-form-urlencoded",
	})
}

// hiddenID is by which the provider's page knows what it is asked for.
var hiddenID = regexp.MustCompile(`name="id" value="([^"]+)"`)

// signInAtProvider goes to a login, says at the provider who it is, and comes
// back to the gateway.
func (b *browser) signInAtProvider(ctx context.Context, login string) error {
	asked, err := b.open(ctx, http.MethodGet, login, nil)
	if err != nil {
		return err
	}
	id := hiddenID.FindStringSubmatch(asked.body)
	if id == nil {
		return errors.New(login + " does not lead to the provider's page")
	}
	_, err = b.open(ctx, http.MethodPost, asked.at.String(), url.Values{"id": {html.UnescapeString(id[1])}, "email": {email}})
	return err
}
