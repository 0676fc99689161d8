package web

import (
	"encoding/json"
	"net/http"
	"strconv"
)

// VaryOnCaller is what every answer depends on that depends on who asks, for
// the header Vary.
const VaryOnCaller = "Cookie, Authorization, X-Account-Id"

// WriteJSON answers with v as JSON.
func WriteJSON(w http.ResponseWriter, status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"error":"internal","status":500}`)
	}
	WriteBody(w, status, "application/json", body)
}

// WriteBody answers with the body. Unless Cache-Control is set already, nobody
// keeps the answer: cookies do not protect what is said about people in a
// shared cache (RFC 9111 section 3.5).
func WriteBody(w http.ResponseWriter, status int, contentType string, body []byte) {
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
