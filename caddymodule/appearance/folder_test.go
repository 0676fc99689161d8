package appearance

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"example.com/sidegate/caddymodule/web"
)

const ownLogin = `{{template "top"}}<title>Hello</title></head><body><main><h1 class="big">{{t "own.hello"}}</h1>
{{with .Message}}<p role="alert">{{.}}</p>{{end}}
{{range .Providers}}<a href="{{.Href}}">{{.Label}}</a>{{end}}
{{if .Password}}<form method="post" action="{{.Base}}/login">
<input name="{{if .Names}}username{{else}}email{{end}}" aria-label="{{.FieldLabel}}"><input name="password" type="password" aria-label="{{t "login.password"}}">
{{with .ReturnTo}}<input type="hidden" name="return_to" value="{{.}}">{{end}}<button>{{t "login.submit"}}</button></form>{{end}}
</main></body></html>`

// folder has those files in it.
func folder(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestPagesOfOnesOwn(t *testing.T) {
	files := map[string]string{
		"login.html": ownLogin, "en.json": `{"own.hello": "Hello there", "login.submit": "Come in"}`,
		"fr.json": `{"own.hello": "Bonjour", "login.submit": "Se connecter", "who.you": "Vous êtes {0}."}`,
		"ar.json": `{"login.submit": "دخول"}`, "style.css": ".big { color: var(--accent); }\r\n",
	}
	c := Config{Templates: folder(t, files)}
	for language, says := range map[string][]string{
		"en":    {`<html lang="en" dir="ltr">`, "Hello there", "<button>Come in</button>"},
		"fr-CA": {`<html lang="fr" dir="ltr">`, "Bonjour", "<button>Se connecter</button>", `aria-label="Password"`},
		"de":    {`<html lang="de" dir="ltr">`, "Hello there", "<button>Anmelden</button>", `aria-label="Passwort"`},
		"ar":    {`<html lang="ar" dir="rtl">`, "<button>دخول</button>"},
	} {
		page := looked(t, c, language)
		for _, part := range says {
			if !strings.Contains(page, part) {
				t.Errorf("%s: there is no %s in\n%s", language, part, page)
			}
		}
	}
}

// The policy names the style sheet by the hash of what a browser reads, which has no
// carriage returns (HTML section 13.2.3.5).
func TestAStyleOfOnesOwnIsInThePolicyByItsHash(t *testing.T) {
	look, err := (&Config{Templates: folder(t, map[string]string{"style.css": "\ufeff.a {\r\n}\r.b {}"})}).Look(named, nil)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	web.SignedOut{Base: "/auth"}.Write(w, look.For(httptest.NewRequest(http.MethodGet, "/", nil)), http.StatusOK)
	_, rest, _ := strings.Cut(w.Body.String(), "<style>")
	css, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(css))
	policy := w.Header().Get("Content-Security-Policy")
	if !strings.HasSuffix(css, "\n.a {\n}\n.b {}") || !strings.Contains(policy, "style-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"';") || strings.Contains(policy, "unsafe-inline") {
		t.Errorf("the policy is %s, and the style sheet ends with %q", policy, css[max(0, len(css)-40):])
	}
}

func TestTheLayoutOfOnesOwnIsOnEveryPage(t *testing.T) {
	page := looked(t, Config{Name: "Acme", Templates: folder(t, map[string]string{
		"layout.html": `{{define "mark"}}<p class="acme">{{name}} {{lang}}</p>{{end}}`,
	})}, "de")
	if !strings.Contains(page, `<p class="acme">Acme de</p>`) || !strings.Contains(page, "<h1>Anmelden bei Acme</h1>") {
		t.Errorf("the page is\n%s", page)
	}
}

func TestAMistakeInAFileIsToldWithItsLine(t *testing.T) {
	const page = `{{template "top"}}<title>x</title></head><body><main><h1>x</h1>%s</main></body></html>`
	for name, c := range map[string]struct{ file, text, says string }{
		"an action that does not end":         {"signedout.html", "<p>\n{{if .Base}}\n", ":3: unexpected EOF"},
		"a function that there is not":        {"signedout.html", "<p>\n{{shout .Base}}", `:2: function "shout" not defined`},
		"a variable that there is not":        {"signedout.html", "<p>\n{{.Bose}}", `:2:2: executing`},
		"a variable where there is something": {"login.html", "<html lang=en>\n{{if .Cut}}{{.Nowhere}}{{end}}<style>{{style}}</style>", `:2:13: executing`},
		"a text that there is not":            {"signedout.html", "<p>{{t \"own.nothing\"}}", `:1:5: executing`},
		"an attribute that does not end":      {"signedout.html", "<p title=\"{{.Base}}>", `signedout.html`},
		"a part that there is not":            {"signedout.html", "\n\n{{template \"foot\"}}", `:3`},
		"a part of all pages, redefined":      {"signedout.html", `{{define "top"}}x{{end}}<p>`, `: it defines "top", which all pages have`},
		"a layout that defines another part":  {"layout.html", `{{define "foot"}}x{{end}}`, `: it defines "foot", which is no part of a page: those are brand, help, mark, of, top`},
		"a script":                            {"signedout.html", fmt.Sprintf(page, "<script>alert(1)</script>"), ": it has a script, which the policy"},
		"a script from elsewhere":             {"signedout.html", fmt.Sprintf(page, `<script src="https://evil.example/a.js"></script>`), ": a <script> loads something"},
		"a style in the page":                 {"signedout.html", fmt.Sprintf(page, "<style>p{}</style>"), "put it into style.css"},
		"a style of an element":               {"signedout.html", fmt.Sprintf(page, `<p style="color:red">`), ": a <p> has a style of its own"},
		"a handler":                           {"signedout.html", fmt.Sprintf(page, `<p onclick="x()">`), ": a <p> has a handler, onclick"},
		"a picture from elsewhere":            {"signedout.html", fmt.Sprintf(page, `<img src="https://evil.example/a.png">`), ": a <img> loads something"},
		"a frame":                             {"signedout.html", fmt.Sprintf(page, `<iframe></iframe>`), ": it has a <iframe>"},
		"a link to a script":                  {"signedout.html", fmt.Sprintf(page, `<a href="JavaScript:x()">x</a>`), ": a <a> leads to a script"},
		"a sign-in without its form":          {"login.html", fmt.Sprintf(page, ""), ": it has no form that posts username, password, return_to to /auth/login"},
		"a sign-out that posts elsewhere":     {"logout.html", fmt.Sprintf(page, `<form action="/logout" method="post"><button>x</button></form>`), ": it has no form that posts  to /auth/logout"},
		"a style sheet that ends":             {"style.css", "a{}\n</STYLE><script>", ":2: a style sheet has no markup in it"},
		"a style sheet that loads another":    {"style.css", "\n@Import 'a.css';", ":2: no page loads another style sheet"},
		"a style sheet that loads a picture":  {"style.css", "a{background:url( \"https://evil.example/a.png\")}", ":1: no page loads a picture"},
		"a page that there is not":            {"longin.html", "x", `: there is no page "longin"; is login meant?`},
		"a file of another kind":              {"readme.md", "x", "readme.md: no such file is known here: there may be layout.html"},
		"a language that is none":             {"german!.json", "{}", `"german!" is no language as browsers ask for them: name the file by its tag, such as fr.json`},
		"a language of one letter":            {"x.json", "{}", `"x" is no language as browsers`},
		"a language by its name":              {"french.json", "{}", `"french" is no language as browsers`},
		"a language that goes on to nothing":  {"de-x.json", "{}", `"de-x" is no language as browsers`},
		"an empty page":                       {"login.html", " \n", "login.html is empty"},
		"a page that is no text":              {"login.html", "\xff\xfe", "is no text in UTF-8"},
		"a page of too many bytes":            {"login.html", strings.Repeat("x", largestFile+1), "and may have 262144"},
		"texts that are no JSON":              {"fr.json", "{\n\"login.submit\": \"x\",\n\"a\n", ":3: this cannot be read as JSON"},
		"texts that are a list":               {"fr.json", "[]", ":1: the texts stand in one JSON object"},
		"texts in a text":                     {"fr.json", "{\"login\": {\"submit\": \"x\"}}", ":1: a text is meant here"},
		"texts that do not end":               {"fr.json", "{\"login.submit\": \"x\"", ":1: this cannot be read"},
		"something behind the texts":          {"fr.json", "{}\n{}", "something stands behind the texts"},
		"a text that there is not, in French": {"fr.json", "{\n\n\"login.submitt\": \"x\"}", `:3: there is no text "login.submitt"; is login.submit meant?`},
		"a text of one's own, unmarked":       {"fr.json", `{"greeting": "x"}`, `:1: there is no text "greeting"; one of your own begins with own.`},
		"a text that is there twice":          {"fr.json", "{\"login.submit\": \"x\",\n\"login.submit\": \"y\"}", `:2: "login.submit" is there twice`},
		"a text without its place":            {"fr.json", `{"who.you": "Vous."}`, `:1: "who.you" has the places none, and in English it has {0}`},
		"a text with a place too many":        {"fr.json", `{"login.submit": "x {1}"}`, `has the places {1}, and in English it has none`},
		"a text that says nothing":            {"fr.json", `{"login.submit": " "}`, `"login.submit" says nothing`},
	} {
		t.Run(name, func(t *testing.T) {
			dir := folder(t, map[string]string{c.file: c.text})
			_, err := (&Config{Templates: dir}).Look(named, nil)
			if err == nil || !strings.HasPrefix(err.Error(), "appearance templates: "+filepath.Join(dir, c.file)) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("told: %v", err)
			}
		})
	}
}

// Whoever may write into the folder must not have any file of the machine read out.
func TestALinkOutOfTheFolderIsNotFollowed(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("Mark3r"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]string{"out of it": secret, "up and out of it": "../../../../../../.." + secret, "nowhere": "gone.html"} {
		dir := t.TempDir()
		if err := os.Symlink(target, filepath.Join(dir, "login.html")); err != nil {
			t.Fatal(err)
		}
		if _, err := (&Config{Templates: dir}).Look(named, nil); err == nil || strings.Contains(err.Error(), "Mark3r") || !strings.Contains(err.Error(), "the link leads out of the folder, or nowhere") {
			t.Errorf("%s: told: %v", name, err)
		}
	}
}

// As Kubernetes mounts a ConfigMap.
func TestAFileBehindALinkWithinTheFolderIsRead(t *testing.T) {
	dir := t.TempDir()
	inside := filepath.Join(dir, "..2026_01_01")
	for _, err := range []error{os.Mkdir(inside, 0o700), os.WriteFile(filepath.Join(inside, "en.json"), []byte(`{"login.submit": "Come in"}`), 0o600),
		os.Symlink("..2026_01_01", filepath.Join(dir, "..data")), os.Symlink("..data/en.json", filepath.Join(dir, "en.json"))} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if page := looked(t, Config{Templates: dir}, "en"); !strings.Contains(page, "Come in") {
		t.Errorf("the page is\n%s", page)
	}
}

func TestWhatIsNoPlainFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	if _, err := (&Config{Templates: dir}).Look(named, nil); err == nil || !strings.Contains(err.Error(), "has no file: there may be layout.html") {
		t.Errorf("an empty folder: %v", err)
	}
	if err := syscall.Mkfifo(filepath.Join(dir, "login.html"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := (&Config{Templates: dir}).Look(named, nil); err == nil || !strings.Contains(err.Error(), "is no plain file") {
		t.Errorf("a pipe: %v", err)
	}
	many := map[string]string{}
	for i := range mostFiles + 1 {
		many[fmt.Sprintf("%c%c.json", 'a'+i/26, 'a'+i%26)] = "{}"
	}
	if _, err := (&Config{Templates: folder(t, many)}).Look(named, nil); err == nil || !strings.Contains(err.Error(), "has more than 64 files") {
		t.Errorf("many files: %v", err)
	}
}

// Our own pages are in order by what an operator's are held to.
func TestOurOwnPagesPass(t *testing.T) {
	if _, err := tried(web.Appearance{Name: "Acme", HelpURL: "https://help.example.com"}); err != nil {
		t.Error(err)
	}
}
