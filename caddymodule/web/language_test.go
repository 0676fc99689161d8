package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/web"
)

func asked(accept ...string) *http.Request {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	for _, line := range accept {
		r.Header.Add("Accept-Language", line)
	}
	return r
}

func TestPagesSpeakTheLanguageThatIsWantedMost(t *testing.T) {
	for name, c := range map[string]struct {
		accept []string
		want   string
	}{
		"English for who says nothing":                       {nil, "en"},
		"German":                                             {[]string{"de"}, "de"},
		"German as it is spoken in Austria":                  {[]string{"de-AT"}, "de"},
		"German in whatever case":                            {[]string{"DE-at"}, "de"},
		"German with an extension":                           {[]string{"de-x-y, en"}, "de"},
		"English before German":                              {[]string{"en, de"}, "en"},
		"German before English, as browsers send it":         {[]string{"de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7"}, "de"},
		"the heavier one, whatever the order":                {[]string{"en;q=0.3, de;q=0.8"}, "de"},
		"the heavier one, over several lines":                {[]string{"en;q=0.3", "de"}, "de"},
		"another before German, and German all the same":     {[]string{"fr, de;q=0.1"}, "de"},
		"another alone, and so English":                      {[]string{"fr"}, "en"},
		"whatever there is":                                  {[]string{"*"}, "en"},
		"whatever there is but English":                      {[]string{"en;q=0, *"}, "de"},
		"German, not at all":                                 {[]string{"de;q=0, fr"}, "en"},
		"English, not at all":                                {[]string{"en;q=0"}, "de"},
		"nothing that there is, and so the first":            {[]string{"en;q=0, de;q=0"}, "en"},
		"a weight with blanks around":                        {[]string{"en ; q=0.1 , de ; q=0.2"}, "de"},
		"a weight in capitals":                               {[]string{"en;Q=0.1, de"}, "de"},
		"a weight of more than 1 is none":                    {[]string{"de;q=1.5, en;q=0.1"}, "en"},
		"a weight of four places is none":                    {[]string{"de;q=0.9999, en;q=0.1"}, "en"},
		"a weight that is no number is none":                 {[]string{"de;q=-1, de;q=x, de;q=, de;x=1, en;q=0.1"}, "en"},
		"a language that is none":                            {[]string{"d, deutsche-mark!, <de>, de_AT, en;q=0.1"}, "en"},
		"one that merely begins so":                          {[]string{"deu"}, "en"},
		"one beyond the thirty-two that are looked at":       {[]string{strings.Repeat("fr,", 32) + "de"}, "en"},
		"one beyond the kilobyte that is looked at":          {[]string{"de" + strings.Repeat(" ", 1030)}, "en"},
		"one before that kilobyte ends":                      {[]string{"de," + strings.Repeat(" ", 1030)}, "de"},
		"a tag of more characters than one is looked at for": {[]string{"de-" + strings.Repeat("abcdefgh-", 4) + "a"}, "en"},
		"an empty line":                                      {[]string{""}, "en"},
	} {
		t.Run(name, func(t *testing.T) {
			v := (*web.Look)(nil).For(asked(c.accept...))
			if got := v.Language(); got != c.want {
				t.Errorf("they speak %s, want %s", got, c.want)
			}
			w := record(func(w http.ResponseWriter) { web.SignedOut{Base: "/auth"}.Write(w, v, http.StatusOK) })
			if got := w.Header().Get("Content-Language"); got != c.want {
				t.Errorf("Content-Language is %q", got)
			}
			if got := w.Header().Get("Vary"); got != "Accept-Language" {
				t.Errorf("Vary is %q", got)
			}
		})
	}
}

// FuzzAcceptLanguage gives any header: the answer is one of the languages that there
// are, and nothing of the header is in the page.
func FuzzAcceptLanguage(f *testing.F) {
	for _, seed := range []string{"", "de", "de-AT;q=0.5, *;q=0", "*, *;q=0", ";q=1", "de;q=0.5;q=1", ",,,", "x-klingon", "i-default", "de-\x00", "-", "de--at",
		strings.Repeat("a-", 600), "q=1;de", "zh-Hant-CN-x-private1-private2", "\xff"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		r := &http.Request{Header: http.Header{"Accept-Language": {accept}}}
		v := (*web.Look)(nil).For(r)
		if tag := v.Language(); tag != "en" && tag != "de" {
			t.Fatalf("they speak %q", tag)
		}
		if again := (*web.Look)(nil).For(r); again != v {
			t.Errorf("they speak %s, then %s", v.Language(), again.Language())
		}
	})
}

// What reaches a provider is of a stranger's choosing.
func FuzzLocales(f *testing.F) {
	for _, seed := range []string{"de-at, zh-hant-tw;q=0.7", "x-a-b-c, i-klingon", strings.Repeat("aa-bb,", 50), "de-u-co-phonebk"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		tags := web.Locales(&http.Request{Header: http.Header{"Accept-Language": {accept}}})
		if len(tags) > 5 {
			t.Errorf("%d are told", len(tags))
		}
		for _, tag := range tags {
			if len(tag) > 35 || strings.Trim(tag, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") != "" || !web.IsTag(tag) {
				t.Errorf("%q is told", tag)
			}
		}
	})
}
