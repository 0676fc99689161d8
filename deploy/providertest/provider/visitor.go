package provider

import (
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
	"time"
)

// Visitor is a person with a browser of sorts: it keeps cookies, follows
// redirects, and clicks through the provider's page.
type Visitor struct {
	// Client is the browser; its CheckRedirect may be changed.
	Client *http.Client
	// Email is whom it clicks on. Empty: it refuses.
	Email string
}

// NewVisitor is somebody with an empty browser.
func NewVisitor(email string) *Visitor {
	jar, _ := cookiejar.New(nil) // never fails
	return &Visitor{Client: &http.Client{Jar: jar, Timeout: time.Minute}, Email: email}
}

// Page is where a visit came to its end.
type Page struct {
	// URL is of the page, after all redirects.
	URL    *url.URL
	Status int
	Header http.Header
	Body   string
}

// maxAnswers bounds how often one visit signs in.
const maxAnswers = 3

// leadsOn is where a page leads a browser without scripts at once.
var leadsOn = regexp.MustCompile(`<noscript><meta http-equiv="refresh" content="0; url=([^"]*)">`)

var hiddenID = regexp.MustCompile(`name="id" value="([^"]*)"`)

// Visit goes to a page and signs in wherever a provider asks for it.
func (v *Visitor) Visit(to string) (*Page, error) {
	page, err := v.Open(to)
	for answers := 0; err == nil && page.AsksWho(); answers++ {
		if answers == maxAnswers {
			return page, errors.New("the provider asks again and again")
		}
		page, err = v.Answer(page)
	}
	return page, err
}

// Open goes to a page and stays there, even if a provider asks who it is.
func (v *Visitor) Open(to string) (*Page, error) {
	return v.navigate(http.MethodGet, to, nil)
}

// AsksWho tells the provider's page from others.
func (p *Page) AsksWho() bool { return strings.Contains(p.Body, `id="openid-sign-in"`) }

// Answer clicks on the provider's page.
func (v *Visitor) Answer(page *Page) (*Page, error) {
	id := hiddenID.FindStringSubmatch(page.Body)
	if id == nil {
		return nil, fmt.Errorf("the page at %s is not a provider's", page.URL.Path)
	}
	form := url.Values{"id": {html.UnescapeString(id[1])}}
	if v.Email == "" {
		form.Set("deny", "yes")
	} else {
		form.Set("email", v.Email)
	}
	return v.navigate(http.MethodPost, page.URL.String(), form)
}

// navigate asks for a page as a browser does, in words that tell it from a
// script: gateways redirect the one and answer 401 to the other.
func (v *Visitor) navigate(method, to string, form url.Values) (*Page, error) {
	req, err := http.NewRequest(method, to, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/html")
	req.Header.Set("Sec-Fetch-Mode", "navigate")
	req.Header.Set("Sec-Fetch-Dest", "document")
	if method == http.MethodPost {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := v.Client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<22))
	if on := leadsOn.FindSubmatch(body); err == nil && on != nil {
		next, err := resp.Request.URL.Parse(html.UnescapeString(string(on[1])))
		if err != nil {
			return nil, err
		}
		return v.navigate(http.MethodGet, next.String(), nil)
	}
	return &Page{resp.Request.URL, resp.StatusCode, resp.Header, string(body)}, err
}
