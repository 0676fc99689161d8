package faults_test

import (
	"net/http"
	"net/url"
	"testing"
)

// A load that took everything for good would make every test of faults pass.
func TestFaultLoadJudges(t *testing.T) {
	known, stranger := &loadCaller{id: 7, cookie: "c"}, &loadCaller{}
	cookie := http.Header{"Set-Cookie": {"c=; Max-Age=0"}}
	as := func(id string) http.Header { return http.Header{"Seen-User": {id}} }
	for _, c := range []struct {
		name   string
		caller *loadCaller
		path   string
		status int
		header http.Header
		body   string
		want   verdict
	}{
		{"an app that knows who it is", known, "/app", 200, as("7"), "", right},
		{"an app that takes them for another", known, "/app", 200, as("8"), "", wrong},
		{"an app that takes them for nobody", known, "/app", 200, nil, "", wrong},
		{"an error that came from the app of another", known, "/app", 503, as("8"), "", wrong},
		{"their own session", known, "/auth/session", 200, nil, `{"id":7}`, right},
		{"the session of another", known, "/auth/session", 200, nil, `{"id":8}`, wrong},
		{"half a session", known, "/auth/session", 200, nil, `{"id":`, odd},
		{"a 401", known, "/app", 401, nil, "", signedOut},
		{"the way to the login page", known, "/app", 303, nil, "", signedOut},
		{"an error that takes the cookie away", known, "/app", 503, cookie, "", signedOut},
		{"an error", known, "/app", 503, nil, "", unavailable},
		{"an error of the session", known, "/auth/session", 500, nil, "", unavailable},
		{"an upstream that is gone", known, "/app", 502, nil, "", odd},
		{"a 403", known, "/app", 403, nil, "", odd},
		{"a stranger who is refused", stranger, "/app", 401, nil, "", refused},
		{"a stranger whose cookie is taken away", stranger, "/app", 401, cookie, "", refused},
		{"a stranger who reaches the app", stranger, "/app", 200, nil, "", letIn},
		{"a stranger whom the app knows", stranger, "/app", 500, as("7"), "", letIn},
		{"a stranger who reads a session", stranger, "/auth/session", 200, nil, `{"id":7}`, letIn},
		{"a stranger told to come again", stranger, "/app", 503, nil, "", unavailable},
	} {
		t.Run(c.name, func(t *testing.T) {
			header := c.header
			if header == nil {
				header = http.Header{}
			}
			resp := &http.Response{StatusCode: c.status, Header: header, Request: &http.Request{URL: &url.URL{Path: c.path}}}
			if got := c.caller.judge(resp, []byte(c.body)); got != c.want {
				t.Errorf("it is judged %s; want %s", got, c.want)
			}
		})
	}
}
