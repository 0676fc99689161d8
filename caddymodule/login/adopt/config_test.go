package adopt_test

import (
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/login/adopt"
)

// What is sent there signs people in, so nobody on the way may read it, and what
// comes back says who somebody is, so nobody may write it.
func TestWhereTheOtherGatewayMayBeAsked(t *testing.T) {
	for url, says := range map[string]string{
		"https://sso.example.com/oauth2/auth":  "",
		"http://127.0.0.1:4180/oauth2/auth":    "",
		"http://127.8.8.8/oauth2/auth":         "",
		"http://[::1]:9091/api/authz":          "",
		"http://localhost:9091/api/authz":      "",
		"http://proxy:4180/oauth2/auth":        "neither https nor a loopback address",
		"http://10.0.0.1/oauth2/auth":          "neither https nor a loopback address",
		"http://localhost.example.com/":        "neither https nor a loopback address",
		"http://127.0.0.1.example.com/":        "neither https nor a loopback address",
		"ftp://127.0.0.1/":                     "not of the form",
		"https://user:word@sso.example.com/":   "has credentials in it",
		"https://{http.request.host}/auth":     "placeholder in its scheme or host",
		"https://sso.example.com/{http.query}": "none is known here",
	} {
		_, err := adopt.New(adopt.Config{Name: "old", URL: url, Cookies: []string{"sid"}, Until: time.Now().Add(time.Hour)})
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", url, err)
		}
	}
}

func TestHeadersThatTheOtherGatewayIsNotSent(t *testing.T) {
	for name, ok := range map[string]bool{
		"X-Device": true, "Authorization": true, "accept-language": true,
		"Cookie": false, "Host": false, "X-Forwarded-For": false, "x-forwarded-user": false, "X-Original-URL": false, "Forwarded": false, "Remote-User": false,
		"X-Auth-Request-Email": false, "X-Session-Email": false, "Connection": false, "Content-Length": false, "X-HTTP-Method-Override": false, "X Y": false, "": false,
		"X-Rewrite-Url": false,
	} {
		_, err := adopt.New(adopt.Config{Name: "old", URL: "https://sso.example.com/", Cookies: []string{"sid"}, Headers: []string{name}, Until: time.Now().Add(time.Hour)})
		if (err == nil) != ok {
			t.Errorf("header %q: %v", name, err)
		}
	}
}

func TestUntil(t *testing.T) {
	for text, want := range map[string]string{
		"2027-03-31":                "2027-04-01T00:00:00Z", // that day, to its end
		"2027-03-31T18:00:00Z":      "2027-03-31T18:00:00Z",
		"2027-03-31T18:00:00+02:00": "2027-03-31T16:00:00Z",
		"2027-02-30":                "", "31.3.2027": "", "": "", "tomorrow": "",
	} {
		got, err := adopt.ParseUntil(text)
		if (err == nil) != (want != "") || err == nil && got.Format(time.RFC3339) != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	now := time.Now()
	for name, c := range map[string]struct {
		until time.Time
		says  string
	}{
		"none":                {time.Time{}, "say until when"},
		"one that has passed": {now.Add(-time.Second), "has passed"},
		"this moment":         {now, "has passed"},
	} {
		_, err := adopt.New(adopt.Config{Name: "old", URL: "https://sso.example.com/", Cookies: []string{"sid"}, Until: c.until, Now: func() time.Time { return now }})
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
