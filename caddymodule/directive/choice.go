package directive

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
)

// Choice reads one of a few words, given once at most.
func Choice(target *string, words ...string) Option {
	return func(d *caddyfile.Dispenser) error {
		name := d.Val()
		return Checked(Text(target), func() error { return OneOf(name, *target, words...) })(d)
	}
}

// Choices reads one or more of a few words; repeated options add up.
func Choices(target *[]string, words ...string) Option {
	return func(d *caddyfile.Dispenser) error {
		name := d.Val()
		return Checked(Texts(target), func() error {
			for _, value := range *target {
				if err := OneOf(name, value, words...); err != nil {
					return err
				}
			}
			return nil
		})(d)
	}
}

// OneOf refuses a value that is none of the words that an option takes, and says
// which may have been meant. It repeats only what is near one: what is like none may
// be a secret in the wrong place.
func OneOf(option, value string, words ...string) error {
	if slices.Contains(words, value) {
		return nil
	}
	there := "there are " + strings.Join(words, ", ")
	if len(words) == 1 {
		there = "it takes the word " + words[0]
	}
	if near, ok := nearestOfFew(value, words); ok {
		return fmt.Errorf("%s: %s is not known: did you mean `%s`? %s", option, Quoted(value), near, strings.ToUpper(there[:1])+there[1:])
	}
	return errors.New(option + ": what stands there is not known: " + there)
}

// longestWord is beyond that of every option, and short of what a secret is as a
// rule.
const longestWord = 24

// Quoted is a value as an error repeats it, if it may.
func Quoted(value string) string {
	if isPlain(value) {
		return "'" + value + "'"
	}
	return "what stands there"
}

// Number is Quoted for what stands where a number or a duration should: what does not
// begin as one may be a secret in the wrong place.
func Number(value string) string {
	if digits := strings.TrimLeft(value, "+-."); digits == "" || digits[0] < '0' || digits[0] > '9' {
		return "what stands there"
	}
	return Quoted(value)
}

// isPlain reports whether a value may be repeated in an error: it looks like a word
// or a number, and not like a secret that stands in the wrong place.
func isPlain(value string) bool {
	return utf8.RuneCountInString(value) <= longestWord && !strings.ContainsFunc(value, func(r rune) bool {
		return !isLetter(r) && !strings.ContainsRune("0123456789-_.", r)
	})
}

// isName reports whether a word looks like the name of an option, none of which has
// a digit. A secret on a line of its own is not to be repeated in an error.
func isName(word string) bool {
	return len(word) <= longestWord && !strings.ContainsFunc(word, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') })
}

func isLetter(r rune) bool { return 'a' <= r|0x20 && r|0x20 <= 'z' }
