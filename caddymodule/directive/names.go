package directive

import (
	"fmt"
	"slices"
	"strings"
)

// Names are those of one kind, such as roles. Any other that is declared nowhere is a name
// all the same, so only one that is nearly a declared one is taken for a slip.
type Names struct {
	// Declared are those that the roles of the configuration declare; none where a
	// login or a directory gives others, which it alone knows.
	Declared []string
	// Included are those that come with a declared one.
	Included []string
	// Held reports whether anybody in a users file has one that matches, or whether
	// that cannot be told.
	Held func(matches func(name string) bool) bool

	// Called is what one is called in an error, and Remedy what is to be done where both
	// are meant, with %s for the name.
	Called, Remedy string
}

// Demanded refuses a name that is nearly a declared one, where nobody has it.
func (k *Names) Demanded(name string) error {
	meant, ok := Slip(name, k.Declared)
	if !ok {
		meant, ok = OtherLetter(name, k.Declared)
	}
	if !ok || k.Known(name) {
		return nil
	}
	return k.slip(name, meant)
}

// Given refuses a name that somebody is given, which may be demanded elsewhere: only
// a slip beyond doubt.
func (k *Names) Given(name string) error {
	if meant, ok := Slip(name, k.Declared); ok && !slices.Contains(k.Declared, name) {
		return k.slip(name, meant)
	}
	return nil
}

func (k *Names) slip(name, meant string) error {
	return fmt.Errorf("there is no %s %s: did you mean `%s`? "+k.Remedy, k.Called, name, meant, name)
}

// knows reports whether one that matches is declared, comes with another, or is had
// by somebody.
func (k *Names) knows(matches func(string) bool) bool {
	return slices.ContainsFunc(k.Declared, matches) || slices.ContainsFunc(k.Included, matches) || k.Held(matches)
}

// Known reports whether a name is declared, comes with another, or is had by
// somebody.
func (k *Names) Known(name string) bool {
	return k.knows(func(other string) bool { return other == name })
}

// Pattern refuses a whole name as Demanded does, and one that ends in an asterisk
// where nobody has what it covers and it is nearly the beginning of a declared one.
func (k *Names) Pattern(pattern string) error {
	begin, isPrefix := strings.CutSuffix(pattern, "*")
	if !isPrefix {
		return k.Demanded(pattern)
	}
	var begins []string
	for _, name := range k.Declared {
		if strings.HasPrefix(begin, name) {
			continue // goes on beyond it on purpose, such as team-* beside team
		}
		begins = append(begins, name)
		for i, r := range name {
			if strings.ContainsRune("-_:./", r) {
				begins = append(begins, name[:i+1])
			}
		}
	}
	meant, ok := Slip(begin, begins)
	if !ok {
		meant, ok = OtherLetter(begin, begins)
	}
	if !ok || k.knows(func(name string) bool { return strings.HasPrefix(name, begin) }) {
		return nil
	}
	return fmt.Errorf("there is no %s that begins %s: did you mean `%s*`? If both begin some, declare one in the sidegate options, too: `role %s<name>`",
		k.Called, begin, meant, begin)
}
