package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"example.com/sidegate/caddymodule/profile"
)

// listOfFunction declares list_of(x): what a source writes as one text, as a list
// or as null, as a list.
func listOfFunction() cel.EnvOption {
	return cel.Function("list_of", cel.Overload("list_of_dyn", []*cel.Type{cel.DynType}, cel.ListType(cel.DynType),
		cel.UnaryBinding(asList)))
}

// asList is the list itself, an empty one of null and of an empty text, which are
// a source's words for "none", and else a list of one.
func asList(v ref.Val) ref.Val {
	switch v := v.(type) {
	case traits.Lister:
		return v
	case types.Null:
		return listed()
	case types.String:
		if v == "" {
			return listed()
		}
	case *types.Optional:
		if !v.HasValue() {
			return listed()
		}
		return asList(v.GetValue())
	}
	return listed(v)
}

func listed(elements ...ref.Val) traits.Lister {
	return types.NewRefValList(types.DefaultTypeAdapter, elements)
}

// readTexts reads a list of strings, or a lone one as a list of one.
func readTexts(v ref.Val, wants string, most int) ([]string, error) {
	switch lone := v.(type) {
	case types.String:
		if isJoined(string(lone)) {
			return nil, errJoined
		}
		v = asList(v)
	case types.Null:
		v = asList(v)
	}
	all, err := readList(v, wants, most, func(v ref.Val) (string, error) { return readText(v, profile.MaxText) })
	// "".split(",") is a list of one empty text, and names nothing.
	return slices.DeleteFunc(all, func(text string) bool { return text == "" }), err
}

// errJoined refuses to guess: taken for one name, "admins,staff" is a role that
// nobody asks for, and its person would have neither.
var errJoined = errors.New("wanted list of strings, found a string with commas: take it apart, as with .split(','), or put it in brackets if it is one name")

// isJoined tells several names in one text from one name: that of a directory has
// commas too ("CN=Staff,DC=example").
func isJoined(text string) bool {
	return strings.Contains(text, ",") && !strings.Contains(text, "=")
}

// readList reads a list of so many elements at most. Its length is looked at
// first, so that a huge one costs nothing.
func readList[T any](v ref.Val, wants string, most int, read func(ref.Val) (T, error)) ([]T, error) {
	list, ok := v.(traits.Lister)
	if !ok {
		return nil, mismatch(wants, typeName(v))
	}
	n, _ := list.Size().(types.Int)
	if int(n) > most {
		return nil, fmt.Errorf("the list has %d elements: %d at most", n, most)
	}
	all := make([]T, n)
	for i := range all {
		var err error
		if all[i], err = read(list.Get(types.Int(i))); err != nil {
			return nil, fmt.Errorf("element %d: %w", i, err)
		}
	}
	return all, nil
}
