package profile

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"
)

const (
	// MaxName is the most bytes in a permission, in a role that was granted
	// (directories grant whole distinguished names) and in an account id.
	MaxName = 256
	// MaxText is the most bytes in an account name, a subject, a name, the
	// value of an attribute, and in createdBy and updatedBy.
	MaxText = 512
	// MaxAccounts is the most accounts of one person.
	MaxAccounts = 10_000
	// MaxAttributes is the most attributes of one person.
	MaxAttributes = 100
)

// ErrInvalid says that no session can be made of what is known of a person.
// What is wrapped around it names the field and the rule, never the value:
// it is personal data, and goes to a log.
var ErrInvalid = errors.New("profile is not valid")

// wrong is a broken rule, without ErrInvalid: a configuration breaks them too.
func wrong(field, rule string) error { return errors.New(field + " " + rule) }

func tooLong(field string, limit int) error {
	return wrong(field, fmt.Sprintf("is longer than %d bytes", limit))
}

// checkText refuses what could end a header or a log line, or is not text. An
// empty text is fine.
func checkText(field, text string, limit int) error {
	if len(text) > limit {
		return tooLong(field, limit)
	}
	if !utf8.ValidString(text) {
		return wrong(field, "is not UTF-8")
	}
	for _, r := range text {
		if unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp) {
			return wrong(field, "holds a control character or line break")
		}
	}
	return nil
}

// checkName is checkText for what must not be empty.
func checkName(field, name string, limit int) error {
	if name == "" {
		return wrong(field, "is empty")
	}
	return checkText(field, name, limit)
}

// checkNames checks a list. Its length is looked at first, so that a huge one
// costs nothing.
func checkNames(field string, names []string, most, limit int) error {
	if len(names) > most {
		return tooMany(field, most)
	}
	for i, name := range names {
		if err := checkName(fmt.Sprintf("%s[%d]", field, i), name, limit); err != nil {
			return err
		}
	}
	return nil
}

func tooMany(field string, most int) error {
	return wrong(field, fmt.Sprintf("has more than %d entries", most))
}
