package login

import (
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/collate"
	"golang.org/x/text/language"
)

// scripts are those of which every collation in use knows the letters. Older
// ones, SQL Server's default among them, leave letters out that came later:
// ada and a letter of Tagalog behind it is ada there.
var scripts = []*unicode.RangeTable{
	unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Armenian, unicode.Georgian, unicode.Hebrew, unicode.Arabic,
	unicode.Devanagari, unicode.Bengali, unicode.Gurmukhi, unicode.Gujarati, unicode.Oriya, unicode.Tamil, unicode.Telugu,
	unicode.Kannada, unicode.Malayalam, unicode.Thai, unicode.Lao, unicode.Hangul, unicode.Hiragana, unicode.Katakana,
	unicode.Bopomofo, unicode.Han, unicode.Common,
}

// lastLatin is where the Latin letters end that languages are written in; behind
// it are those of phoneticians and of old manuscripts.
const lastLatin = 0x02AF

// weighed is the text as a collation without accents weighs it: each letter and
// digit as the first one of the same weight (🅐 as a, ٣ as 3, ア as あ), without what
// has no weight everywhere. A text of which nothing but that is there stays as it
// is: people of rare scripts are not all one.
func weighed(text string) string {
	scale := scales.Get().(*scale)
	defer scales.Put(scale)
	var all, sure strings.Builder
	for _, r := range text {
		of, known := scale.letters(r)
		all.WriteString(of)
		if known {
			sure.WriteString(of)
		}
	}
	name, _, _ := strings.Cut(sure.String(), "@")
	if strings.Trim(name, " .") == "" {
		return all.String()
	}
	return sure.String()
}

// scale weighs letters, one at a time.
type scale struct {
	collator *collate.Collator
	buffer   collate.Buffer
	first    map[string]rune // by weight; shared and never written
}

var scales = sync.Pool{New: func() any { return newScale(firsts()) }}

func newScale(first map[string]rune) *scale {
	return &scale{collator: collate.New(language.Und, collate.Loose), first: first}
}

// firsts are the letters that others of their weight are read as. What may stand
// in an address in plain letters comes first and stays itself.
var firsts = sync.OnceValue(func() map[string]rune {
	first := make(map[string]rune)
	s := newScale(nil)
	for _, within := range [][2]rune{{'0', '9'}, {'a', 'z'}, {0x0370, 0x06FF}, {0x3041, 0x312F}} {
		for r := within[0]; r <= within[1]; r++ {
			if weight := s.weights(r); (unicode.IsLetter(r) || unicode.IsDigit(r)) && len(weight) == 1 && first[weight[0]] == 0 {
				first[weight[0]] = r
			}
		}
	}
	return first
})

// letters are those that the character is read as, and whether every collation
// knows them.
func (s *scale) letters(r rune) (letters string, known bool) {
	if r <= unicode.MaxASCII {
		return string(r), true
	}
	if unicode.Is(unicode.Nd, r) {
		return string('0' + digit(r)), true
	}
	var read strings.Builder
	for _, weight := range s.weights(r) {
		first := s.first[weight]
		if first == 0 { // of no other's weight that we look at
			return string(r), everywhere(r)
		}
		read.WriteRune(first)
	}
	return read.String(), true
}

// everywhere reports whether every collation knows the letter. What is no letter
// has no weight in many, and older ones take all beyond U+FFFF for one or nothing.
func everywhere(r rune) bool {
	return r <= 0xFFFF && unicode.IsLetter(r) && unicode.In(r, scripts...) && (r <= lastLatin || !unicode.Is(unicode.Latin, r))
}

// digit is the value of a decimal digit: their ranges are whole tens.
func digit(r rune) rune {
	for _, tens := range unicode.Nd.R16 {
		if r <= rune(tens.Hi) {
			return (r - rune(tens.Lo)) % 10
		}
	}
	for _, tens := range unicode.Nd.R32 {
		if r <= rune(tens.Hi) {
			return (r - rune(tens.Lo)) % 10
		}
	}
	return 0
}

// weights are the primary ones, of two bytes each, or three where the first has
// its highest bit.
func (s *scale) weights(r rune) (weights []string) {
	s.buffer.Reset()
	for key := s.collator.KeyFromString(&s.buffer, string(r)); len(key) > 1; {
		size := min(2+int(key[0]>>7), len(key))
		weights = append(weights, string(key[:size]))
		key = key[size:]
	}
	return weights
}
