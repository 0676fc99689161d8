package appearance

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// colour is one of sRGB, each part from 0 to 255.
type colour [3]uint8

// What the accent stands on in our style sheet, and what stands on it; a test holds
// them to it.
var (
	lightCard, lightPage = colour{0xff, 0xff, 0xff}, colour{0xee, 0xf1, 0xf5}
	darkCard, darkPage   = colour{0x1a, 0x20, 0x29}, colour{0x0f, 0x13, 0x19}
	white, black         = colour{0xff, 0xff, 0xff}, colour{0, 0, 0}
	darkInk              = colour{0x0b, 0x1a, 0x30}
)

// What WCAG 2.2 asks for: contrast of text (success criterion 1.4.3), and of what shows
// where a control is and which has the focus (1.4.11).
const (
	textContrast    = 4.5
	controlContrast = 3
)

// accent is the chosen colour in both schemes.
type accent struct{ light, dark colour }

// accentOf reads the accent, and makes the one for the dark of it where none is given.
func accentOf(light, dark string) (a accent, err error) {
	if light == "" {
		return a, errors.New("accent: there is one for the dark alone: give that for the light first")
	}
	if a.light, err = parseColour(light); err != nil {
		return a, err
	}
	if err := readable(a.light, lightCard, lightPage, black, "the white of the pages in the light"); err != nil {
		return a, err
	}
	if dark == "" {
		a.dark = towards(a.light, white, darkCard, darkPage)
		return a, nil
	}
	if a.dark, err = parseColour(dark); err != nil {
		return a, err
	}
	return a, readable(a.dark, darkCard, darkPage, white, "the black of the pages in the dark")
}

// readable demands that links of that colour can be read on the card, and that buttons
// and the focus can be seen there and on the page around it. The text on a button is of
// the card's colour, or further away, so it can be read too.
func readable(c, card, page, end colour, on string) error {
	ratio, needed := contrast(c, card), textContrast
	if ratio >= textContrast {
		if ratio, needed = contrast(c, page), controlContrast; ratio >= controlContrast {
			return nil
		}
	}
	return fmt.Errorf("accent: the contrast of %s with %s is %s:1, and people need %g:1 (WCAG 2.2): take %s, which would do, or another one",
		c, on, rounded(ratio), needed, towards(c, end, card, page))
}

// rounded is a ratio to two places, downwards: one that is too low must not look as if
// it were not.
func rounded(ratio float64) string { return strconv.FormatFloat(math.Floor(ratio*100)/100, 'f', 2, 64) }

// towards is the colour on its way to another, as far as it can be read and seen.
func towards(c, end, card, page colour) colour {
	for step := range 101 {
		if m := mix(c, end, float64(step)/100); contrast(m, card) >= textContrast && contrast(m, page) >= controlContrast {
			return m
		}
	}
	return end
}

func mix(a, b colour, part float64) (m colour) {
	for i := range m {
		m[i] = uint8(math.Round(float64(a[i])*(1-part) + float64(b[i])*part))
	}
	return m
}

// css are the colours as they replace those of our style sheet.
func (a accent) css() string {
	onDark := darkInk
	if contrast(a.dark, onDark) < textContrast {
		onDark = black
	}
	return fmt.Sprintf(":root { --accent: %s; --accent-over: %s; --on-accent: %s; }\n"+
		"@media (prefers-color-scheme: dark) { :root { --accent: %s; --accent-over: %s; --on-accent: %s; } }\n",
		a.light, mix(a.light, black, 0.2), white, a.dark, mix(a.dark, white, 0.25), onDark)
}

// parseColour reads rrggbb or rgb, with # before it or without.
func parseColour(text string) (c colour, err error) {
	digits := strings.TrimPrefix(text, "#")
	if len(digits) == 3 {
		digits = string([]byte{digits[0], digits[0], digits[1], digits[1], digits[2], digits[2]})
	}
	n, err := strconv.ParseUint(digits, 16, 32)
	if err != nil || len(digits) != 6 {
		return c, errors.New("accent: a colour is six hexadecimal digits or three, such as 1d5fbf, with # before it or without")
	}
	return colour{uint8(n >> 16), uint8(n >> 8), uint8(n)}, nil
}

// String is the colour as style sheets write it.
func (c colour) String() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

// contrast is the ratio of WCAG 2.2, from 1 to 21.
func contrast(a, b colour) float64 {
	la, lb := a.luminance(), b.luminance()
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// luminance is the relative luminance of WCAG 2.2.
func (c colour) luminance() (sum float64) {
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		part := float64(c[i]) / 255
		if part <= 0.04045 {
			part /= 12.92
		} else {
			part = math.Pow((part+0.055)/1.055, 2.4)
		}
		sum += weight * part
	}
	return sum
}
