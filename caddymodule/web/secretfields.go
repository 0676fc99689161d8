package web

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// What was typed into a field of such a name is never kept: it would stand in a page in
// clear. Some are it wherever they stand in a name. Others are short, and in plain words
// as well (Umfang, instance, classname), and are it as a word of the name, or as several
// in a row.
var (
	secretParts = []string{"pass", "pwd", "secret", "token", "otp", "pin", "card", "cvv", "cvc", "kennw", "geheim"}
	secretWords = []string{
		"csc", "cv2", "mfa", "pw", "ssn", "tan",
		"apikey", "privatekey", "accesskey",
		"accesscode", "backupcode", "mfacode", "recoverycode", "securitycode", "smscode", "verificationcode",
	}
)

// longestSecret is of how many words a name's secret words are joined at most.
const longestSecret = 2

// isSecret reports whether a field may hold what nobody else is to read, by its name as
// people see it: full-width letters are those that they look like, and what nobody sees,
// such as a soft hyphen, is not there.
//
// A name that is much longer as it is seen than as it was sent is taken for one: some
// letters stand for eighteen, and nobody's field is called so, but who sends a thousand of
// them has us work.
func isSecret(name string) bool {
	name, ok := asSeen(name)
	if !ok {
		return true
	}
	whole := folded(name)
	if slices.ContainsFunc(secretParts, func(part string) bool { return strings.Contains(whole, part) }) {
		return true
	}
	words := wordsOf(name)
	for from := range words {
		for to := from + 1; to <= min(from+longestSecret, len(words)); to++ {
			if slices.Contains(secretWords, strings.Join(words[from:to], "")) {
				return true
			}
		}
	}
	return false
}

// longestSeen is how many times its own length a name may have as it is seen.
const longestSeen = 2

// asSeen is a name as people see it, and not ok when it is longer than a name may be.
func asSeen(name string) (seen string, ok bool) {
	if !strings.ContainsFunc(name, notASCII) {
		return strings.Map(withoutUnseen, name), true
	}
	var (
		letters norm.Iter
		b       []byte
	)
	most := longestSeen * len(name)
	for letters.InitString(norm.NFKC, strings.Map(withoutUnseen, name)); !letters.Done() && len(b) <= most; {
		b = append(b, letters.Next()...)
	}
	return string(b), len(b) <= most
}

func notASCII(c rune) bool { return c >= utf8.RuneSelf }

// withoutUnseen leaves out what has no shape: format characters, and what else is shown
// as nothing, wherever it stands.
func withoutUnseen(r rune) rune {
	if shapeless(r) {
		return -1
	}
	return r
}

// folded is without a difference of case. Upper case first: some letters are another's
// capital, such as the long s and the i without a dot. Full folding makes two letters of
// one where people take them for the same, such as ss of ß.
func folded(text string) string {
	if !strings.ContainsFunc(text, notASCII) {
		return strings.ToLower(text)
	}
	return cases.Fold().String(strings.ToLower(strings.ToUpper(text)))
}

// wordsOf are the words of a name, such as sms and code of sms_code, sms[code] and
// smsCode: a capital behind a small letter begins one.
func wordsOf(name string) []string {
	var spaced strings.Builder
	before := ' '
	for _, r := range name {
		if unicode.IsUpper(r) && unicode.IsLower(before) {
			spaced.WriteByte(' ')
		}
		spaced.WriteRune(r)
		before = r
	}
	return strings.FieldsFunc(folded(spaced.String()), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}
