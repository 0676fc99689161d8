package profile_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/profile"
)

var now = time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)

// until is a cookie that lives so long.
func until(c profile.AppCookie, d time.Duration) profile.AppCookie {
	c.Expires = now.Add(d).Unix()
	return c
}

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
	chunk := strings.Repeat("c", 4050)
	chunks := []profile.AppCookie{here("auth", "chunks-3"), here("authC1", chunk), here("authC2", chunk), here("authC3", chunk), here("sid", "1")}
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
		{"those beyond the size are left out, the last of what was said first", nil,
			[]profile.AppCookie{here("a", large), here("c", "1"), here("b", large)}, "a=" + large + "; c=1", 1},
		{"the three chunks of a sign-in fit, of 4 KB each", nil, chunks, line(chunks), 0},
		{"one whose time is over goes", []string{"a=1", "b=1", "b;1893455999;e"}, []profile.AppCookie{here("c", "1")}, "a=1; c=1", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := profile.ReadAppCookies(c.before)
			was := slices.Clone(before)
			after, leftOut := before.With(now, c.said...)
			if after.Line(now) != c.want || leftOut != c.leftOut {
				t.Errorf("got %q, and %d left out", after.Line(now), leftOut)
			}
			if !slices.Equal(before, was) {
				t.Error("what was there before has changed")
			}
			if again := profile.ReadAppCookies(after.Texts()); !slices.Equal(again, after) {
				t.Errorf("written down it is %q, and read again %v", after.Texts(), again)
			}
			for _, said := range c.said {
				if c.leftOut == 0 && len(after.News(now, said)) > 0 {
					t.Errorf("%v is said to be new a second time", said)
				}
			}
		})
	}
}

// Abandoned cookies shut the jar for good: what an app set from then on was lost.
func TestAbandonedCookiesMakeRoomForTheLatest(t *testing.T) {
	made := func(n int, life time.Duration) (c []profile.AppCookie) {
		for i := range n {
			cookie := here(fmt.Sprint("made-up-", i), "1")
			if life != 0 {
				cookie = until(cookie, life+time.Duration(i)*time.Minute)
			}
			c = append(c, cookie)
		}
		return c
	}
	for _, c := range []struct {
		name  string
		made  []profile.AppCookie
		later time.Duration
		gone  string // of those made up
		out   int
	}{
		{"those whose time is over, without a word", made(profile.MaxAppCookies-1, time.Minute), 2 * time.Hour, "made-up-0", 0},
		{"else the one that would end first", append(made(profile.MaxAppCookies-2, 0), until(here("short", "1"), time.Hour)), 0, "short", 1},
		{"else the oldest beyond those that came first", made(profile.MaxAppCookies-1, 0), 0, fmt.Sprint("made-up-", profile.MaxAppCookies/2-1), 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			known, _ := profile.AppCookies{here("of-the-sign-in", "1")}.With(now, c.made...)
			at := now.Add(c.later)
			after, out := known.With(at, here("latest", "1"))
			for name, want := range map[string]bool{"latest": true, "of-the-sign-in": true, c.gone: false} {
				if strings.Contains("; "+after.Line(at)+";", "; "+name+"=1;") != want {
					t.Errorf("%s is there: %v; all are %s", name, !want, after.Line(at))
				}
			}
			if cookie, known := after.Named(c.gone); !known || cookie.Place != profile.CookieGone || out != c.out {
				t.Errorf("what a browser has of %s would pass, or %d were told of", c.gone, out)
			}
		})
	}
}

func TestACookieEndsAtItsTime(t *testing.T) {
	known := profile.AppCookies{until(here("sudo", "yes"), 2*time.Second), here("sid", "1")}
	for after, want := range map[time.Duration]string{0: "sudo=yes; sid=1", time.Second: "sudo=yes; sid=1", 2 * time.Second: "sid=1"} {
		if got := known.Line(now.Add(after)); got != want {
			t.Errorf("after %s it is %s", after, got)
		}
	}
	if got := known.Until(); got != now.Add(2*time.Second).Unix() {
		t.Errorf("it stays the same until %d", got)
	}
}

// Some apps prolong their cookies with every answer, which would be a write each.
func TestACookieThatLivesALittleLongerIsNoNews(t *testing.T) {
	for _, c := range []struct {
		name   string
		before time.Duration
		again  time.Duration
		want   bool
	}{
		{"by some seconds of two hours", 2*time.Hour - 5*time.Second, 2 * time.Hour, false},
		{"but by ten minutes of them", 2*time.Hour - 10*time.Minute, 2 * time.Hour, true},
		{"and by an hour and more of weeks", 500 * time.Hour, 502 * time.Hour, true},
		{"and when it ends sooner", 2 * time.Hour, 2*time.Hour - time.Second, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := len(profile.AppCookies{until(here("a", "1"), c.before)}.News(now, until(here("a", "1"), c.again))) > 0; got != c.want {
				t.Errorf("it is news: %v", got)
			}
		})
	}
}

func line(cookies []profile.AppCookie) string { return profile.AppCookies(cookies).Line(now) }

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
		if (len(known.News(now, c.said)) > 0) != c.want {
			t.Errorf("%+v: new is %v", c.said, !c.want)
		}
	}
}

// Names that an app makes up must not fill the session.
func TestNamesWithoutACookieAreBounded(t *testing.T) {
	var known profile.AppCookies
	for i := range 1000 {
		name := fmt.Sprint("flash-", i)
		known, _ = known.With(now, here(name, "1"))
		known, _ = known.With(now, gone(name))
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
		{"until when it lives", []string{"a=1", "a;/app;;h", "a;1893456000;e"}, profile.AppCookies{{Name: "a", Value: "1", Path: "/app", Expires: 1893456000}}},
		{"what is nonsense is left out", []string{"x;1;e", "ok=0", "ok;x;e", "ok;1;x", "a;b;c;d;h;0", "YQ;YQ;;;x;0", ";YQ;;;h;0", "a", "=1", ";;;g", "a;;", "a;;;x", "a;;;h", "b;;;;g", "ok=1"}, profile.AppCookies{here("ok", "1")}},
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
		until(here("e", "5"), time.Hour), here("f", "caf\xe9"), here("g\xe9", "6"), gone("h\xe9"),
	}
	var read []string
	for _, pair := range known.Texts() {
		if _, _, found := strings.Cut(pair, "="); found && !strings.Contains(pair, ";") {
			read = append(read, pair)
		}
	}
	if !slices.Equal(read, []string{"a=1", "d=", "e=5"}) {
		t.Errorf("of %q they read %q", known.Texts(), read)
	}
}

// JSON has no bytes that are no text: a value came back as something else.
func TestValuesAreKeptByteForByte(t *testing.T) {
	known := profile.AppCookies{here("lat", "caf\xe9"), {Name: "\xff", Value: "", Path: "/\xe9", Domain: "d", Place: profile.CookieGone}, until(here("x", "\xff\t\"<"), time.Hour)}
	text, err := (&profile.Kept{UpstreamCookies: known.Texts()}).Encode()
	if err != nil {
		t.Fatal(err)
	}
	kept, err := profile.DecodeKept(text)
	if err != nil || !slices.Equal(profile.ReadAppCookies(kept.UpstreamCookies), known) {
		t.Errorf("%v: read again they are %v", err, profile.ReadAppCookies(kept.UpstreamCookies))
	}
}

// The most cookies and names that there can be, of the bytes that take the most room.
func TestAFullJarFitsIntoASession(t *testing.T) {
	var known profile.AppCookies
	for i := range 3 * profile.MaxAppCookies {
		cookie := here(fmt.Sprintf("%d-%s", i, strings.Repeat("n", 250)), strings.Repeat("<", 1000))
		cookie.Path, cookie.Domain = "/"+strings.Repeat("p", 254), strings.Repeat("d", 255)
		known, _ = known.With(now, until(cookie, time.Hour))
	}
	if text, err := (&profile.Kept{UpstreamCookies: known.Texts()}).Encode(); err != nil || len(text) > profile.MaxKept-32<<10 {
		t.Errorf("%d bytes, %v", len(text), err)
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
