package login_test

import (
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/login"
)

func TestSignInNames(t *testing.T) {
	for name, c := range map[string]struct{ typed, want string }{
		"a name is as it was typed":                          {"Ada", "Ada"},
		"without the space around it":                        {"\t Ada Lovelace\u00a0\n", "Ada Lovelace"},
		"accents stay":                                       {"José", "José"},
		"a domain's name is one":                             {`CORP\ada`, `CORP\ada`},
		"an address is in its one spelling":                  {" Ada@Example.COM ", "ada@example.com"},
		"the longest one is":                                 {strings.Repeat("a", login.MaxTyped), strings.Repeat("a", login.MaxTyped)},
		"nothing is none":                                    {" ", ""},
		"one that is longer is none":                         {strings.Repeat("a", login.MaxTyped+1), ""},
		"a line break within is none":                        {"ada\nlovelace", ""},
		"a control character is none":                        {"ada\x00", ""},
		"an invisible character is none":                     {"ada\u200b", ""},
		"nor are fillers of Hangul":                          {"ada\u3164", ""},
		"of a first letter":                                  {"\u115fada", ""},
		"of a vowel":                                         {"a\u1160da", ""},
		"of half width":                                      {"ada\uffa0", ""},
		"nor a blank of Braille":                             {"ada\u2800", ""},
		"nor what joins letters":                             {"a\u034fda", ""},
		"nor a variation selector":                           {"ada\ufe0f", ""},
		"nor one of those that came later":                   {"ada\U000e0100", ""},
		"nor a vowel of Khmer that is not written":           {"ada\u17b4", ""},
		"nor a note without a head":                          {"ada\U0001d159", ""},
		"nor what stands for a letter that was not read":     {"ada\ufffd", ""},
		"nor a letter above another one":                     {"a\u0364da", ""},
		"nor one in an address":                              {"a\u1dd4da@example.com", ""},
		"an address with a filler is none":                   {"ada\u3164@example.com", ""},
		"nor with a filler in its domain":                    {"ada@exa\u115fmple.com", ""},
		"nor is a soft hyphen":                               {"a\u00adda", ""},
		"nor one that turns the direction":                   {"\u202eada", ""},
		"nor a space that is wider than others":              {"ada\u3000lovelace", ""},
		"nor what is no UTF-8":                               {"ada\xff", ""},
		"an @ and no address is none":                        {"ada@", ""},
		"two of them are none":                               {"root@example.com@example.org", ""},
		"an address with a name is none":                     {"Ada <ada@example.com>", ""},
		"an @ that some back ends read as one is none":       {"ada＠example.com", ""},
		"nor a small one":                                    {"ada﹫example.com", ""},
		"a domain with a dot behind it is another spelling":  {"ada@example.com.", ""},
		"a letter that turns into another in lower case too": {"\u212aate@example.com", ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := login.ReadName(c.typed)
			if got != c.want || (err == nil) != (c.want != "") {
				t.Errorf("got %q, %v; want %q", got, err, c.want)
			}
			if err == nil && login.IsAddress(got) != strings.Contains(got, "@") {
				t.Errorf("%q is taken for an address", got)
			}
		})
	}
}
