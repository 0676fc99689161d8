package caller_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/streams"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/nearcache"
)

// A route of the gateway's own may stand behind a handler that has what the request
// keeps open watched. What it answers is not watched; the request is, and is forgotten
// when it is over, for its response is nobody's to touch then.
func TestWhatIsWatchedIsForgottenBehindAnAnswerOfOurOwn(t *testing.T) {
	watch := streams.NewWatch()
	r := httptest.NewRequest(http.MethodPost, "/auth/login", strings.NewReader("slow"))
	v := caller.Remember(r)
	w, _ := v.Guard(httptest.NewRecorder(), new(caller.Credentials))
	session := &sessionstore.Session{Key: sessionstore.NewSecret(1).Key(), ExpiresAt: time.Now().Add(time.Hour)}
	r, first := v.Opens(watch, w, r, nearcache.Uncached(session), streams.Asked{}, nil)
	if !first {
		t.Fatal("another handler has it watched")
	}
	for range 3 {
		watch.Tick(time.Now())
	}
	_, _ = io.ReadAll(r.Body)
	if watch.Open() != 1 {
		t.Fatal("a slow request is not watched")
	}
	v.OwnAnswer()
	if watch.Open() != 0 {
		t.Error("an answer of our own is ended with the session: that to a sign-out would never arrive")
	}
	_, _ = w.Write([]byte("ours"))
	v.Closes()
	if watch.Open() != 0 {
		t.Error("a request that is over is still watched")
	}
}
