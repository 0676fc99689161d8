package refusal_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"html"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/web"
)

func TestSignInsAreNamedByTheirEnd(t *testing.T) {
	for _, c := range []struct {
		name, want string
		why        *refusal.Refusal
	}{
		{"one that succeeded", "signed_in", nil},
		{"wrong credentials", "refused", refusal.Credentials},
		{"a person whose entry is not sound", "refused", refusal.Profile},
		{"a person whom the configuration refuses, in its own words", "refused", refusal.Rule.Saying("Staff only")},
		{"a person who has as many sessions as they may have", "refused", refusal.TooManySessions},
		{"a person whose number is somebody else's", "refused", refusal.NumberTaken},
		{"a person of whom nothing can be made, which is no failure of theirs", "failed", refusal.NotMapped},
		{"somebody who cancelled at the provider", "refused", refusal.Denied},
		{"a body that cannot be read", "refused", refusal.Malformed},
		{"too many attempts", "throttled", refusal.Attempts.After(time.Minute)},
		{"too much to do", "busy", refusal.Busy},
		{"a store that cannot tell", "failed", refusal.Unavailable},
		{"a store that cannot tell, on a route with another status", "failed", refusal.Unavailable.WithStatus(500)},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := refusal.ResultOf(c.why); got != c.want || !slices.Contains(refusal.Results, got) {
				t.Errorf("it is %s; want %s", got, c.want)
			}
		})
	}
}

func TestWhatTheLoginPageSays(t *testing.T) {
	for _, c := range []struct {
		name string
		why  *refusal.Refusal
		want web.Failure
	}{
		{"to wrong credentials", refusal.Credentials, web.Wrong},
		{"to a body that cannot be read", refusal.Malformed, web.Wrong},
		{"to too many attempts", refusal.Attempts, web.Throttled},
		{"to too much to do", refusal.Busy, web.Busy},
		{"to a store that cannot tell", refusal.Unavailable, web.Unavailable},
		{"to whom the configuration refuses", refusal.Rule, web.Refused},
		{"to who may have no more sessions", refusal.TooManySessions, web.TooMany},
		{"to whose number is somebody else's", refusal.NumberTaken, web.Taken},
		{"to whom nothing can be made of", refusal.NotMapped, web.Unmapped},
		{"to an entry that is not sound", refusal.Profile, web.Incomplete},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.why.Page != c.want {
				t.Errorf("failure %d; want %d", c.why.Page, c.want)
			}
		})
	}
}

// A page that says under its heading what the heading says tells nothing.
func TestNoPageRepeatsItsHeading(t *testing.T) {
	for name, why := range map[string]*refusal.Refusal{
		"nobody is signed in": refusal.Anonymous, "the session has ended": refusal.Gone, "the token is bad": refusal.Token,
		"a role is missing": refusal.Role, "a foreign account": refusal.Account, "another site": refusal.CrossOrigin, "a page over plain http": refusal.PlainOrigin,
		"two accounts": refusal.TwoAccounts, "a body that cannot be read": refusal.Malformed, "no such page": refusal.NotFound,
		"no such session": refusal.NoSession, "another method": refusal.Method, "a large body": refusal.TooLarge,
		"a slow body": refusal.Slow, "an early request": refusal.TooEarly, "too many cookies": refusal.TooMany,
		"another type": refusal.Media, "a store that cannot tell": refusal.Unavailable, "an unreadable session": refusal.Unreadable, "an unsigned token": refusal.Unsigned,
		"too many attempts": refusal.Attempts, "too much to do": refusal.Busy, "a rule": refusal.Rule,
		"a rule in words of its own": refusal.Rule.Saying("Staff only."),
	} {
		t.Run(name, func(t *testing.T) {
			title, detail := page(t, why)
			if detail == "" || strings.Contains(strings.ToLower(detail), strings.ToLower(title)) {
				t.Errorf("under %q stands %q", title, detail)
			}
			if said := detail == why.Message; said != (why.Own() != "" || strings.HasPrefix(why.Text, "refusal.")) {
				t.Errorf("it says %q; the refusal %q", detail, why.Message)
			}
		})
	}
}

// It was said three times: in words, beside the wait, and on the button.
func TestAPageSaysInWordsOnceThatOneMayTryAgain(t *testing.T) {
	for tag, words := range map[string]string{"en": "try again", "de": "noch einmal"} {
		for name, why := range map[string]*refusal.Refusal{
			"a store that cannot tell": refusal.Unavailable, "a source that is away": refusal.Source, "another gateway": refusal.OldGateway,
			"an end that is not confirmed": refusal.NotEnded, "a sign-out that is not": refusal.StillSignedIn, "too many streams": refusal.Listeners,
			"too many attempts": refusal.Attempts.After(time.Minute),
		} {
			r, w := asking(tag), httptest.NewRecorder()
			view := (*web.Look)(nil).For(r)
			why.Problem(r, view).Write(w, view)
			said, _, _ := strings.Cut(w.Body.String(), "<a ")
			if n := strings.Count(strings.ToLower(said), words); n != 1 {
				t.Errorf("%s, of %s: %d times\n%s", tag, name, n, said)
			}
		}
	}
}

// A page tells what programs are told, and people read it in their language.
func TestARefusalsPageSaysItsMessage(t *testing.T) {
	english, german := web.View{}, (*web.Look)(nil).For(asking("de"))
	seen := 0
	for name, entry := range entries(t) {
		key := strings.Trim(entry["Text"], `"`)
		if key == "" {
			continue
		}
		seen++
		said := literal(t, entry["Message"])
		if strings.HasPrefix(key, "refusal.") && english.Text(key) != said {
			t.Errorf("%s says %q to programs, and to people %q", name, said, english.Text(key))
		}
		if translated := german.Text(key); translated == key || translated == english.Text(key) {
			t.Errorf("%s says in German %q", name, translated)
		}
	}
	if seen < 30 {
		t.Errorf("%d were looked at", seen)
	}
}

func TestARefusalIsSaidInTheLanguageOfWhoAsks(t *testing.T) {
	for _, c := range []struct {
		name     string
		why      *refusal.Refusal
		language string
		want     string
	}{
		{"in English", refusal.Role, "en", "Your roles and permissions do not allow this."},
		{"in German", refusal.Role, "de-AT, en;q=0.5", "Ihre Rollen und Berechtigungen erlauben das nicht."},
		{"in the operator's words, whatever the language", refusal.Rule.Saying("Staff only."), "de", "Staff only."},
		{"by the page of its status", refusal.NotFound, "de", "Diese Adresse führt nirgendwohin."},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			c.why.Write(w, asking(c.language), nil)
			if !strings.Contains(w.Body.String(), c.want) {
				t.Errorf("it says\n%s", w.Body)
			}
			if got := w.Header().Get("Vary"); got != web.VaryOnCaller+", Accept-Language" {
				t.Errorf("Vary is %q", got)
			}
		})
	}
	t.Run("and to programs in English", func(t *testing.T) {
		r, w := asking("de"), httptest.NewRecorder()
		r.Header.Del("Accept")
		refusal.Role.Write(w, r, nil)
		if !strings.Contains(w.Body.String(), refusal.Role.Message) || w.Header().Get("Content-Language") != "" || w.Header().Get("Vary") != web.VaryOnCaller {
			t.Errorf("it says %s with %v", w.Body, w.Header())
		}
	})
}

// literal is the text that a concatenation of literals makes.
func literal(t *testing.T, source string) (text string) {
	t.Helper()
	e, err := parser.ParseExpr(source)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(e, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok {
			part, err := strconv.Unquote(l.Value)
			if err != nil {
				t.Fatal(err)
			}
			text += part
		}
		return true
	})
	return text
}

func asking(language string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Accept-Language", language)
	return r
}

// page is the heading of a refusal's page, and what stands under it.
func page(t *testing.T, why *refusal.Refusal) (title, detail string) {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Accept", "text/html")
	w := httptest.NewRecorder()
	why.Write(w, r, nil)
	_, rest, found := strings.Cut(w.Body.String(), "<h1>")
	title, rest, _ = strings.Cut(rest, "</h1>\n<p>")
	detail, _, closed := strings.Cut(rest, "</p>")
	if !found || !closed {
		t.Fatalf("no heading with a text in\n%s", w.Body)
	}
	return html.UnescapeString(title), html.UnescapeString(detail)
}

// Those of the table are shared by all requests.
func TestARefusalOfTheTableNeverChanges(t *testing.T) {
	before := *refusal.Unavailable
	refusal.Unavailable.WithStatus(500).Message = "changed"
	refusal.Unavailable.Saying("other").Status = 1
	refusal.Unavailable.After(time.Hour).Code = "changed"
	if *refusal.Unavailable != before {
		t.Errorf("it is now %+v", refusal.Unavailable)
	}
	if refusal.Rule.Saying("").Message != refusal.Rule.Message {
		t.Error("an empty message takes the place of the fixed one")
	}
}

// RFC 9110 section 15.5.2: a 401 has a challenge; where a page is the answer it
// sets one. RFC 6750 section 3.1: without an error code when nothing was
// presented.
func TestEvery401NamesAChallenge(t *testing.T) {
	seen := 0
	for name, entry := range entries(t) {
		if entry["Status"] != "http.StatusUnauthorized" {
			continue
		}
		seen++
		challenge := entry["Challenge"]
		if !strings.Contains(challenge, "Bearer") || strings.Contains(challenge, "error") != strings.HasPrefix(name, "Token") {
			t.Errorf("%s: the challenge is %s", name, challenge)
		}
	}
	if seen < 4 {
		t.Errorf("%d were looked at", seen)
	}
	for name, why := range map[string]*refusal.Refusal{"Denied": refusal.Denied, "Clock": refusal.Clock, "Misconfigured": refusal.Misconfigured} {
		w := httptest.NewRecorder()
		why.WriteHeaders(w)
		web.Login{Base: "/auth", Failure: why.Page}.Write(w, web.View{}, why.Status)
		if w.Code != http.StatusUnauthorized || w.Header().Get("WWW-Authenticate") == "" {
			t.Errorf("%s: %d without a challenge", name, w.Code)
		}
	}
}

// What the login page can be answered with says what the page says, and how the
// attempt is counted: an empty label would be one that nobody knows.
func TestWhatEndsASignInHasAPageAndAResult(t *testing.T) {
	for name, entry := range entries(t) {
		if (entry["Page"] == "") != (entry["Result"] == "") {
			t.Errorf("%s has the page %q and the result %q", name, entry["Page"], entry["Result"])
		}
		if entry["Message"] == "" || entry["Code"] == "" {
			t.Errorf("%s says nothing", name)
		}
	}
}

// A program that is told a code which the document does not have takes it for none, and
// one that the document has and nobody says is waited for in vain.
func TestTheCodesAreThoseOfTheDocument(t *testing.T) {
	var document struct {
		Components struct {
			Schemas map[string]struct{ Enum []string }
		}
	}
	if err := yaml.Unmarshal(web.Swagger("/auth", ""), &document); err != nil {
		t.Fatal(err)
	}
	told := make(map[string]bool)
	for name, entry := range entries(t) {
		code, err := strconv.Unquote(entry["Code"])
		if err != nil {
			t.Errorf("%s has the code %s", name, entry["Code"])
		}
		told[code] = true
	}
	for _, why := range []*refusal.Refusal{
		refusal.Denied, refusal.Expired, refusal.NoCookie, refusal.NoCookiePlain, refusal.CrowdedOut, refusal.Forged, refusal.Spent, refusal.Clock,
		refusal.Misconfigured, refusal.Unverified, refusal.Unvouched, refusal.NoEmail,
	} {
		if why.Code == "" || why.Message == "" || (why.Status == http.StatusUnauthorized) != (why.Challenge == "Bearer") {
			t.Errorf("%d %q says %q, with the challenge %q", why.Status, why.Code, why.Message, why.Challenge)
		}
		told[why.Code] = true
	}
	if got := slices.Sorted(slices.Values(document.Components.Schemas["ErrorCode"].Enum)); !slices.Equal(got, slices.Sorted(maps.Keys(told))) {
		t.Errorf("the document has\n%q\nthe table\n%q", got, slices.Sorted(maps.Keys(told)))
	}
}

// entries are the refusals of the table as they are written there, by name.
func entries(t *testing.T) map[string]map[string]string {
	t.Helper()
	text, err := os.ReadFile("table.go")
	if err != nil {
		t.Fatal(err)
	}
	lines := token.NewFileSet()
	parsed, err := parser.ParseFile(lines, "table.go", text, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]map[string]string)
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		pointer, ok := spec.Values[0].(*ast.UnaryExpr)
		if !ok {
			return true
		}
		entry := make(map[string]string)
		for _, element := range pointer.X.(*ast.CompositeLit).Elts {
			pair := element.(*ast.KeyValueExpr)
			entry[pair.Key.(*ast.Ident).Name] = string(text[lines.Position(pair.Value.Pos()).Offset:lines.Position(pair.Value.End()).Offset])
		}
		found[spec.Names[0].Name] = entry
		return true
	})
	if len(found) < 20 {
		t.Fatalf("%d refusals were found", len(found))
	}
	return found
}

// A refusal is written as a whole in its table, and nowhere else.
func TestRefusalsStandInTheTableAlone(t *testing.T) {
	for _, folder := range []string{"../endpoint", "../caller", ".."} {
		packages, err := parser.ParseDir(token.NewFileSet(), folder, nil, 0) //nolint:staticcheck // build tags do not matter here
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range packages {
			ast.Inspect(p, func(n ast.Node) bool {
				literal, ok := n.(*ast.CompositeLit)
				if !ok {
					return true
				}
				if named, ok := literal.Type.(*ast.SelectorExpr); ok && named.Sel.Name == "Refusal" {
					t.Errorf("%s writes a refusal of its own", folder)
				}
				return true
			})
		}
	}
}
