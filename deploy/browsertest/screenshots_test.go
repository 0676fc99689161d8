package browsertest

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// screenshots is where the pictures are, and mostOfOne and mostOfAll bound their bytes.
const (
	screenshots = "../screenshots"
	mostOfOne   = 100_000
	mostOfAll   = 1_000_000
)

// picture is one of the pages as the README shows them.
type picture struct {
	name, language, scheme string
	width, height          int64
	by                     func(visited, *tab)
}

var pictures = []picture{
	{"login-light", "en", "light", 800, 700, at("/auth/login")},
	{"login-dark", "en", "dark", 800, 700, at("/auth/login")},
	{"login-narrow-de", "de", "light", narrow, 640, at("/auth/login")},
	{"sessions-light", "en", "light", 800, 1100, in(gatewaytest.Ada, "/auth/sessions")},
	{"sessions-dark", "en", "dark", 800, 1100, in(gatewaytest.Ada, "/auth/sessions")},
	{"account-light", "en", "light", 800, 640, in(gatewaytest.Ada, "/auth/account")},
	{"forbidden-light", "en", "light", 800, 640, in(gatewaytest.Ada, "/admin/")},
	{"forbidden-dark-de", "de", "dark", 800, 640, in(gatewaytest.Ada, "/admin/")},
	{"docs-light", "en", "light", 1100, 900, at("/auth/docs#getSession")},
	{"docs-dark", "en", "dark", 1100, 900, at("/auth/docs#getSession")},
}

// TestScreenshots makes the pictures anew where UPDATE_SCREENSHOTS is set. Whoever does so
// looks at each of them.
func TestScreenshots(t *testing.T) {
	if os.Getenv("UPDATE_SCREENSHOTS") != "" {
		takePictures(t)
	}
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var there, wanted []string
	files, err := os.ReadDir(screenshots)
	if err != nil {
		t.Fatal(err)
	}
	all := int64(0)
	for _, file := range files {
		info, err := file.Info()
		if err != nil {
			t.Fatal(err)
		}
		if all += info.Size(); info.Size() > mostOfOne {
			t.Errorf("%s has %d bytes", file.Name(), info.Size())
		}
		there = append(there, file.Name())
	}
	if all > mostOfAll {
		t.Errorf("all of them have %d bytes", all)
	}
	for _, p := range pictures {
		wanted = append(wanted, p.name+".png")
	}
	slices.Sort(wanted)
	if !slices.Equal(there, wanted) {
		t.Errorf("there are the pictures %q, and this test makes %q", there, wanted)
	}
	shown := regexp.MustCompile(`deploy/screenshots/([\w.-]+)`).FindAllStringSubmatch(string(readme), -1)
	for _, found := range shown {
		if !slices.Contains(there, found[1]) {
			t.Errorf("the README shows %s, which is not there", found[1])
		}
	}
	for _, name := range there {
		if !strings.Contains(string(readme), "deploy/screenshots/"+name) {
			t.Errorf("the README shows nobody %s", name)
		}
	}
}

func takePictures(t *testing.T) {
	t.Helper()
	v := startVisited(t)
	v.Client(t).Do("POST", "/auth/login", fmt.Sprintf(`{"email":%q,"password":%q}`, gatewaytest.Ada, gatewaytest.Password), "Content-Type", "application/json",
		"User-Agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1").Want(t, 200)
	b := open(t)
	for _, p := range pictures {
		b.signedOut()
		b.speaking(p.language)
		b.inScheme(p.scheme)
		b.do(chromedp.EmulateViewport(p.width, p.height))
		p.by(v, b)
		b.await("the page is there", `document.readyState`, func(state string) bool { return state == "complete" })
		var raw []byte
		b.do(chromedp.CaptureScreenshot(&raw))
		small, err := withPalette(raw)
		if err == nil {
			err = os.WriteFile(filepath.Join(screenshots, p.name+".png"), small, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// withPalette is the picture in its 256 most frequent colours. Pages have few, beside the
// edges of letters.
func withPalette(raw []byte) ([]byte, error) {
	whole, err := png.Decode(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	counts := map[color.RGBA]int{}
	for y := whole.Bounds().Min.Y; y < whole.Bounds().Max.Y; y++ {
		for x := whole.Bounds().Min.X; x < whole.Bounds().Max.X; x++ {
			counts[color.RGBAModel.Convert(whole.At(x, y)).(color.RGBA)]++
		}
	}
	var colours []color.RGBA
	for c := range counts {
		colours = append(colours, c)
	}
	slices.SortFunc(colours, func(a, b color.RGBA) int { return counts[b] - counts[a] })
	var palette color.Palette
	for _, c := range colours[:min(256, len(colours))] {
		palette = append(palette, c)
	}
	small := image.NewPaletted(whole.Bounds(), palette)
	draw.Draw(small, small.Bounds(), whole, whole.Bounds().Min, draw.Src)
	var out bytes.Buffer
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, small)
	return out.Bytes(), err
}
