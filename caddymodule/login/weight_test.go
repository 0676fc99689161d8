package login_test

import (
	"testing"
	"unicode"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"

	"example.com/sidegate/caddymodule/login"
)

// Of all that a collation without accents takes for plain letters or digits, or for
// nothing, none has attempts of its own.
func TestWhatACollationTakesForPlainLettersIsTheirAccount(t *testing.T) {
	c, buffer := collate.New(language.Und, collate.Loose), new(collate.Buffer)
	weight := func(text string) string {
		buffer.Reset()
		return string(c.KeyFromString(buffer, text))
	}
	plain := map[string]string{weight("xy"): "xy"}
	for _, a := range "abcdefghijklmnopqrstuvwxyz0123456789" {
		plain[weight("x"+string(a)+"y")] = "x" + string(a) + "y"
		for _, b := range "abcdefghijklmnopqrstuvwxyz" {
			plain[weight("x"+string(a)+string(b)+"y")] = "x" + string(a) + string(b) + "y"
		}
	}
	for r := rune(unicode.MaxASCII + 1); r <= unicode.MaxRune; r++ {
		name := "x" + string(r) + "y"
		want, ok := plain[weight(name)]
		if got, err := login.AccountOf(name); ok && err == nil && got != want {
			t.Errorf("%U: %q is the account %q, want %q", r, name, got, want)
		}
	}
}

func TestDigitsAreOneAccountInAllScripts(t *testing.T) {
	for r := rune(unicode.MaxASCII + 1); r <= unicode.MaxRune; r++ {
		if !unicode.IsDigit(r) {
			continue
		}
		got, err := login.AccountOf("ada" + string(r))
		if err != nil || len(got) != 4 || got[3] < '0' || got[3] > '9' {
			t.Errorf("%U: the account %q, %v", r, got, err)
		}
	}
	if got, _ := login.AccountOf("𝟘𝟡𞥐𞥙"); got != "0909" {
		t.Errorf("the account is %q", got)
	}
}
