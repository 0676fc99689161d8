package login_test

import (
	"errors"
	"strings"
	"testing"
	"unicode"

	"example.com/sidegate/caddymodule/login"
)

func TestSpellingsThatBackEndsTakeForOneAreOneAccount(t *testing.T) {
	for account, spellings := range map[string][]string{
		"ada@example.com":  {"ADA@Example.com", "ádà@example.com", "ａｄａ@example.com", "a\u0301da@EXAMPLE.com", "\u00a0ada@example.com "},
		"jose":             {"José", "JOSE\u0301", "ｊｏｓｅ", "jose", "jøse", "jose ", "jose.", "ⓙose", "jos\u00e9 ."},
		"strasse":          {"Straße", "STRASSE", "STRAẞE", "ﬆrasse"},
		"idil":             {"İdil", "ıdıl", "IDIL", "ídil", "ｉdil"},
		"aegir":            {"Ægir", "ægir", "AEGIR", "ǽgir"},
		"ada":              {"🅐da", "🅰da", "ad🄰", "ada·", "ada。", "ada😀", "☃ada", "a\u1700da", "ad𞤀a"},
		"ada@example.jp":   {"ada@example。jp", "ada@ｅｘａｍｐｌｅ．jp", "ada·@example.jp"},
		"adela b":          {"adela  b", "ad€la b", "adela%20 b", "adela &nbsp; b", "<b>adela</b> b", "adela b<i", "<script>x</script>adela b"},
		"%41":              {"%41"},
		"1234":             {"١٢٣٤", "❶❷❸❹", "１２３４", "1234☃", "〡234"},
		"すすき":              {"すずき", "スズキ", "ｽｽｷ"},
		"john of the 1234": {"John of the 1234", "john of the １２３４"},
	} {
		for _, spelling := range append(spellings, account) {
			if got, err := login.AccountOf(spelling); err != nil || got != account {
				t.Errorf("%q is the account %q (%v), want %q", spelling, got, err, account)
			}
		}
	}
	for name, other := range map[string]string{
		"ada":             "adam",
		"аda":             "ada", // the first begins with a Cyrillic letter
		"adɑ":             "ada", // and this one ends with a phonetic one
		"ɐda":             "ada",
		"ᏣᎳᎩ":             "ᏣᎳ", // of a script that not every collation knows
		"ስም@example.et":   "አበ@example.et",
		"𞤀𞤁":              "𞤀𞤂",
		"ada@example.com": "ada@example.org",
		"ada lovelace":    "adalovelace",
	} {
		one, err := login.AccountOf(name)
		two, err2 := login.AccountOf(other)
		if err != nil || err2 != nil || one == two {
			t.Errorf("%q and %q are the account %q (%v, %v)", name, other, one, err, err2)
		}
	}
}

// What older gateways count an address in plain letters as, in the same store.
func TestAnAddressInPlainLettersIsItsOwnAccount(t *testing.T) {
	for _, email := range []string{"ada@example.com", "o'brien+x@a-b.example", "a.b_c!d@x.y"} {
		if got, err := login.AccountOf(email); err != nil || got != email {
			t.Errorf("%s is the account %q, %v", email, got, err)
		}
	}
}

func TestAnAccountIsBounded(t *testing.T) {
	long := strings.Repeat("ﷺ", login.MaxTyped/len("ﷺ"))
	if got, err := login.AccountOf(long); err != nil || len(got) > 4*login.MaxTyped {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := login.AccountOf(long + "aaaaa"); !errors.Is(err, login.ErrRefused) {
		t.Errorf("a name that is too long: %v", err)
	}
}

// Two names that sign in the same person of a list are one account.
func TestWhatAListFindsAsOneIsOneAccount(t *testing.T) {
	for r := range rune(unicode.MaxRune) {
		name := "x" + string(r) + "y"
		if _, err := login.ReadName(name); err != nil {
			continue
		}
		one, _ := login.AccountOf(name)
		if two, err := login.AccountOf(login.FoldName(name)); err != nil || one != two {
			t.Errorf("%q is the account %q, and folded it is %q (%v)", name, one, two, err)
		}
	}
}
