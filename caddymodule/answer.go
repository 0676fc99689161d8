package caddymodule

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"example.com/sidegate/caddymodule/web"
)

// refusal is an answer other than success: what the Error schema of the
// contract carries, and as a page what a person reads.
type refusal struct {
	status     int
	code       string // error: one word for programs
	message    string // for people; fixed texts, nothing that came in
	retryAfter time.Duration
	challenge  string // WWW-Authenticate
}

// Error makes a refusal an error, for handle_errors.
func (r refusal) Error() string { return r.message }

// The refusals. None tells more than the caller needs to act.
var (
	refuseAnonymous = refusal{status: http.StatusUnauthorized, code: "unauthorized",
		message: "Sign in first.", challenge: "Bearer"}
	refuseGone = refusal{status: http.StatusUnauthorized, code: "unauthorized",
		message: "The session has ended. Sign in again.", challenge: "Bearer"}
	refuseToken = refusal{status: http.StatusUnauthorized, code: "unauthorized",
		message:   "The bearer token is not valid, or its session has ended. Sign in again.",
		challenge: `Bearer error="invalid_token"`}
	refuseCredentials = refusal{status: http.StatusUnauthorized, code: "unauthorized",
		message: "The email address or the password is wrong.", challenge: "Bearer"}
	refuseRole = refusal{status: http.StatusForbidden, code: "forbidden",
		message: "Your roles and permissions do not allow this."}
	refuseAccount = refusal{status: http.StatusForbidden, code: "forbidden",
		message: "That account is not one of yours."}
	refuseProfile = refusal{status: http.StatusForbidden, code: "forbidden",
		message: "Your entry is not complete, so you cannot be signed in. Please tell whoever runs this service."}
	refuseByRule = refusal{status: http.StatusForbidden, code: "not_admitted",
		message: "You may not sign in here. If you think you should, ask whoever runs this service."}
	refuseCrossOrigin = refusal{status: http.StatusForbidden, code: "forbidden",
		message: "This request came from another site. Open the page again and repeat what you did."}
	refuseTwoAccounts = refusal{status: http.StatusBadRequest, code: "bad_request",
		message: "X-Account-Id was sent more than once."}
	refuseMalformed = refusal{status: http.StatusBadRequest, code: "bad_request",
		message: "The request body could not be read."}
	refuseThrottled = refusal{status: http.StatusTooManyRequests, code: "too_many_requests",
		message: "Too many attempts. Wait, then try again."}
	refuseNotFound = refusal{status: http.StatusNotFound, code: "not_found",
		message: "There is nothing here."}
	refuseNoSession = refusal{status: http.StatusNotFound, code: "not_found",
		message: "You have no session of that id."}
	refuseMethod = refusal{status: http.StatusMethodNotAllowed, code: "method_not_allowed",
		message: "This address does not take that method; see Allow."}
	refuseTooLarge = refusal{status: http.StatusRequestEntityTooLarge, code: "too_large",
		message: "The request body is too large: 64 KiB at most."}
	refuseMedia = refusal{status: http.StatusUnsupportedMediaType, code: "unsupported_media_type",
		message: "Send application/json or application/x-www-form-urlencoded."}
	refuseBusy = refusal{status: http.StatusServiceUnavailable, code: "busy",
		message: "Too many people are signing in at once. Try again in a few seconds.", retryAfter: 3 * time.Second}
	refuseUnavailable = refusal{status: http.StatusServiceUnavailable, code: "unavailable",
		message: "Sessions cannot be looked up at the moment. Nobody was signed out; try again shortly.", retryAfter: 2 * time.Second}
)

// as returns the refusal with another status.
func (r refusal) as(status int) refusal { r.status = status; return r }

// saying returns the refusal with another message.
func (r refusal) saying(message string) refusal { r.message = message; return r }

// because returns the refusal with the reason that the configuration gives.
func (r refusal) because(reason string) refusal {
	if reason != "" {
		r.message = reason
	}
	return r
}

// after returns the refusal with the wait that Retry-After tells.
func (r refusal) after(wait time.Duration) refusal { r.retryAfter = wait; return r }

// writeJSON answers with the Error schema.
func (r refusal) writeJSON(w http.ResponseWriter) {
	r.writeHeaders(w)
	writeJSON(w, r.status, struct {
		Error   string `json:"error"`
		Status  int    `json:"status"`
		Message string `json:"message"`
	}{r.code, r.status, r.message})
}

// write answers with a page where a person is looking, else with JSON.
func (r refusal) write(w http.ResponseWriter, req *http.Request) {
	if !isNavigation(req) {
		r.writeJSON(w)
		return
	}
	r.writeHeaders(w)
	web.Problem{Status: r.status, Detail: r.message, RetryAfter: r.retryAfter}.Write(w)
}

func (r refusal) writeHeaders(w http.ResponseWriter) {
	h := w.Header()
	if r.challenge != "" {
		h.Set("WWW-Authenticate", r.challenge)
	}
	if r.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(int(math.Ceil(r.retryAfter.Seconds()))))
	}
	if r.status == http.StatusRequestEntityTooLarge {
		h.Set("Connection", "close")
	}
	h.Set("Vary", varyOnCaller)
}

// closeUnread ends the connection after an answer that came before the
// request's body was read: what follows on it could be read as a request of
// its own.
func closeUnread(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 1 && r.ContentLength != 0 {
		w.Header().Set("Connection", "close")
	}
}

// varyOnCaller is what every answer depends on that depends on who asks.
const varyOnCaller = "Cookie, Authorization, X-Account-Id"

// writeJSON answers with v. Answers about people are never kept by a shared
// cache: cookies do not protect them there (RFC 9111 section 3.5).
func writeJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error":"internal","status":500}`)
	}
	writeBody(w, status, "application/json", body)
}

func writeBody(w http.ResponseWriter, status int, contentType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "private, no-store")
	}
	w.WriteHeader(status)
	_, _ = w.Write(body)
}

// isNavigation reports whether a person is looking: the browser says so, or,
// where it does not, a page is asked for.
func isNavigation(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return (r.Method == http.MethodGet || r.Method == http.MethodHead) && acceptsHTML(r)
}

func acceptsHTML(r *http.Request) bool {
	return strings.Contains(strings.ToLower(r.Header.Get("Accept")), "text/html")
}
