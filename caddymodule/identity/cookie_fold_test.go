package identity_test

import (
	"net/http"
	"slices"
	"testing"

	"example.com/sidegate/caddymodule/identity"
)

// An app that folds names read a cookie of the browser's for the one that the
// gateway gave back.
func TestCookiesAreTakenAwayInEverySpellingOfTheirName(t *testing.T) {
	goes := func(folded string) bool { return folded == "app_session" }
	for _, c := range []struct {
		name  string
		lines []string
		want  []string
	}{
		{"as it is", []string{"app_session=eve"}, nil},
		{"among others, which stay byte for byte", []string{`a="b;c"; app_session=eve;x=1`, "app_session=eve"}, []string{`a="b;c";x=1`}},
		{"as PHP folds it", []string{"app.session=eve; app session=eve; app[session=eve; b=1"}, []string{"b=1"}},
		{"as PHP decoded it before 7.4.11", []string{"app%5Fsession=eve; %61pp%2esession=eve"}, nil},
		{"in another case", []string{"APP_SESSION=eve; App.Session=eve; APP_\u017fe\u017f\u017fion=eve"}, nil},
		{"with what parsers trim", []string{"app_session =eve;\x0bapp_session=eve; \"app_session\"=eve"}, nil},
		{"behind what looks like no name", []string{"=app_session=eve; ==app_session=eve"}, nil},
		{"without a value", []string{"app_session"}, nil},
		{"but not another one", []string{"my_app_session=1; app_session2=1; x=app_session; app%5=1; %=1; \xff=1"},
			[]string{"my_app_session=1; app_session2=1; x=app_session; app%5=1; %=1; \xff=1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := http.Header{}
			h["Cookie"] = c.lines
			had := identity.RemoveCookies(h, goes)
			if got := h["Cookie"]; !slices.Equal(got, c.want) || had == slices.Equal(c.lines, c.want) {
				t.Errorf("left is %q, and there was one: %v", got, had)
			}
		})
	}
}
