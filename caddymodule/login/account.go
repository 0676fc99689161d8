package login

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// maxAccount bounds what stands for a name, in bytes: some characters become
// eighteen.
const maxAccount = 4 * MaxTyped

// AccountOf names the account that a sign-in name is counted as. All spellings of
// one are one account, so that no spelling has attempts of its own
// (CVE-2025-24806, CVE-2026-47203): many back ends take é, ｅ and E for e, ß for ss,
// and a name with space behind it for the one without. It is coarser than any
// of them, for nobody is signed in by it: the worst is that two people share
// their attempts at one address.
//
// What counts is what a back end may look people up by: Unicode's normal forms
// and case folding, the mapping of domain names (。 is a dot), and collations without
// accents, also those that leave symbols and letters out that they do not know; and
// what WordPress takes out of a name.
// What only looks alike stays apart, as it does in all of them: аda with a
// Cyrillic letter, adɑ and ɐda with one of phoneticians.
//
// An address in plain letters is its own account, as it was in gateways before
// this, which share the store. The error is ErrRefused, of a name that ReadName
// would not read.
func AccountOf(name string) (string, error) {
	name, err := ReadName(name)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrRefused, err)
	}
	written := name
	if name = cleared(name); isASCII(name) {
		if account := ended(strings.ToLower(name)); account != "" {
			return account, nil
		}
		return strings.ToLower(written), nil // of what is cleared alone
	}
	// Taking a letter apart may leave a capital, and folding may leave a mark (İ).
	account := weighed(alike.Replace(base(cases.Fold().String(strings.ToLower(base(FoldName(name)))))))
	if account = ended(account); account == "" {
		account = name // of marks alone
	}
	return account[:min(len(account), maxAccount)], nil
}

// sharp reads ß as one s, as MySQL's utf8mb4_general_ci does.
var sharp = strings.NewReplacer("ß", "s", "ẞ", "s")

// otherAccountOf is the account that a name with ß is of where that is one s:
// jeßßica is jessica there. It is empty for a name without.
func otherAccountOf(name string) string {
	read := sharp.Replace(name)
	if read == name {
		return ""
	}
	account, err := AccountOf(read)
	if err != nil {
		return ""
	}
	return account
}

// base is the text without accents, in one width, without what cannot be seen.
func base(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf, unicode.Variation_Selector) {
			return -1
		}
		return r
	}, norm.NFKD.String(vowels.Replace(text)))
}

// vowels are Arabic signs alone, which a normal form puts above a space, and a
// collation above nothing.
var vowels = strings.NewReplacer("ﱞ", "", "ﱟ", "", "ﱠ", "", "ﱡ", "", "ﱢ", "", "ﱣ", "", "ﹰ", "", "ﹲ", "", "ﹴ", "", "ﹶ", "", "ﹸ", "", "ﹺ", "", "ﹼ", "", "ﹾ", "")

// alike are letters that Unicode does not take apart, and collations do.
var alike = strings.NewReplacer("ı", "i", "ȷ", "j", "ø", "o", "đ", "d", "ð", "d", "ħ", "h", "ł", "l", "ŧ", "t", "ŋ", "n",
	"æ", "ae", "œ", "oe", "þ", "th", "ĸ", "k", "ƀ", "b", "ɨ", "i", "ʉ", "u", "ɇ", "e", "ɉ", "j", "ɍ", "r", "ɏ", "y", "ƶ", "z", "ǥ", "g", "ẜ", "s", "ẝ", "s",
	"€", "e", "。", ".")

// markup is what WordPress takes out of a name (sanitize_user): tags, octets and
// entities.
var markup = regexp.MustCompile(`(?is)<(?:script|style)[^>]*>.*?</(?:script|style)>|<[^>]*(?:>|$)|%[0-9a-f]{2}|&[^;]+;`)

// cleared is the name without markup, and with one space where there are several.
func cleared(name string) string {
	if strings.ContainsAny(name, "<%&") {
		name = markup.ReplaceAllString(name, "")
	}
	for strings.Contains(name, "  ") {
		name = strings.ReplaceAll(name, "  ", " ")
	}
	return strings.TrimLeft(name, " ")
}

// ended is the text without what databases and domains leave out at its end.
func ended(text string) string { return strings.TrimRight(text, " .") }

func isASCII(text string) bool {
	return strings.IndexFunc(text, func(r rune) bool { return r > unicode.MaxASCII }) < 0
}
