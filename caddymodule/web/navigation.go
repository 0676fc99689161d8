package web

import (
	"mime"
	"net/http"
	"strings"
)

// IsNavigation reports whether a person is looking, so that a page is the
// answer: the browser says so, or, where it does not, a page is asked for. No page
// sends JSON, whatever else the request says of itself.
func IsNavigation(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate" && mediaType(r) != "application/json"
	}
	return acceptsHTML(r) && (r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodPost && isForm(r))
}

// IsRelayed reports whether a page is asked for in other words than a navigation's: a
// service worker of the app that builds a request of its own for one shows the answer
// in its place, and so do scripts that load pages instead of the browser. The browser
// marks it as any other of a script; that a page is wanted is left of the navigation.
func IsRelayed(r *http.Request) bool {
	h := r.Header
	mode := h.Get("Sec-Fetch-Mode")
	return r.Method == http.MethodGet && (mode == "same-origin" || mode == "cors") &&
		h.Get("Sec-Fetch-Site") == "same-origin" && h.Get("Sec-Fetch-Dest") == "empty" && acceptsHTML(r)
}

// AsksForJSON reports whether a program is answered that takes JSON and no page. To
// whom a page is all that there is otherwise, it is answered with its errors as JSON.
func AsksForJSON(r *http.Request) bool {
	return !IsNavigation(r) && !acceptsHTML(r) && strings.Contains(strings.ToLower(r.Header.Get("Accept")), "application/json")
}

// PostsForm reports whether a form is sent, of whichever of the kinds that pages send
// (HTML section 4.10.22.6).
func PostsForm(r *http.Request) bool {
	if r.Method != http.MethodPost {
		return false
	}
	switch mediaType(r) {
	case "application/x-www-form-urlencoded", "multipart/form-data", "text/plain":
		return true
	}
	return false
}

// isForm reports whether the body is what a page's form sends. Browsers say how
// they come by it over https and on their own machine alone.
func isForm(r *http.Request) bool { return mediaType(r) == "application/x-www-form-urlencoded" }

// mediaType is what the body is said to be; empty where nothing sensible is said.
func mediaType(r *http.Request) string {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return media
}

func acceptsHTML(r *http.Request) bool {
	return strings.Contains(strings.ToLower(r.Header.Get("Accept")), "text/html")
}
