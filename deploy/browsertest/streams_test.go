package browsertest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// newEvents is an app of one page and a stream of events, which says who is told one
// word and then nothing. ended has each end of one.
func newEvents(t *testing.T) (address string, ended chan string) {
	ended = make(chan string, 100)
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasSuffix(r.URL.Path, "/events") {
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, "<!doctype html><html lang=en><title>Orders</title><link rel=icon href=data:,><p>The orders of today")
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "data: %s\n\n", r.Header.Get("X-Session-Email"))
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		ended <- r.URL.Path
	}))
	t.Cleanup(app.Close)
	return strings.TrimPrefix(app.URL, "http://"), ended
}

// listenToApp has the page listen, and note what it hears: a message, and that the
// stream is gone. A browser asks again for one that ends, and gives up where it is
// refused.
const listenToApp = `(() => {
	window.heard = []
	const source = new EventSource("%s")
	source.onmessage = e => heard.push(e.data)
	source.onerror = () => heard.push(source.readyState === EventSource.CLOSED ? "refused" : "ended")
})()`

// TestAnEventSourceEndsWithItsSession: it is cut off, asks again as browsers do, and is
// refused where nobody may listen who is not signed in.
func TestAnEventSourceEndsWithItsSession(t *testing.T) {
	disabled := strings.Replace(gatewaytest.UsersFile, "roles: [viewer]", "roles: [viewer]\n    disabled: true", 1)
	for name, c := range map[string]struct {
		path, options string
		happens       func(s *gatewaytest.Server, own, elsewhere *gatewaytest.Client)
		again         string // what it hears of the next one
	}{
		"who signs out": {"/app/events", "", func(_ *gatewaytest.Server, own, _ *gatewaytest.Client) {
			own.Post("/auth/logout").Want(own.T, http.StatusNoContent)
		}, "refused"},
		"who signs out everywhere": {"/app/events", "", func(_ *gatewaytest.Server, _, elsewhere *gatewaytest.Client) {
			elsewhere.Do(http.MethodDelete, "/auth/sessions", "").Want(elsewhere.T, http.StatusNoContent)
		}, "refused"},
		"who is disabled": {"/app/events", "", func(s *gatewaytest.Server, _, _ *gatewaytest.Client) {
			gatewaytest.WriteFile(t, s.Users, disabled)
		}, "refused"},
		"who loses a role": {"/viewers/events", "", func(s *gatewaytest.Server, _, _ *gatewaytest.Client) {
			gatewaytest.WriteFile(t, s.Users, strings.Replace(gatewaytest.UsersFile, "roles: [viewer]", "roles: []", 1))
		}, "refused"},
		"whose session expires": {"/app/events", "lifetime 8s", func(*gatewaytest.Server, *gatewaytest.Client, *gatewaytest.Client) {}, "refused"},
		"who signs out on an open page": {"/public/events", "", func(_ *gatewaytest.Server, own, _ *gatewaytest.Client) {
			own.Post("/auth/logout").Want(own.T, http.StatusNoContent)
		}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			upstream, ended := newEvents(t)
			s := gatewaytest.Start(t, gatewaytest.Site{Upstream: upstream, Options: c.options + "\nrole viewer",
				Auth: "public /public/*\npath /viewers/* {\nrole viewer\n}"})
			b := open(t) // it complains of what it is refused
			own, elsewhere := s.WithCookie(t, gatewaytest.Grace), s.WithCookie(t, gatewaytest.Grace)
			b.do(chromedp.Navigate(s.URL+"/public/page"), setCookie(s.URL, own.Cookie), chromedp.Evaluate(fmt.Sprintf(listenToApp, c.path), nil))
			b.await("it hears who it is", `heard.join()`, func(heard string) bool { return heard == gatewaytest.Grace })
			c.happens(s, own.In(t), elsewhere.In(t))
			b.await("it hears of the end", `heard.join()`, func(heard string) bool {
				return heard == gatewaytest.Grace+",ended,"+c.again
			})
			if path := <-ended; path != c.path {
				t.Errorf("%s has ended", path)
			}
		})
	}
}

// setCookie gives the browser a cookie of that site.
func setCookie(url, cookie string) chromedp.Action {
	name, value, _ := strings.Cut(cookie, "=")
	return network.SetCookie(name, value).WithURL(url)
}
