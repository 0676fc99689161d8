package web_test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// schemes reads the colours of the light and of the dark scheme.
func schemes(t *testing.T) (css string, light, dark map[string]string) {
	t.Helper()
	raw, err := os.ReadFile("pages/style.css")
	if err != nil {
		t.Fatal(err)
	}
	css = string(raw)
	blocks := regexp.MustCompile(`:root \{[^}]*--page[^}]*\}`).FindAllString(css, -1)
	if len(blocks) != 2 || !strings.Contains(css, "@media (prefers-color-scheme: dark) {\n\t:root {") {
		t.Fatalf("%d schemes of colours", len(blocks))
	}
	return css, colours(blocks[0]), colours(blocks[1])
}

func colours(block string) map[string]string {
	found := map[string]string{}
	for _, m := range regexp.MustCompile(`--([a-z-]+): (#[0-9a-f]{6});`).FindAllStringSubmatch(block, -1) {
		found[m[1]] = m[2]
	}
	return found
}

// luminance is the relative luminance of a colour, WCAG 2.2.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	var sum float64
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		n, err := strconv.ParseUint(hex[1+2*i:3+2*i], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		c := float64(n) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	la, lb := luminance(t, a), luminance(t, b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

func TestTheContrastFormulaIsTheOneOfWCAG(t *testing.T) {
	for pair, want := range map[[2]string]float64{
		{"#000000", "#ffffff"}: 21,
		{"#777777", "#ffffff"}: 4.48, // the well-known grey that just fails
		{"#ff0000", "#ffffff"}: 4.00,
	} {
		if got := contrast(t, pair[0], pair[1]); math.Abs(got-want) > 0.005 {
			t.Errorf("contrast of %v is %.3f, want %.2f", pair, got, want)
		}
	}
}

// WCAG 2.2 AA: 4.5 for text (1.4.3), 3 for the edges of fields and for what
// shows the focus (1.4.11).
func TestEveryContrastIsEnoughInLightAndDark(t *testing.T) {
	const text, edge = 4.5, 3
	_, light, dark := schemes(t)
	for scheme, colour := range map[string]map[string]string{"light": light, "dark": dark} {
		for _, c := range []struct {
			what, on string
			least    float64
		}{
			{"ink", "card", text}, {"ink", "page", text}, {"soft", "card", text}, {"accent", "card", text}, {"accent", "page", edge},
			{"on-accent", "accent", text}, {"on-accent", "accent-over", text}, {"line", "card", edge}, {"alarm", "alarm-card", text},
			{"alarm", "card", edge},
		} {
			t.Run(c.what+" on "+c.on+" when it is "+scheme, func(t *testing.T) {
				if colour[c.what] == "" || colour[c.on] == "" {
					t.Fatalf("no such colour: %v", colour)
				}
				if got := contrast(t, colour[c.what], colour[c.on]); got < c.least {
					t.Errorf("contrast is %.2f, want %.1f", got, c.least)
				}
			})
		}
	}
}

func TestTheStyleSheet(t *testing.T) {
	css, light, dark := schemes(t)
	t.Run("defines every colour it uses, in both schemes", func(t *testing.T) {
		for _, m := range regexp.MustCompile(`var\(--([a-z-]+)\)`).FindAllStringSubmatch(css, -1) {
			if light[m[1]] == "" || dark[m[1]] == "" {
				t.Errorf("colour %s", m[1])
			}
		}
	})
	t.Run("uses only colours of the schemes", func(t *testing.T) {
		// Shadows are black that shines through, and carry no meaning.
		for _, m := range regexp.MustCompile(`(?m)^[^-\n]*#[0-9a-f]+`).FindAllString(css, -1) {
			if !strings.Contains(m, "box-shadow") {
				t.Errorf("a colour outside the schemes: %s", m)
			}
		}
	})
	t.Run("asks nothing of the network", func(t *testing.T) {
		if strings.Contains(css, "url(") || strings.Contains(css, "@import") {
			t.Error("the policy would block it")
		}
	})
	t.Run("moves nothing for whom motion disturbs", func(t *testing.T) {
		for line := range strings.Lines(css) {
			if (strings.Contains(line, "transition") || strings.Contains(line, "animation")) &&
				!strings.Contains(line, "prefers-reduced-motion: no-preference") {
				t.Errorf("moves always: %s", line)
			}
		}
	})
	t.Run("shows where the keyboard is", func(t *testing.T) {
		if !strings.Contains(css, ":focus-visible { outline: 3px solid") {
			t.Error("no outline")
		}
	})
	t.Run("heeds a wish for more contrast", func(t *testing.T) {
		if !strings.Contains(css, "@media (prefers-contrast: more)") {
			t.Error("it does not")
		}
	})
	t.Run("is seen where the system chooses the colours", func(t *testing.T) {
		_, forced, ok := strings.Cut(css, "@media (forced-colors: active) {")
		if !ok || !strings.Contains(forced, ".mark { fill: CanvasText; }") || !strings.Contains(forced, "outline-color: Highlight") {
			t.Error("what is drawn, and the focus, may be lost there")
		}
	})
	t.Run("is for both directions of writing", func(t *testing.T) {
		if found := regexp.MustCompile(`(margin|padding|border)-(left|right)|(text-align|float): (left|right)`).FindString(css); found != "" {
			t.Errorf("it has a side of its own: %s", found)
		}
	})
	// WCAG 2.2, success criterion 2.5.8: 24 by 24 CSS pixels.
	t.Run("has targets that a finger finds", func(t *testing.T) {
		for _, control := range []string{"input {", "button, .button {", "a:not(.button) {"} {
			_, rule, _ := strings.Cut(css, "\n"+control)
			rule, _, _ = strings.Cut(rule, "}")
			height := regexp.MustCompile(`min-height: ([0-9.]+)rem`).FindStringSubmatch(rule)
			if height == nil {
				t.Errorf("%s has no least height", control)
				continue
			}
			if rem, err := strconv.ParseFloat(height[1], 64); err != nil || rem*16 < 24 {
				t.Errorf("%s is %s rem high", control, height[1])
			}
		}
	})
	t.Run("covers nothing that has the focus", func(t *testing.T) {
		if strings.Contains(css, "position: fixed") || strings.Contains(css, "position: sticky") {
			t.Error("something stands above the page")
		}
	})
	t.Run("grows with the reader's text size", func(t *testing.T) {
		if found := regexp.MustCompile(`[\s{;](font|font-size|(min-|max-)?(width|height)): [^;]*\dpx`).FindString(css); found != "" {
			t.Errorf("in pixels: %s", found)
		}
	})
}
