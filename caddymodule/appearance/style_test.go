package appearance

import (
	"strings"
	"testing"
)

// What a style sheet loads is refused however it is spelled: a browser reads all of these
// as the same.
func TestAStyleSheetLoadsNothing(t *testing.T) {
	for name, c := range map[string]struct{ css, says string }{
		"another style sheet":                   {"@import 'a.css';", "no page loads another style sheet"},
		"another, by its address":               {"\n@IMPORT url(https://evil.example/a.css);", "2: no page loads another style sheet"},
		"another, in escapes":                   {`@\69mport "https://evil.example/a.css";`, "1: outside of texts in quotes there are no backslashes"},
		"another behind a comment":              {"/* a */@import 'a.css';", "no page loads another style sheet"},
		"a font":                                {"@font-face { font-family: x; src: url(data:image/png;base64,) }", "no page loads another style sheet or a font"},
		"a picture":                             {"a{background:url( 'https://evil.example/a.png')}", "1: no page loads a picture"},
		"a picture of this site":                {"a{background:URL(/a.png)}", "no page loads a picture"},
		"a picture in escapes":                  {`a{background:u\72l(https://evil.example/a.png)}`, "no backslashes"},
		"a picture whose address has a newline": {"a{background:url(\n\"https://evil.example/a.png\")}", "no page loads a picture"},
		"one of several pictures":               {`a{background:image-set("https://evil.example/a.png" 1x)}`, "no page loads a picture"},
		"one of several, as it was once":        {`a{background:-webkit-image-set(url("data:image/png;base64,") 1x)}`, "no page loads a picture"},
		"a picture by src":                      {`a{background:src("https://evil.example/a.png")}`, "no page loads a picture"},
		"a picture behind one that is let in":   {`a{background:url(data:image/png;base64,AA==),url(b.png)}`, "no page loads a picture"},
		"a picture behind a comment in the url": {`a{background:url(/* */"data:image/png;base64,")}`, "no page loads a picture"},
		"quotes inside of a url without":        {`a{background:url(data:image/svg+xml,<svg x='1'/>)}`, "needs quotes around it"},
		"the end of the style sheet":            {"a{}</STYLE>", "a style sheet has no markup"},
		"the end in a text":                     {`a::before{content:"</style>"}`, "a style sheet has no markup"},
		"the end in a comment":                  {"/*</style>*/", "a style sheet has no markup"},
		"a text that does not end":              {"a::before{content:\"x\n}", "1: a text in quotes does not end in its line"},
		"a comment that does not end":           {"a{}\n/* x", "2: a comment does not end"},
	} {
		if err := checkStyle(c.css); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: told: %v", name, err)
		}
	}
	for name, css := range map[string]string{
		"plain rules":              "h1 > a:hover, p + p { color: var(--accent); margin: -1px calc(1px * 2) }\n@media (min-width: 30rem) { a { --src: 1 } }",
		"a picture in it":          `a{background:url(data:image/png;base64,AA==)} b{background:URL( "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>" )}`,
		"escapes in a text":        `a::before{content:"\201C \"a\"" ; quotes: '\27' "x"}`,
		"addresses in a comment":   "/* @import url(https://example.com/) */",
		"addresses in a selector":  `a[href^="https://example.com/"]:not([target="_blank"]) { color: red }`,
		"names that are like them": ".src { } .url { } .image { } a { background-image: none; mask-image: none }",
	} {
		if err := checkStyle(css); err != nil {
			t.Errorf("%s: told: %v", name, err)
		}
	}
}
