package web_test

import (
	"net/http"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/web"
)

// TestNothingBreaksOutOfTheDocs puts markup wherever the page shows a text.
func TestNothingBreaksOutOfTheDocs(t *testing.T) {
	shapes := make(map[string]string)
	for name, text := range map[string]string{
		"plain": "a", "markup": `"><script>alert(1)</script>`, "code": "`<b>`", "an entity": "&quot; onfocus=x", "an address": "https://example.com/",
	} {
		f := []web.DocsField{{Name: text, In: text, Type: text, Required: true, Text: text, Value: text}}
		s := []web.DocsSample{{Name: text, Text: text}}
		d := web.Docs{Base: text, Title: text, Summary: text, Intro: text, Groups: []web.DocsGroup{{Name: text, Text: text, Routes: []web.DocsRoute{{
			ID: "id", Method: text, Path: text, Summary: text, Text: text, Confirm: text, Headers: f, Parameters: f, Bodies: s,
			Answers: []web.DocsAnswer{{Status: text, Reason: text, Text: text, Samples: s}}, Told: f, YAML: s, TypeScript: s,
		}}}}}
		all := render(t, func(w http.ResponseWriter) { d.Page(nil)(w, nil) })
		shapes[name] = strings.ReplaceAll(shape(all), "code()", "")
		if n := len(find(all, "script")); n != 1 {
			t.Errorf("%s: there are %d scripts", name, n)
		}
	}
	for name, got := range shapes {
		if got != shapes["plain"] {
			t.Errorf("%s makes of the page\n%s\nwant\n%s", name, got, shapes["plain"])
		}
	}
}

// The page's script can ask this site alone, and can make no markup of what comes
// (Trusted Types section 4); nothing on it is posted anywhere.
func TestThePolicyOfTheDocs(t *testing.T) {
	w := record(func(w http.ResponseWriter) { web.Docs{}.Page(nil)(w, nil) })
	got := strings.Split(w.Header().Get("Content-Security-Policy"), "; ")
	if len(got) != 10 || !strings.HasPrefix(got[1], "style-src 'sha256-") || strings.Count(got[1], "sha256-") != 2 || strings.Contains(got[1], "unsafe") {
		t.Fatalf("the policy is %q", got)
	}
	got[1] = "style"
	want := "default-src 'none'; style; script-src 'self'; connect-src 'self'; require-trusted-types-for 'script'; trusted-types 'none'; img-src data:; " +
		"form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
	if strings.Join(got, "; ") != want {
		t.Errorf("the policy is\n%s\nwant\n%s", strings.Join(got, "; "), want)
	}
	if w.Header().Get("Cache-Control") != "no-store" || w.Header().Get("Content-Language") != "en" {
		t.Errorf("the headers are %v", w.Header())
	}
}

func TestTheScriptOfTheDocsWritesTextAlone(t *testing.T) {
	script := string(web.DocsScript().Body)
	for _, never := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "localStorage", "sessionStorage", "indexedDB", "document.cookie",
		"history.", "console.", "://"} {
		if strings.Contains(script, never) {
			t.Errorf("it has %s", never)
		}
	}
}
