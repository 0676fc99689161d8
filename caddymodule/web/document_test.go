package web_test

import (
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"example.com/sidegate/caddymodule/web"
)

// element is one element of a page: its attributes, and the text in it.
type element struct {
	name string
	attr map[string]string
	text string
}

// elements reads a page, which must be well formed, in document order.
func elements(t *testing.T, page string) []*element {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, xml.HTMLAutoClose, xml.HTMLEntity
	var all, open []*element
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatalf("page is not well formed: %v\n%s", err, page)
		}
		switch token := token.(type) {
		case xml.StartElement:
			e := &element{name: token.Name.Local, attr: map[string]string{}}
			for _, a := range token.Attr {
				e.attr[a.Name.Local] = a.Value
			}
			all, open = append(all, e), append(open, e)
		case xml.EndElement:
			open = open[:len(open)-1]
		case xml.CharData:
			for _, e := range open {
				e.text += string(token)
			}
		}
	}
}

func find(all []*element, name string) []*element {
	return slices.DeleteFunc(slices.Clone(all), func(e *element) bool { return e.name != name })
}

func byID(all []*element, id string) *element {
	i := slices.IndexFunc(all, func(e *element) bool { return e.attr["id"] == id })
	if i < 0 {
		return nil
	}
	return all[i]
}

// input is the field of that name; nil when there is none.
func input(all []*element, name string) *element {
	i := slices.IndexFunc(all, func(e *element) bool { return e.name == "input" && e.attr["name"] == name })
	if i < 0 {
		return nil
	}
	return all[i]
}

func record(write func(http.ResponseWriter)) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	write(w)
	return w
}

func render(t *testing.T, write func(http.ResponseWriter)) []*element {
	t.Helper()
	return elements(t, record(write).Body.String())
}

var twoProviders = []web.Provider{
	{Name: "keycloak", Label: "Acme", Href: "/auth/login/keycloak?return_to=%2Forders"},
	{Name: "google", Href: "/auth/login/google"},
}

// everyPage is each page once, in each of its shapes.
func everyPage() map[string]func(http.ResponseWriter) { return everyPageIn(web.View{}) }

// everyPageIn is everyPage as it looks there.
func everyPageIn(v web.View) map[string]func(http.ResponseWriter) {
	pages := map[string]func(http.ResponseWriter){
		"sign out":        func(w http.ResponseWriter) { web.Logout{Base: "/auth", SignedInAs: "ada@example.com"}.Write(w, v, 200) },
		"sign out nobody": func(w http.ResponseWriter) { web.Logout{Base: "/auth"}.Write(w, v, 200) },
		"signed out":      func(w http.ResponseWriter) { web.SignedOut{Base: "/auth"}.Write(w, v, 200) },
		"unreadable":      func(w http.ResponseWriter) { web.Unreadable{Base: "/auth", ReturnTo: "/orders"}.Write(w, v) },
		"started over":    func(w http.ResponseWriter) { web.StartedOver{To: "/auth/login"}.Write(w, v) },
		"onward":          func(w http.ResponseWriter) { web.Onward{Base: "/auth", To: "/orders"}.Write(w, v) },
		"kept form": func(w http.ResponseWriter) {
			web.KeptForm{Action: "/orders", Login: "/auth/login", Fields: []web.Field{{Name: "of", Value: "7"}}, LeftOut: []string{"password"}}.Write(w, v)
		},
		"form from elsewhere": func(w http.ResponseWriter) { web.KeptForm{Login: "/auth/login", Lost: web.LostElsewhere}.Write(w, v) },
		"form of a kind":      func(w http.ResponseWriter) { web.KeptForm{Login: "/auth/login", Lost: web.LostKind}.Write(w, v) },
		"form of a size":      func(w http.ResponseWriter) { web.KeptForm{Login: "/auth/login", Lost: web.LostSize}.Write(w, v) },
		"post back": func(w http.ResponseWriter) {
			web.PostBack{Action: "/auth/callback/keycloak", Fields: []web.Field{{Name: "code", Value: "c"}}}.Write(w, v)
		},
		"sign out there": func(w http.ResponseWriter) {
			web.SignOutThere{Action: "https://sso.example.com/end", Fields: []web.Field{{Name: "id_token_hint", Value: "a.b.c"}}}.Write(w, v)
		},
		"finished":           func(w http.ResponseWriter) { web.Onward{Base: "/auth", To: "/orders", Finished: true}.Write(w, v) },
		"same site":          func(w http.ResponseWriter) { web.SameSite{To: "/orders"}.Write(w, v) },
		"providers only":     func(w http.ResponseWriter) { web.Login{Base: "/auth", Providers: twoProviders}.Write(w, v, 200) },
		"no way to sign in":  func(w http.ResponseWriter) { web.Login{Base: "/auth"}.Write(w, v, 200) },
		"already signed in":  func(w http.ResponseWriter) { web.Login{Base: "/auth", SignedInAs: "ada@example.com"}.Write(w, v, 200) },
		"still in elsewhere": func(w http.ResponseWriter) { web.SignedOut{Base: "/auth", Still: "Acme"}.Write(w, v, 200) },
		"still in somewhere": func(w http.ResponseWriter) { web.SignedOut{Base: "/auth", Still: web.Somewhere}.Write(w, v, 200) },
		"depart":             func(w http.ResponseWriter) { web.Depart{Provider: twoProviders[0]}.Write(w, v) },
		"login, once more": func(w http.ResponseWriter) {
			web.Login{Base: "/auth", Password: true, Failure: web.Wrong, Name: "ada@example.com"}.Write(w, v, 401)
		},
		"one device":  func(w http.ResponseWriter) { oneDevice.Write(w, v) },
		"devices":     func(w http.ResponseWriter) { manyDevices(110, 30).Write(w, v) },
		"no accounts": func(w http.ResponseWriter) { web.Account{Base: "/auth", SignedInAs: "ada@example.com"}.Write(w, v) },
		"accounts":    func(w http.ResponseWriter) { twoAccounts.Write(w, v) },
		"problem with all ways": func(w http.ResponseWriter) {
			web.Problem{Status: 403, Base: "/auth", SignedInAs: "grace@example.com", OtherAccount: true, Back: "/auth/account", ReturnTo: "/orders"}.Write(w, v)
		},
		"problem to ask again": func(w http.ResponseWriter) { web.Problem{Status: 503, Asked: true}.Write(w, v) },
		"problem with a way":   func(w http.ResponseWriter) { web.Problem{Status: 401, Base: "/auth"}.Write(w, v) },
		"problem of somebody": func(w http.ResponseWriter) {
			web.Problem{Status: 403, Base: "/auth", SignedInAs: "grace@example.com", RetryAfter: time.Minute}.Write(w, v)
		},
	}
	for f := web.NoFailure; f <= lastFailure; f++ {
		pages["providers only, failure "+strconv.Itoa(int(f))] = func(w http.ResponseWriter) {
			web.Login{Base: "/auth", Providers: twoProviders[:1], Failure: f}.Write(w, v, 200)
		}
		pages["login, failure "+strconv.Itoa(int(f))] = func(w http.ResponseWriter) {
			web.Login{Base: "/auth", Password: true, Providers: twoProviders, ReturnTo: "/orders", Failure: f}.Write(w, v, 200)
		}
	}
	for status := 400; status < 600; status++ {
		pages["problem "+http.StatusText(status)] = func(w http.ResponseWriter) { web.Problem{Status: status}.Write(w, v) }
	}
	return pages
}

// inLanguage is a page in the language of that tag.
type inLanguage struct {
	tag   string
	write func(http.ResponseWriter)
}

func everyPageAndLanguage() map[string]inLanguage {
	all := map[string]inLanguage{}
	for _, tag := range []string{"en", "de"} {
		for name, write := range everyPageIn(in(tag)) {
			all[name+", "+tag] = inLanguage{tag, write}
		}
	}
	return all
}

// in is the plain look in the language of that tag.
func in(tag string) web.View {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Accept-Language", tag)
	return (*web.Look)(nil).For(r)
}

func TestEveryPageIsFitForAScreenReader(t *testing.T) {
	for name, language := range everyPageAndLanguage() {
		t.Run(name, func(t *testing.T) {
			all := render(t, language.write)
			for _, once := range []string{"html", "title", "main", "h1", "style"} {
				if n := len(find(all, once)); n != 1 {
					t.Errorf("%d <%s>, want one", n, once)
				}
			}
			if lang := find(all, "html")[0].attr["lang"]; lang != language.tag {
				t.Errorf("language is %q", lang)
			}
			for _, named := range []string{"title", "h1", "button", "a"} {
				for _, e := range find(all, named) {
					if strings.TrimSpace(e.text) == "" {
						t.Errorf("a <%s> without a name", named)
					}
				}
			}
			verifyFields(t, all)
		})
	}
}

// verifyFields checks that every field that people see has a label, and that
// what a field refers to is there, once.
func verifyFields(t *testing.T, all []*element) {
	t.Helper()
	ids := map[string]int{}
	for _, e := range all {
		if id := e.attr["id"]; id != "" {
			ids[id]++
		}
	}
	labels := map[string]bool{}
	for _, e := range find(all, "label") {
		labels[e.attr["for"]] = strings.TrimSpace(e.text) != ""
	}
	for _, e := range find(all, "input") {
		if e.attr["type"] != "hidden" && !labels[e.attr["id"]] {
			t.Errorf("field %q has no label", e.attr["name"])
		}
		if d := e.attr["aria-describedby"]; d != "" && ids[d] != 1 {
			t.Errorf("field %q is described by %q, of which there are %d", e.attr["name"], d, ids[d])
		}
	}
	for id, n := range ids {
		if n != 1 {
			t.Errorf("id %q is there %d times", id, n)
		}
	}
	if n := countAttr(all, "autofocus"); n > 1 {
		t.Errorf("%d elements want the focus", n)
	}
}

func countAttr(all []*element, name string) (n int) {
	for _, e := range all {
		if _, ok := e.attr[name]; ok {
			n++
		}
	}
	return n
}

// ownScript is the one script that a page of that name has; empty: none.
func ownScript(t *testing.T, name string) string {
	t.Helper()
	switch {
	case name == "post back", name == "sign out there":
		return "document.getElementById('go').submit()"
	case name == "same site":
		return "location.replace(document.getElementById('go').href+location.hash)"
	case name == "kept form", strings.HasPrefix(name, "form "):
		return fileOf(t, "pages/kept.js")
	case strings.HasPrefix(name, "problem"), name == "unreadable":
		return fileOf(t, "pages/takealong.js")
	case name == "depart":
		return fileOf(t, "pages/depart.js")
	case name == "already signed in", name == "no way to sign in", strings.HasPrefix(name, "providers only"), strings.HasPrefix(name, "login"):
		return fileOf(t, "pages/signin.js")
	}
	return ""
}

func fileOf(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestNoPageHasScriptInlineStyleOrForeignContent(t *testing.T) {
	for name, write := range everyPage() {
		t.Run(name, func(t *testing.T) {
			for _, e := range render(t, write) {
				if e.name == "script" && e.text == ownScript(t, name) {
					continue // a policy names it by its hash
				}
				if slices.Contains([]string{"script", "iframe", "object", "embed", "img", "base"}, e.name) {
					t.Errorf("there is a <%s>", e.name)
				}
				for attr, value := range e.attr {
					if attr == "style" || strings.HasPrefix(attr, "on") || attr == "src" {
						t.Errorf("<%s> has an attribute %s", e.name, attr)
					}
					again := value == "" && strings.HasPrefix(name, "problem") // the page itself
					if attr == "href" && !strings.HasPrefix(value, "/") && e.name != "link" && !again {
						t.Errorf("<%s> leads to %s", e.name, value)
					}
				}
			}
		})
	}
}

// shape is what a page is made of, whatever its texts and values say.
func shape(all []*element) string {
	var b strings.Builder
	for _, e := range all {
		names := make([]string, 0, len(e.attr))
		for name := range e.attr {
			names = append(names, name)
		}
		slices.Sort(names)
		b.WriteString(e.name + "(" + strings.Join(names, " ") + ")")
	}
	return b.String()
}

func seen(c rune) rune {
	if !unicode.IsPrint(c) {
		return -1
	}
	return c
}

// FuzzNothingBreaksOutOfAPage puts any text wherever a page shows one: the
// page stays made of the same elements and attributes, and of no link that a
// browser would run.
func FuzzNothingBreaksOutOfAPage(f *testing.F) {
	for _, seed := range []string{"/orders?a=1&b=2", `"><script>alert(1)</script>`, "' autofocus onfocus=x", "javascript:alert(1)",
		"</style><h1>", "{{.}}", "\x00\xff", "&quot;", "data:text/html,x", "\u2028", " ", "-->", "a\nb"} {
		f.Add(seed)
	}
	fill := func(t *testing.T, text string) []string {
		p := []web.Provider{{Name: "n", Label: text, Href: text}}
		var shapes []string
		for _, write := range []func(http.ResponseWriter){
			func(w http.ResponseWriter) {
				web.Login{Base: text, ReturnTo: text, Password: true, Providers: p}.Write(w, web.View{}, 200)
			},
			func(w http.ResponseWriter) { web.Login{ReturnTo: text, SignedInAs: text}.Write(w, web.View{}, 200) },
			func(w http.ResponseWriter) { web.Login{Failure: web.Refused, Reason: text}.Write(w, web.View{}, 403) },
			func(w http.ResponseWriter) {
				web.Logout{Base: text, ReturnTo: text, SignedInAs: text}.Write(w, web.View{}, 200)
			},
			func(w http.ResponseWriter) {
				web.SignedOut{Base: text, Still: web.Elsewhere("at " + text)}.Write(w, web.View{}, 200)
			},
			func(w http.ResponseWriter) {
				web.Login{Password: true, Failure: web.Wrong, Name: "a" + strings.Map(seen, text)}.Write(w, web.View{}, 401)
			},
			func(w http.ResponseWriter) { web.Depart{Provider: p[0]}.Write(w, web.View{}) },
			func(w http.ResponseWriter) {
				d := web.Device{ID: text, UserAgent: text, Address: text, Method: text}
				web.Sessions{Base: text, SignedInAs: text, This: d, Others: []web.Device{d}, Unreadable: []string{text}}.Write(w, web.View{})
			},
			func(w http.ResponseWriter) {
				web.Account{Base: text, SignedInAs: text, ReturnTo: text, Choices: []web.Choice{{ID: text, Name: text + "!"}}}.Write(w, web.View{})
			},
			func(w http.ResponseWriter) { web.Onward{Base: text, To: text}.Write(w, web.View{}) },
			func(w http.ResponseWriter) {
				web.Problem{Status: 403, Title: text, Detail: text, SignedInAs: text, Base: text}.Write(w, web.View{})
			},
			func(w http.ResponseWriter) {
				web.KeptForm{Action: text, Login: text, Fields: []web.Field{{Name: text, Value: text}}, LeftOut: []string{text}}.Write(w, web.View{})
			},
		} {
			all := render(t, write)
			for _, e := range find(all, "a") {
				if href := strings.ToLower(e.attr["href"]); strings.HasPrefix(href, "javascript:") || strings.HasPrefix(href, "data:") {
					t.Errorf("a link leads to %q", href)
				}
			}
			shapes = append(shapes, shape(all))
		}
		return shapes
	}
	f.Fuzz(func(t *testing.T, text string) {
		if text == "" {
			return // leaves fields out, which is another shape
		}
		// XML knows no control characters; the decoder of this test refuses
		// them, while a browser shows them as nothing.
		text = strings.Map(func(c rune) rune {
			if (c < ' ' && c != '\t' && c != '\n' && c != '\r') || c == 0xfffe || c == 0xffff {
				return '?'
			}
			return c
		}, strings.ToValidUTF8(text, "?"))
		want, got := fill(t, "plain"), fill(t, text)
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("page %d became\n%s\nfrom\n%s", i, got[i], want[i])
			}
		}
	})
}

// A page that says under its heading what the heading says tells nothing.
func TestNoPageRepeatsItsHeading(t *testing.T) {
	for name, page := range everyPageAndLanguage() {
		t.Run(name, func(t *testing.T) {
			all := render(t, page.write)
			heading := plainWords(find(all, "h1")[0].text)
			for _, p := range find(all, "p") {
				sentence, _, _ := strings.Cut(strings.TrimSpace(p.text), ".")
				if p.attr["class"] != "code" && (plainWords(sentence) == heading || strings.HasPrefix(plainWords(sentence), heading+" ")) {
					t.Errorf("under %q stands %q", heading, p.text)
				}
			}
		})
	}
}

// plainWords are the words of a text, in lower case and without what stands between.
func plainWords(text string) string {
	return strings.Join(strings.FieldsFunc(strings.ToLower(text), func(c rune) bool { return !unicode.IsLetter(c) && !unicode.IsDigit(c) }), " ")
}
