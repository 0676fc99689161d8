package profile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/profile"
)

// here, gone and atBrowser are what an app says of its cookies.
func here(name, value string) profile.AppCookie { return profile.AppCookie{Name: name, Value: value} }

func gone(name string) profile.AppCookie {
	return profile.AppCookie{Name: name, Place: profile.CookieGone}
}

func atBrowser(name string) profile.AppCookie {
	return profile.AppCookie{Name: name, Place: profile.CookieAtBrowser}
}

func TestWhatAnAppSaysOfItsCookies(t *testing.T) {
	many := make([]profile.AppCookie, profile.MaxAppCookies+2)
	for i := range many {
		many[i] = here(fmt.Sprint("c", i), "1")
	}
	large := strings.Repeat("x", profile.MaxAppCookieBytes/2)
	for _, c := range []struct {
		name    string
		before  []string
		said    []profile.AppCookie
		want    string // of a Cookie header
		leftOut int
	}{
		{"a new one is kept", nil, []profile.AppCookie{here("a", "1")}, "a=1", 0},
		{"another value takes the place of the one before", []string{"a=1", "b=1"}, []profile.AppCookie{here("a", "2")}, "a=2; b=1", 0},
		{"one that it deletes goes", []string{"a=1", "b=1"}, []profile.AppCookie{gone("a")}, "b=1", 0},
		{"one that it sets again is kept again", []string{"a;;;g"}, []profile.AppCookie{here("a", "2")}, "a=2", 0},
		{"one that it moves to the browser goes", []string{"a=1"}, []profile.AppCookie{atBrowser("a")}, "", 0},
		{"those beyond the number are left out", nil, many, line(many[:profile.MaxAppCookies]), 2},
		{"those beyond the size are left out, and the small ones kept", nil,
			[]profile.AppCookie{here("a", large), here("b", large), here("c", "1")}, "a=" + large + "; c=1", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := profile.ReadAppCookies(c.before)
			was := slices.Clone(before)
			after, leftOut := before.With(c.said...)
			if after.Line() != c.want || leftOut != c.leftOut {
				t.Errorf("got %q, and %d left out", after.Line(), leftOut)
			}
			if !slices.Equal(before, was) {
				t.Error("what was there before has changed")
			}
			if again := profile.ReadAppCookies(after.Texts()); !slices.Equal(again, after) {
				t.Errorf("written down it is %q, and read again %v", after.Texts(), again)
			}
			for _, said := range c.said {
				if c.leftOut == 0 && after.Says(said) {
					t.Errorf("%v is said to be new a second time", said)
				}
			}
		})
	}
}

func line(cookies []profile.AppCookie) string { return profile.AppCookies(cookies).Line() }

// An app sets cookies for scripts, and deletes what nobody has, with every answer.
func TestOfNamesThatAreNotKnownACookieToKeepAloneIsNew(t *testing.T) {
	known := profile.AppCookies{here("a", "1"), gone("b")}
	for _, c := range []struct {
		said profile.AppCookie
		want bool
	}{
		{here("x", "1"), true}, {gone("x"), false}, {atBrowser("x"), false},
		{here("a", "1"), false}, {here("a", "2"), true}, {gone("a"), true}, {atBrowser("a"), true}, {gone("b"), false}, {atBrowser("b"), true},
	} {
		if known.Says(c.said) != c.want {
			t.Errorf("%+v: new is %v", c.said, !c.want)
		}
	}
}

// Names that an app makes up must not fill the session.
func TestNamesWithoutACookieAreBounded(t *testing.T) {
	var known profile.AppCookies
	for i := range 1000 {
		name := fmt.Sprint("flash-", i)
		known, _ = known.With(here(name, "1"))
		known, _ = known.With(gone(name))
	}
	if len(known) != profile.MaxAppCookies {
		t.Errorf("%d names are known", len(known))
	}
	if _, ok := known.Named("flash-999"); !ok {
		t.Error("the latest is not")
	}
}

func TestReadAppCookies(t *testing.T) {
	for _, c := range []struct {
		name string
		text []string
		want profile.AppCookies
	}{
		{"those of builds before", []string{"a=1", "b=c=d", `q="x y"`}, profile.AppCookies{here("a", "1"), here("b", "c=d"), here("q", `"x y"`)}},
		{"the place for which one was set", []string{"a=1", "a;/app;example.com;h"}, profile.AppCookies{{Name: "a", Value: "1", Path: "/app", Domain: "example.com"}}},
		{"what is nonsense is left out", []string{"", "a", "=1", ";;;g", "a;;", "a;;;x", "a;;;h", "b;;;;g", "ok=1"}, profile.AppCookies{here("ok", "1")}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := profile.ReadAppCookies(c.text); !slices.Equal(got, c.want) {
				t.Errorf("got %v", got)
			}
		})
	}
}

// Builds before this one split at the first "=" and pass over what has none, or a
// semicolon: they must give nothing else back than the cookies that are kept.
func TestBuildsBeforeReadTheKeptCookiesAlone(t *testing.T) {
	known := profile.AppCookies{
		{Name: "a", Value: "1", Path: "/x=y", Domain: "example.com"}, gone("b"), {Name: "c", Place: profile.CookieAtBrowser, Path: "/=;"}, here("d", ""),
	}
	var read []string
	for _, pair := range known.Texts() {
		if _, _, found := strings.Cut(pair, "="); found && !strings.Contains(pair, ";") {
			read = append(read, pair)
		}
	}
	if !slices.Equal(read, []string{"a=1", "d="}) {
		t.Errorf("of %q they read %q", known.Texts(), read)
	}
}

func TestWhatIsBuiltAnewKeepsTheCookiesOfNow(t *testing.T) {
	for _, c := range []struct{ name, kept, now, want string }{
		{"in place of those of before", `{"upstream_token":"t","upstream_cookies":["a=1"]}`, `{"upstream_cookies":["a=2"]}`, `{"upstream_token":"t","upstream_cookies":["a=2"]}`},
		{"none, when there are none by now", `{"upstream_token":"t","upstream_cookies":["a=1"]}`, `{"upstream_token":"u"}`, `{"upstream_token":"t"}`},
		{"and is the same when they are", `{"id_token":"t"}`, `{"id_token":"u"}`, `{"id_token":"t"}`},
		{"and is the same when it keeps nothing", "", `{"upstream_cookies":["a=2"]}`, ""},
		{"and is the same when what is there cannot be read", `{"id_token":"t"}`, "nonsense", `{"id_token":"t"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := profile.WithCookiesOf(c.kept, c.now); got != c.want {
				t.Errorf("got %s", got)
			}
		})
	}
}
