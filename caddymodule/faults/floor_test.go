package faults_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// moreForKnown is what the median refusal of one kind may take beyond the other:
// the app alone takes eight times as long.
const moreForKnown = 5 * time.Millisecond

// An app that is asked about everybody whom the users file does not know tells
// by its time who is in it (OWASP ASVS 6.3.8).
func TestTheTimeOfARefusalTellsNotWhoIsInTheFile(t *testing.T) {
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-time.After(40 * time.Millisecond)
		w.WriteHeader(http.StatusUnauthorized)
	}))
	t.Cleanup(app.Close)
	p := gatewaytest.StartProcess(t, gatewaytest.Site{
		Options: fmt.Sprintf("login app legacy %s/login {\nsuccess `login.status == 200`\n}", app.URL),
		Global:  "servers {\ntrusted_proxies static 127.0.0.1/32\n}",
	})
	refused := func(i int, email string) time.Duration {
		begun := time.Now()
		if status := types(t, p, fmt.Sprintf("203.0.113.%d", i%256), email, "wrong"); status != http.StatusUnauthorized {
			t.Fatalf("a wrong password is answered with %d", status)
		}
		return time.Since(begun)
	}
	for i := range gatewaytest.Rounds(2, 100) {
		refused(i, fmt.Sprintf("nobody-%d@example.com", i))
	}
	var inFile, inNone []time.Duration
	for i := range gatewaytest.Rounds(2, 200) {
		inFile = append(inFile, refused(i, gatewaytest.Ada))
		inNone = append(inNone, refused(i, fmt.Sprintf("no-one-%d@example.com", i)))
	}
	known, unknown := median(inFile), median(inNone)
	if gatewaytest.Long() && (known-unknown).Abs() > moreForKnown {
		t.Errorf("who is in the file is refused after %v, who is in none after %v", known, unknown)
	}
	figure(t, "a users file before an app that takes 40 ms", "wrong passwords in turn", "refused after p50 %v if in the file, %v if in none", known, unknown)
}

func median(of []time.Duration) time.Duration {
	slices.Sort(of)
	return of[len(of)/2].Round(100 * time.Microsecond)
}
