package pathrule_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/pathrule"
)

// demand and open make rules short to write.
func demand(patterns ...string) pathrule.Rule { return pathrule.Rule{Patterns: patterns} }

func public(patterns ...string) pathrule.Rule {
	return pathrule.Rule{Patterns: patterns, Opens: pathrule.Public}
}

func optional(patterns ...string) pathrule.Rule {
	return pathrule.Rule{Patterns: patterns, Opens: pathrule.Optional}
}

func only(r pathrule.Rule, methods ...string) pathrule.Rule {
	r.Methods = methods
	return r
}

func TestRulesDecide(t *testing.T) {
	site := []pathrule.Rule{
		0: demand("/admin/*"), 1: public("/admin/logo.png"), 2: demand("/admin/keys/*"),
		3: public("/assets/*"), 4: demand("/assets/private/*"), 5: public("/assets/private/open/*"),
		6: only(public("/api/*"), "GET"), 7: demand("/api/*"), 8: optional("/shop/*"), 9: demand("/login", "/café/*"),
		10: public("/both/*"), 11: demand("/both/*"), 12: optional("/lax/*"), 13: public("/lax/*"), 14: public("/wiki/*"), 15: demand("/old/"),
	}
	for _, c := range []struct {
		name, method, target string
		access               pathrule.Access
		base                 bool
		demands              []int
	}{
		{"a path of no rule", "GET", "/x", pathrule.Session, true, nil},
		{"a demand comes beside those of the site", "GET", "/admin/x", pathrule.Session, true, []int{0}},
		{"all demands hold", "GET", "/admin/keys/1", pathrule.Session, true, []int{0, 2}},
		{"an exact path opens within a prefix", "GET", "/admin/logo.png", pathrule.Public, false, nil},
		{"a prefix opens, and lifts what the site demands", "GET", "/assets/a", pathrule.Public, false, nil},
		{"a narrower demand stays", "GET", "/assets/private/a", pathrule.Session, false, []int{4}},
		{"and is lifted by what is narrower yet", "GET", "/assets/private/open/a", pathrule.Public, false, nil},
		{"for one method open, as narrow as the demand for all", "GET", "/api/x", pathrule.Public, false, nil},
		{"GET is HEAD too", "HEAD", "/api/x", pathrule.Public, false, nil},
		{"the other methods are demanded", "POST", "/api/x", pathrule.Session, true, []int{7}},
		{"optional", "GET", "/shop/x", pathrule.Optional, false, nil},
		{"a demand as narrow as an opening stays", "GET", "/both/x", pathrule.Session, false, []int{11}},
		{"of two openings as narrow, the one that asks for more", "GET", "/lax/x", pathrule.Optional, false, nil},

		{"a demand at a folder is one at its name", "GET", "/admin", pathrule.Session, true, []int{0}},
		{"an opening is not", "GET", "/assets", pathrule.Session, true, nil},
		{"a demand at a path is one with a slash behind", "GET", "/login/", pathrule.Session, true, []int{9}},
		{"a demand at a path with a slash is one without", "GET", "/old", pathrule.Session, true, []int{15}},
		{"a demand does not go on", "GET", "/login/x", pathrule.Session, true, nil},
		{"a demand does not end within a name", "GET", "/administration", pathrule.Session, true, nil},
		{"a demand holds in any case of letters", "GET", "/ADMIN/x", pathrule.Session, true, []int{0}},
		{"also beyond ASCII", "GET", "/CAF%C3%89/x", pathrule.Session, true, []int{9}},
		{"the Kelvin sign is a k", "GET", "/admin/%E2%84%AAeys/x", pathrule.Session, true, []int{0, 2}},
		{"an opening is letter by letter", "GET", "/ASSETS/a", pathrule.Session, true, nil},

		{"a demand of any reading holds", "GET", "/admin;x/users", pathrule.Session, true, []int{0}},
		{"a reading that leaves what is open", "GET", "/assets/..;/x", pathrule.Session, true, nil},
		{"a reading that enters what is demanded", "GET", "/assets/..%2fadmin/x", pathrule.Session, true, []int{0}},
		{"a reading of an app behind a prefix that leaves what is open", "GET", "/assets/..;/..;/assets/x", pathrule.Session, true, nil},
		{"a script before what is demanded", "GET", "/index.php/admin/x", pathrule.Session, true, []int{0}},
		{"a script within what is open", "GET", "/wiki/index.php/Main", pathrule.Public, false, nil},
		{"a script before what is demanded, within what is open", "GET", "/wiki/index.php/../../admin/x", pathrule.Session, true, []int{0}},
		{"a session of ASP.NET before what is demanded", "GET", "/(S(abc))/admin/x", pathrule.Session, true, []int{0}},
		{"a stream of what is demanded", "GET", "/admin::$INDEX_ALLOCATION/x", pathrule.Session, true, []int{0}},
		{"characters that normalise within what is open", "GET", "/wiki/%E2%84%96%F0%9F%98%80%E2%9D%A4%EF%B8%8F", pathrule.Public, false, nil},
		{"two dots in one character", "GET", "/assets/%EF%B8%B0/x", pathrule.Session, true, nil},
		{"all readings are open", "GET", "/wiki/AC%2FDC", pathrule.Public, false, nil},
		{"several slashes within what is open", "GET", "/assets//a", pathrule.Public, false, nil},
		{"of one reading public, of another optional", "GET", "/wiki/..%2f..%2fshop/shop/x", pathrule.Optional, false, nil},
		{"an address that needed no encoding", "GET", "/%61ssets/a", pathrule.Public, false, nil},
		{"too many readings", "GET", "/assets/..;a/%252e%252e/b%2fc%5cd//e./%25u002f%3f%ef%bc%8f;/../f", pathrule.Session, true, []int{0, 2, 4, 7, 9, 11, 15}},
	} {
		t.Run(c.name, func(t *testing.T) {
			holdVerdict(t, site, pathrule.Session, c.method, c.target, fmt.Sprint(c.access, c.base, c.demands))
		})
	}
}

func holdVerdict(t *testing.T, list []pathrule.Rule, base pathrule.Access, method, target, want string) {
	t.Helper()
	rules, err := pathrule.New(base, list)
	if err != nil {
		t.Fatal(err)
	}
	v := rules.Decide(parse(t, target), method, true)
	var demands []int
	for i := range list {
		if v.Demands(i) {
			demands = append(demands, i)
		}
	}
	if got := fmt.Sprint(v.Access, v.Base, demands); got != want {
		t.Errorf("%s; want %s", got, want)
	}
}

// Programs that read a decoded path as a URL drop tabs and line ends in it.
func TestATabOrALineEndWalksAroundNoRule(t *testing.T) {
	list := []pathrule.Rule{demand("/admin/*"), public("/*")}
	for _, target := range []string{"/ad%09min/users", "/admin%0a/users", "/x/.%09./admin/u", "/%0dadmin/users"} {
		rules, err := pathrule.New(pathrule.Session, list)
		if err != nil {
			t.Fatal(err)
		}
		if v := rules.Decide(parse(t, target), "GET", true); v.Access == pathrule.Public || !v.Demands(0) {
			t.Errorf("%s is open", target)
		}
	}
}

func TestTheOrderOfRulesDecidesNothing(t *testing.T) {
	list := []pathrule.Rule{demand("/a/*"), public("/a/b/*"), demand("/a/b/c/*"), only(public("/a/b/c/*"), "GET")}
	for _, target := range []string{"/a/x", "/a/b/x", "/a/b/c/x", "/a/b/..%2fx"} {
		for _, method := range []string{"GET", "POST"} {
			forth, _ := pathrule.New(pathrule.Session, list)
			turned := slices.Clone(list)
			slices.Reverse(turned)
			back, _ := pathrule.New(pathrule.Session, turned)
			f, b := forth.Decide(parse(t, target), method, true), back.Decide(parse(t, target), method, true)
			if f.Access != b.Access || f.Base != b.Base {
				t.Errorf("%s %s: %v and %v", method, target, f, b)
			}
			for i := range list {
				if f.Demands(i) != b.Demands(len(list)-1-i) {
					t.Errorf("%s %s: rule %d demands in one order alone", method, target, i)
				}
			}
		}
	}
}

func TestRulesOfAMethod(t *testing.T) {
	list := []pathrule.Rule{only(demand("/a/*"), "POST"), only(public("/a/*"), "OPTIONS")}
	for _, c := range []struct{ name, method, want string }{
		{"the method", "POST", "0 true [0]"},
		{"another", "GET", "0 true []"},
		{"a program may take small letters for it", "post", "0 true [0]"},
		{"what opens is letter by letter", "OPTIONS", "2 false []"},
		{"small letters open nothing", "options", "0 true []"},
	} {
		t.Run(c.name, func(t *testing.T) { holdVerdict(t, list, pathrule.Session, c.method, "/a/x", c.want) })
	}
}

func TestRulesOfAllMethodsButSome(t *testing.T) {
	demanded, opened := only(demand("/a/*"), "GET"), only(public("/b/*"), "POST", "PUT")
	demanded.Except, opened.Except = true, true
	list := []pathrule.Rule{demanded, opened}
	for _, c := range []struct{ name, method, path, want string }{
		{"the method", "GET", "/a/x", "0 true []"},
		{"GET is HEAD too", "HEAD", "/a/x", "0 true []"},
		{"another", "POST", "/a/x", "0 true [0]"},
		{"one that nobody knows", "FROB", "/a/x", "0 true [0]"},
		{"small letters are another", "get", "/a/x", "0 true [0]"},
		{"what is open but for a method", "GET", "/b/x", "2 false []"},
		{"the method that it is not open for", "PUT", "/b/x", "0 true []"},
		{"a program may take small letters for it", "put", "/b/x", "0 true []"},
	} {
		t.Run(c.name, func(t *testing.T) { holdVerdict(t, list, pathrule.Session, c.method, c.path, c.want) })
	}
}

// What stays in the words of a wiki's front controller stays open; what is
// demanded elsewhere is demanded there too.
func TestAFrontControllerThatIsOpenStaysOpen(t *testing.T) {
	list := []pathrule.Rule{public("/index.php/*"), demand("/admin/*")}
	for _, c := range []struct{ name, target, want string }{
		{"a page", "/index.php/Main", "2 false []"},
		{"a page with a slash", "/index.php/AC%2FDC", "2 false []"},
		{"what is demanded", "/index.php/admin/x", "0 false [1]"},
		{"another script", "/other.php/Main", "0 true []"},
	} {
		t.Run(c.name, func(t *testing.T) { holdVerdict(t, list, pathrule.Session, "GET", c.target, c.want) })
	}
}

// A pattern whose characters are others when they are normalised opens what it
// says, and nothing that only looks like it.
func TestAPatternIsComparedAsItIsWrittenAndNormalised(t *testing.T) {
	list := []pathrule.Rule{public("/\u2116/*"), demand("/\u2160/*")}
	for _, c := range []struct{ name, target, want string }{
		{"as it is written", "/%E2%84%96/x", "2 false []"},
		{"as it is normalised it is not open", "/No/x", "0 true []"},
		{"what is demanded as it is written", "/%E2%85%A0/x", "0 true [1]"},
		{"what is demanded as it is normalised", "/I/x", "0 true [1]"},
	} {
		t.Run(c.name, func(t *testing.T) { holdVerdict(t, list, pathrule.Session, "GET", c.target, c.want) })
	}
}

func TestWhereASessionIsOptional(t *testing.T) {
	list := []pathrule.Rule{demand("/account/*"), public("/assets/*")}
	for _, c := range []struct{ name, target, want string }{
		{"a path of no rule", "/x", "1 true []"},
		{"a demand needs a session", "/account/x", "0 true [0]"},
		{"a demand of one reading needs a session", "/x/..;/account/x", "0 true [0]"},
		{"public is public", "/assets/x", "2 false []"},
		{"of one reading public, of another optional", "/assets/..%2fx", "1 true []"},
	} {
		t.Run(c.name, func(t *testing.T) { holdVerdict(t, list, pathrule.Optional, "GET", c.target, c.want) })
	}
}

func TestARuleForClearPathsOnlyAsksTheCaller(t *testing.T) {
	rules, err := pathrule.New(pathrule.Session, []pathrule.Rule{{Patterns: []string{"/a/*"}, Opens: pathrule.Public, Clear: true}})
	if err != nil {
		t.Fatal(err)
	}
	if v := rules.Decide(parse(t, "/a/x"), "GET", true); v.Access != pathrule.Public {
		t.Error("a clear path is not open")
	}
	if v := rules.Decide(parse(t, "/a/x"), "GET", false); v.Access != pathrule.Session || !v.Base {
		t.Error("another is")
	}
}

func TestRulesThatCannotBe(t *testing.T) {
	for name, c := range map[string]struct {
		pattern, says string
	}{
		"no slash":            {"admin/*", "give an exact path"},
		"nothing":             {"", "give an exact path"},
		"an asterisk within":  {"/a/*/b", "give an exact path"},
		"two asterisks":       {"/a/**", "give an exact path"},
		"an encoding":         {"/a%20b", "write it decoded"},
		"a parameter":         {"/a;b", "write it decoded"},
		"a backslash":         {`/a\b`, "write it decoded"},
		"a query":             {"/a?b", "write it decoded"},
		"two slashes":         {"/a//b", "write it decoded"},
		"a dot segment":       {"/a/../b", "write it decoded"},
		"a control character": {"/a\x00", "write it decoded"},
		"what is not UTF-8":   {"/\xff", "write it decoded"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := pathrule.New(pathrule.Session, []pathrule.Rule{demand("/fine"), demand(c.pattern)})
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := pathrule.New(pathrule.Session, make([]pathrule.Rule, pathrule.MaxRules+1)); err == nil || !strings.Contains(err.Error(), "256 at most") {
		t.Errorf("too many rules: %v", err)
	}
	if _, err := pathrule.New(pathrule.Session, make([]pathrule.Rule, 1)); err == nil || !strings.Contains(err.Error(), "names no path") {
		t.Errorf("no pattern: %v", err)
	}
}
