package browsertest

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// The widths that pages are looked at in.
const (
	narrow = 320
	wide   = 1280
)

// sized has the window be so wide from now on.
func (b *tab) sized(width int64) {
	b.t.Helper()
	b.do(chromedp.EmulateViewport(width, 800))
}

// forced has the system choose the colours, or no longer.
func (b *tab) forced(on bool) {
	b.t.Helper()
	value := "none"
	if on {
		value = "active"
	}
	b.do(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{
		{Name: "forced-colors", Value: value}, {Name: "prefers-color-scheme", Value: "light"}, {Name: "prefers-reduced-motion", Value: "reduce"},
	}))
}

// speaking has the browser ask for that language from now on.
func (b *tab) speaking(language string) {
	b.t.Helper()
	b.do(emulation.SetUserAgentOverride("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36").WithAcceptLanguage(language))
}

// builtRight is what is wrong with how a page is built, whatever it says.
const builtRight = `(lang => {
	const wrong = [], heads = document.querySelectorAll("h1"), said = text => text.trim().replace(/\s+/g, " ").replace(/[.!?]$/, "");
	if (heads.length !== 1) wrong.push("it has " + heads.length + " h1");
	if (document.documentElement.lang !== lang) wrong.push("its lang is " + document.documentElement.lang + ", not " + lang);
	if (!document.title.trim()) wrong.push("it has no title");
	const head = heads.length ? said(heads[0].textContent) : "";
	for (const p of document.querySelectorAll("main p:not(.brand)")) {
		const text = said(p.textContent), only = p.children.length === 1 && p.children[0].matches("a, button");
		if (!only && text.split(/[.!?] /)[0] === head) wrong.push("under its heading it says " + text);
		if (!text && p.offsetHeight) wrong.push("it has an empty paragraph");
	}
	const ids = [...document.querySelectorAll("[id]")].map(e => e.id), twice = ids.filter((id, i) => ids.indexOf(id) !== i);
	if (twice.length) wrong.push("it has twice the ids " + twice);
	return JSON.stringify(wrong);
})`

// fits is what sticks out of the window.
const fits = `JSON.stringify(document.documentElement.scrollWidth <= innerWidth ? [] : [...document.querySelectorAll("body *")].filter(e =>
	e.getBoundingClientRect().right > innerWidth + 1 && !e.closest("pre, table")).slice(0, 5).map(e => "it sticks out of " + innerWidth + " px: " + e.outerHTML.slice(0, 120))
	.concat("there is something to scroll sideways"))`

// inLine is what stands where nobody has meant it to: controls that touch, and some that
// begin elsewhere than those above and below.
const inLine = `(() => {
	const wrong = [], boxes = [...document.querySelectorAll("main button, main .button, main input:not([type=hidden]), main .device")].filter(e => e.checkVisibility()).map(e => [e, e.getBoundingClientRect()]);
	for (const [i, [e, a]] of boxes.entries()) for (const [f, b] of boxes.slice(i + 1).filter(([f]) => !e.contains(f))) {
		const across = Math.max(a.left, b.left) - Math.min(a.right, b.right), down = Math.max(a.top, b.top) - Math.min(a.bottom, b.bottom);
		if (Math.max(across, down) < 7.5) wrong.push("two controls " + Math.max(across, down) + " px apart: " + e.outerHTML.slice(0, 80) + " and " + f.outerHTML.slice(0, 80));
	}
	const starts = new Set(boxes.filter(([e]) => !e.parentElement.closest(".device")).map(([, box]) => Math.round(box.left)));
	if (starts.size > 1) wrong.push("its controls begin at " + [...starts] + " px");
	return JSON.stringify(wrong);
})()`

// controls are those that can be pressed or filled in as they are seen: from above, and
// from where a line begins.
const controls = `(() => {
	const seen = [...document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")].filter(e => e.checkVisibility() && !e.disabled);
	const at = e => { const r = e.getBoundingClientRect(); return [Math.round(r.top + scrollY), Math.round(r.left)]; };
	return seen.map(e => [e, ...at(e)]).sort((a, b) => a[1] - b[1] || a[2] - b[2]).map(([e]) => e);
})()`

// visible is what cannot be seen: an edge or a line below it tells a control from the text
// around it, and an outline which of them has the focus.
const visible = `(() => {
	const wrong = [], named = e => e.outerHTML.slice(0, 100);
	const behind = e => { for (e = e.parentElement; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor; if (!/, 0\)$/.test(c)) return c; } return "rgb(255, 255, 255)"; };
	const light = text => { const [r, g, b] = text.match(/[\d.]+/g).slice(0, 3).map(c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
	const contrast = (a, b) => { const [l, m] = [light(a), light(b)].sort((x, y) => y - x); return (l + .05) / (m + .05); };
	for (const e of ` + controls + `) {
		const s = getComputedStyle(e), card = behind(e);
		if (e.matches("a:not(.button)")) {
			if (!s.textDecorationLine.includes("underline") && !e.closest("nav")) wrong.push("a link that no line tells from text: " + named(e));
		} else if (e.matches("button, .button, input:not([type=radio]), select, textarea")) {
			if (s.borderTopStyle === "none" || parseFloat(s.borderTopWidth) < 1) wrong.push("no edge: " + named(e));
			else if (contrast(s.borderTopColor, card) < 3) wrong.push("an edge of " + s.borderTopColor + " on " + card + ": " + named(e));
		}
		e.focus();
		const f = getComputedStyle(e);
		if (f.outlineStyle === "none" || parseFloat(f.outlineWidth) < 2) wrong.push("no outline when it has the focus: " + named(e));
		else if (contrast(f.outlineColor, card) < 3) wrong.push("an outline of " + f.outlineColor + " on " + card + ": " + named(e));
	}
	return JSON.stringify(wrong);
})()`

// wantNone fails the test for each fault that the script names.
func (b *tab) wantNone(when, script string) {
	b.t.Helper()
	var wrong []string
	if err := json.Unmarshal([]byte(b.said(script)), &wrong); err != nil {
		b.t.Fatal(err)
	}
	for _, fault := range wrong {
		b.t.Errorf("%s: %s", when, fault)
	}
}

// looksRight looks at the page that the tab is at, by eye, by axe-core and by the colours
// of the system. Of each two of scheme, width and language all pairs are tried. An empty
// script leaves axe-core away; where widths are given it looks at those alone.
func looksRight(t *testing.T, b *tab, language, script string, widths ...int64) {
	t.Helper()
	b.wantNone("as it is built", builtRight+`("`+language+`")`)
	schemes := []string{"light", "dark"}
	if language != "en" {
		schemes = []string{"dark", "light"}
	}
	for i, width := range []int64{wide, narrow} {
		b.inScheme(schemes[i])
		b.sized(width)
		b.wantNone("in "+schemes[i], fits)
		b.wantNone("in "+schemes[i], inLine)
		if script == "" || len(widths) > 0 && !slices.Contains(widths, width) {
			continue
		}
		for _, violation := range b.violations(script) {
			t.Errorf("in %s, %d px wide: %s", schemes[i], width, violation)
		}
	}
	b.keys(kb.Tab) // what script puts the focus on from now on is as by keyboard
	for _, scheme := range schemes {
		b.inScheme(scheme)
		b.wantNone("in "+scheme, visible)
	}
	b.forced(true)
	b.wantNone("in colours of the system", visible)
	b.forced(false)
}

// texts are those of a language, by their keys.
func texts(t *testing.T, language string) (all map[string]string) {
	t.Helper()
	raw, err := os.ReadFile("../../caddymodule/web/texts/" + language + ".json")
	if err == nil {
		err = json.Unmarshal(raw, &all)
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}
