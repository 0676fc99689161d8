package appearance

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

func TestAnAccentThatNobodyCanReadIsRefusedWithItsRatioAndWhatWouldDo(t *testing.T) {
	for name, c := range map[string]struct{ light, dark, says string }{
		"white on white":                    {"#fff", "", "the contrast of #ffffff with the white of the pages in the light is 1.00:1, and people need 4.5:1 (WCAG 2.2): take #"},
		"yellow":                            {"#ffcc00", "", "is 1.51:1, and people need 4.5:1"},
		"a grey that just fails":            {"#777777", "", "is 4.47:1, and people need 4.5:1 (WCAG 2.2): take #767676, which would do"},
		"one for the dark that is too dark": {"#1d5fbf", "#1d5fbf", "the contrast of #1d5fbf with the black of the pages in the dark is 2."},
		"one for the dark alone":            {"", "#8ab8ff", "give that for the light first"},
		"no colour":                         {"blue", "", "a colour is six hexadecimal digits or three"},
		"too many digits":                   {"#1d5fbf00", "", "a colour is six"},
		"a sign among the digits":           {"#+1d5fb", "", "a colour is six"},
		"a letter beyond f":                 {"#1d5fbg", "", "a colour is six"},
		"no digits":                         {"#", "", "a colour is six"},
		"one for the dark that is none":     {"#1d5fbf", "light", "a colour is six"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := accentOf(c.light, c.dark); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("told: %v", err)
			}
		})
	}
}

func TestWhatIsProposedWouldDo(t *testing.T) {
	proposed := regexp.MustCompile(`take (#[0-9a-f]{6})`)
	for _, light := range []string{"#ffffff", "#ffcc00", "#00ff00", "#ff00ff", "#777777", "#abcdef"} {
		_, err := accentOf(light, "")
		if err == nil {
			t.Fatalf("%s is taken", light)
		}
		better := proposed.FindStringSubmatch(err.Error())
		if better == nil {
			t.Fatalf("nothing is proposed: %v", err)
		}
		if _, err := accentOf(better[1], ""); err != nil {
			t.Errorf("for %s is proposed what is refused: %v", light, err)
		}
	}
}

// WCAG 2.2: 4.5:1 for text, of links on the card and on buttons, and 3:1 for what shows
// where a control is. Where one shade cannot serve both schemes another is made of it.
func TestEveryAccentThatIsTakenCanBeReadInBothSchemes(t *testing.T) {
	made := 0
	for _, text := range []string{"#000000", "#1d5fbf", "#c00", "#006400", "#5b2a86", "#767676", "#8b4513", "#00008b", "#b8005c", "b8005c"} {
		a, err := accentOf(text, "")
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if a.dark != a.light {
			made++
		}
		onAccent := regexp.MustCompile(`--on-accent: (#[0-9a-f]{6})`).FindAllStringSubmatch(a.css(), -1)
		over := regexp.MustCompile(`--accent-over: (#[0-9a-f]{6})`).FindAllStringSubmatch(a.css(), -1)
		if len(onAccent) != 2 || len(over) != 2 {
			t.Fatalf("the style sheet is %s", a.css())
		}
		for i, on := range []struct{ accent, card, page colour }{{a.light, lightCard, lightPage}, {a.dark, darkCard, darkPage}} {
			text, err := parseColour(onAccent[i][1])
			hover, err2 := parseColour(over[i][1])
			if err != nil || err2 != nil {
				t.Fatal(err, err2)
			}
			for what, ratio := range map[string][2]float64{
				"links on the card": {contrast(on.accent, on.card), 4.5}, "the text of buttons": {contrast(text, on.accent), 4.5},
				"the text of buttons that are pointed at": {contrast(text, hover), 4.5}, "buttons on the card": {contrast(on.accent, on.card), 3},
				"the focus on the page": {contrast(on.accent, on.page), 3},
			} {
				if ratio[0] < ratio[1] {
					t.Errorf("%s, scheme %d: the contrast of %s is %.2f", a.light, i, what, ratio[0])
				}
			}
		}
	}
	if made == 0 {
		t.Error("none was made for the dark")
	}
}

// The style sheet says what accents stand on.
func TestAccentsAreHeldAgainstTheColoursOfTheStyleSheet(t *testing.T) {
	css, err := os.ReadFile("../web/pages/style.css")
	if err != nil {
		t.Fatal(err)
	}
	for name, of := range map[string][2]colour{"--card": {lightCard, darkCard}, "--page": {lightPage, darkPage}, "--on-accent": {white, darkInk}} {
		found := regexp.MustCompile(name+`: (#[0-9a-f]{6})`).FindAllStringSubmatch(string(css), -1)
		if len(found) != 2 || found[0][1] != of[0].String() || found[1][1] != of[1].String() {
			t.Errorf("%s is %v there, and %v here", name, found, of)
		}
	}
}
