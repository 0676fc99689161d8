package appearance

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/ownfile"
	"example.com/sidegate/caddymodule/web"
)

func named(path string) (ownfile.Named, error) { return ownfile.Named{Path: path}, nil }

// looked is the login page of a configuration, with what is wrong, in that language.
func looked(t *testing.T, c Config, language string) string {
	t.Helper()
	look, err := c.Look(named, nil)
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Accept-Language", language)
	w := httptest.NewRecorder()
	web.Login{Base: "/auth", Password: true, Failure: web.Denied}.Write(w, look.For(r), http.StatusUnauthorized)
	return w.Body.String()
}

func TestThePagesSayWhatOneSignsInTo(t *testing.T) {
	logo := filepath.Join(t.TempDir(), "logo.svg")
	if err := os.WriteFile(logo, []byte(plainSVG), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		config   Config
		language string
		says     []string
	}{
		"by its name":                  {Config{Name: "Acme & Sons"}, "en", []string{"<h1>Sign in to Acme &amp; Sons</h1>", "Sign in – Acme &amp; Sons</title>"}},
		"by its name, in German":       {Config{Name: "Acme"}, "de", []string{"<h1>Anmelden bei Acme</h1>"}},
		"by its logo":                  {Config{Name: "Acme", Logo: logo}, "en", []string{`<img class="logo" src="data:image/svg&#43;xml;base64,`, `alt="Acme"`}},
		"by its colour":                {Config{Accent: "#b8005c"}, "en", []string{"--accent: #b8005c;", "fill=%27%23b8005c%27"}},
		"and whom to ask, at a page":   {Config{Help: "https://help.example.com/sign-in"}, "en", []string{`<a href="https://help.example.com/sign-in" rel="noreferrer">Get help</a>`}},
		"and whom to ask, by a letter": {Config{Help: "mailto:it@example.com"}, "de", []string{`<a href="mailto:it@example.com" rel="noreferrer">it@example.com fragen</a>`}},
		"and whom to ask, by a text":   {Config{Help: "Ask at the desk, room <4>."}, "en", []string{`<p class="help">Ask at the desk, room &lt;4&gt;.</p>`}},
	} {
		t.Run(name, func(t *testing.T) {
			page := looked(t, c.config, c.language)
			for _, part := range c.says {
				if !strings.Contains(page, part) {
					t.Errorf("there is no %s in\n%s", part, page)
				}
			}
		})
	}
	if look, err := new(Config).Look(named, nil); look != nil || err != nil {
		t.Errorf("nothing said is %v, %v", look, err)
	}
}

func TestWhatCannotBeShownIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		config Config
		says   string
	}{
		"a name of two lines":           {Config{Name: "Acme\nLtd"}, "appearance name: there is something in it that cannot be shown"},
		"a name that turns lines round": {Config{Name: "Acme\u202e"}, "appearance name: there is something"},
		"a long name":                   {Config{Name: strings.Repeat("a", 81)}, "appearance name: it has 81 characters, and may have 80"},
		"a name with a blank":           {Config{Name: " Acme"}, "appearance name begins or ends with a blank"},
		"a long help":                   {Config{Help: strings.Repeat("a", 301)}, "appearance help: it has 301 characters"},
		"a script for help":             {Config{Help: "javascript:alert(1)"}, "appearance help: an address begins with https://"},
		"a help of another scheme":      {Config{Help: "ftp://help.example.com"}, "appearance help: an address begins with https://"},
		"a help without a host":         {Config{Help: "https://"}, "appearance help: an address has a host"},
		"a help with a password":        {Config{Help: "https://a:b@help.example.com"}, "appearance help: an address has a host and no password"},
		"a help with a blank":           {Config{Help: "https://help.example.com/a b"}, "escape in it"},
		"a letter to nobody":            {Config{Help: "mailto:desk"}, "behind mailto: there is one email address"},
		"a colour nobody can read":      {Config{Accent: "#ffee00"}, "appearance accent: the contrast of #ffee00"},
		"a logo that is none":           {Config{Logo: "config.go"}, "appearance logo: config.go: this is no picture"},
		"a logo that is not there":      {Config{Logo: "nowhere.svg"}, "appearance logo: stat nowhere.svg: no such file"},
		"templates that are not there":  {Config{Templates: "nowhere.d"}, "appearance templates: open nowhere.d: no such file"},
		"templates by a plain name":     {Config{Templates: "nope"}, "appearance templates: open nope: no such file"},
		"templates that are a file":     {Config{Templates: "config.go"}, "appearance templates: open config.go: not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := c.config.Look(named, nil); err == nil || !strings.HasPrefix(err.Error(), "appearance ") || !strings.Contains(err.Error(), c.says) {
				t.Errorf("told: %v", err)
			}
		})
	}
}
