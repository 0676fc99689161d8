package streams_test

import (
	"io"
	"net/http"
	"testing"
)

func TestAClientSeesTheEndBeforeItsHandlerReturns(t *testing.T) {
	leave := make(chan struct{})
	h := build(t, h1, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		<-leave
	})
	defer close(leave)
	resp := h.get(t, h1, http.MethodGet, nil)
	h.awaitOpen(t, 1)
	h.with(func() { h.passes = false })
	h.watch.Changed(h.key)
	if _, err := io.Copy(io.Discard, resp.Body); err == nil {
		t.Error("what was cut off ends as if it were whole")
	}
}
