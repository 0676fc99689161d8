package web

import (
	"mime"
	"net/http"
	"strings"
)

// IsNavigation reports whether a person is looking, so that a page is the
// answer: the browser says so, or, where it does not, a page is asked for.
func IsNavigation(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return acceptsHTML(r) && (r.Method == http.MethodGet || r.Method == http.MethodHead || r.Method == http.MethodPost && isForm(r))
}

// isForm reports whether the body is what a page's form sends. Browsers say how
// they come by it over https and on their own machine alone.
func isForm(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == "application/x-www-form-urlencoded"
}

func acceptsHTML(r *http.Request) bool {
	return strings.Contains(strings.ToLower(r.Header.Get("Accept")), "text/html")
}
