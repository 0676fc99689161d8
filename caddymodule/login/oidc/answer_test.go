package oidc_test

import (
	"net/url"
	"testing"

	"example.com/sidegate/caddymodule/login/oidc"
)

func TestReadAnswer(t *testing.T) {
	const good = "code=c&state=s&iss=https%3A%2F%2Fsso.example.com"
	for _, c := range []struct{ name, raw, says string }{
		{"what is in order", good, ""},
		{"a semicolon in what nobody needs", good + "&scope=a;b", ""},
		{"a percent sign in what nobody needs", good + "&error_description=100%", ""},
		{"a name that is no name", good + "&%zz=1", ""},
		{"a name with a semicolon, which other readers take for two", good + "&x;code=1", ""},
		{"pairs that are empty", "&" + good + "&&", ""},
		{"a semicolon in the code", "code=a;b&state=s", "its code has a semicolon"},
		{"a percent sign in the state", "code=a&state=100%", "its state has a semicolon, or a % without two"},
		{"a percent sign in the error, by another spelling of its name", "%65rror=%&state=s", "its error has"},
	} {
		t.Run(c.name, func(t *testing.T) {
			query, err := oidc.ReadAnswer(c.raw)
			if c.says != "" {
				wantErr(t, err, oidc.ErrForged, c.says)
				return
			}
			wantErr(t, err, nil, "")
			if want, _ := url.ParseQuery(good); query.Encode() != want.Encode() {
				t.Errorf("%v", query)
			}
		})
	}
}
