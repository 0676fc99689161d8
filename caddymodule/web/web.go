package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// source is what stands in a page, by its hash: CSP Level 3 section 2.3.1.
func source(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}

// page is one answer: the template of that name, filled with data.
type page struct {
	name       string
	data       any
	status     int
	retryAfter time.Duration
	anyForm    bool         // its form may end up anywhere
	noForm     bool         // it has none
	script     template.JS  // the one that it has, if any
	style      template.CSS // what it has beside the style sheet of all, if anything
	tries      bool         // its script is a file of ours, and asks this site
}

func (p page) write(w http.ResponseWriter, v View) {
	v = v.orPlain()
	p.answer(w, v, bytes.NewReader(p.render(v)))
}

func (p page) render(v View) []byte {
	body, err := v.language.filled(p.name, p.data)
	if err == nil {
		return body
	}
	// A template of the configuration may fail by what no sample had: people get our page.
	v.look.told(p.name, err)
	if body, err = v.language.fromOurs(p.name, p.data); err != nil {
		// Only a mistake in this package comes here; its tests render every page.
		panic("web: rendering the " + p.name + " page: " + err.Error())
	}
	return body
}

func (p page) answer(w http.ResponseWriter, v View, body *bytes.Reader) {
	h := w.Header()
	setSecurityHeaders(h)
	h.Set("Content-Security-Policy", p.policy(v.look))
	h.Set("Content-Language", v.language.tag)
	h.Set("Vary", vary(h.Values("Vary"), "Accept-Language"))
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(body.Len()))
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(seconds(p.retryAfter), 10))
	}
	if p.status == http.StatusUnauthorized && h.Get("WWW-Authenticate") == "" {
		// Every 401 names a challenge (RFC 9110 section 15.5.2). For Bearer,
		// unlike Basic, browsers open no dialogue of their own.
		h.Set("WWW-Authenticate", "Bearer")
	}
	w.WriteHeader(p.status)
	_, _ = body.WriteTo(w) // whoever asked has gone: nobody is left to tell
}

func setSecurityHeaders(h http.Header) {
	// Cookie answers are not protected from shared caches by themselves (RFC
	// 9111 section 3.5), and Back must not show who was signed in.
	h.Set("Cache-Control", "no-store")
	// Not no-referrer: with it browsers post our forms with "Origin: null",
	// which a check for cross-site requests has to refuse.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
}

// policy allows the page its own style sheet, its script if it has one, pictures that
// stand in it, and its forms.
func (p page) policy(l *Look) string {
	allowed := "default-src 'none'; style-src " + l.styleSource
	if p.style != "" {
		allowed += " " + source(string(p.style))
	}
	switch {
	case p.tries:
		// What is answered to it is text to its script, and cannot be made anything else:
		// Trusted Types section 4.
		allowed += "; script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'"
	case p.script != "":
		allowed += "; script-src " + source(string(p.script))
	}
	return allowed + "; img-src data:" + p.formAction() + "; frame-ancestors 'none'; base-uri 'none'"
}

// formAction says where forms may go. Browsers hold it against every redirect that
// follows a post, too, and block one without a word. Where our 303 leads is the app's,
// which may lead on to another host, or to a program by a scheme of its own: nobody
// here can list that, and * has http and https alone. So a page whose form leads on
// says nothing of it. It would hold back a form that somebody put into the page, and
// nobody does: what is written into pages is escaped, and a template's form that goes
// elsewhere is refused when the configuration is loaded.
func (p page) formAction() string {
	switch {
	case p.anyForm:
		return ""
	case p.noForm:
		return "; form-action 'none'"
	}
	return "; form-action 'self'"
}

// vary adds a name to what an answer depends on, unless it is there.
func vary(lines []string, name string) string {
	all := strings.Join(lines, ", ")
	switch {
	case all == "":
		return name
	case strings.Contains(strings.ToLower(all), strings.ToLower(name)):
		return all
	}
	return all + ", " + name
}

// seconds rounds up, so that nobody who waits as told comes too early.
func seconds(d time.Duration) int64 { return int64((d + time.Second - 1) / time.Second) }

// wait is how long to wait as people say it: rounded up, in the unit that fits.
func (v View) wait(d time.Duration) string {
	s := seconds(d)
	switch {
	case s <= 0:
		return v.Text("wait.moment")
	case s == 1:
		return v.Text("wait.second")
	case s <= 90:
		return v.Text("wait.seconds", strconv.FormatInt(s, 10))
	case s <= 90*60:
		return v.Text("wait.minutes", strconv.FormatInt((s+59)/60, 10))
	default:
		return v.Text("wait.hours", strconv.FormatInt((s+3599)/3600, 10))
	}
}
