package mapping

import (
	"fmt"
	"slices"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"example.com/sidegate/sessionstore"
)

// kind is a type that an expression may have to yield. What it wants is for
// errors; admits knows the types that CEL infers when it compiles, and read
// takes what an evaluation of the expression yielded. Neither makes one type
// of another.
type kind[T any] struct {
	wants  string
	admits func(*cel.Type) bool
	read   func(v ref.Val, expr string) (T, error)
}

// truth is the kind of demands and conditions; the others are of fields.
var truth = kind[bool]{"bool", only(types.BoolKind), readTruth}

var identifier = kind[int64]{"int", optional(only(types.IntKind)), readIdentifier}

var date = kind[time.Time]{wantsDate, optional(only(types.TimestampKind, types.StringKind, types.IntKind)), readDate}

var accountList = kind[[]sessionstore.Account]{
	"list of maps", optional(oneOrList(either(mapOf(func(*cel.Type) bool { return true }), only(types.StringKind)))), readAccounts,
}

var attributeMap = kind[map[string]string]{
	"map of strings", optional(mapOf(only(types.StringKind))), readAttributes,
}

// text is a string of so many bytes at most.
func text(most int) kind[string] {
	return kind[string]{"string", optional(only(types.StringKind)), func(v ref.Val, _ string) (string, error) {
		return readText(v, most)
	}}
}

// texts is a list of so many strings at most. A lone one is a list of one: many
// a source writes it so for somebody who has one group.
func texts(most int) kind[[]string] {
	const wants = "list of strings"
	return kind[[]string]{wants, optional(oneOrList(only(types.StringKind))), func(v ref.Val, _ string) ([]string, error) {
		return readTexts(v, wants, most)
	}}
}

// only admits types of these kinds, and what is known at evaluation only.
func only(kinds ...types.Kind) func(*cel.Type) bool {
	kinds = append(kinds, types.DynKind, types.AnyKind, types.TypeParamKind)
	return func(t *cel.Type) bool { return slices.Contains(kinds, t.Kind()) }
}

// listOf admits lists of such elements.
func listOf(element func(*cel.Type) bool) func(*cel.Type) bool {
	unknown := only()
	return func(t *cel.Type) bool {
		return unknown(t) || t.Kind() == types.ListKind && element(t.Parameters()[0])
	}
}

// oneOrList admits such an element, and lists of them.
func oneOrList(element func(*cel.Type) bool) func(*cel.Type) bool {
	return either(element, listOf(element))
}

// either admits what one of the two does.
func either(one, other func(*cel.Type) bool) func(*cel.Type) bool {
	return func(t *cel.Type) bool { return one(t) || other(t) }
}

// mapOf admits maps of text to such values.
func mapOf(value func(*cel.Type) bool) func(*cel.Type) bool {
	unknown, key := only(), only(types.StringKind)
	return func(t *cel.Type) bool {
		return unknown(t) || t.Kind() == types.MapKind && key(t.Parameters()[0]) && value(t.Parameters()[1])
	}
}

// optional admits such a type, and an optional of it.
func optional(inner func(*cel.Type) bool) func(*cel.Type) bool {
	return func(t *cel.Type) bool {
		if t.Kind() == types.OpaqueKind && t.TypeName() == types.OptionalType.TypeName() {
			t = t.Parameters()[0]
		}
		return inner(t)
	}
}

// expect is nil if the value was of the kind wanted, else it names both types.
func expect(ok bool, wants string, v ref.Val) error {
	if ok {
		return nil
	}
	return mismatch(wants, typeName(v))
}

// mismatch names the type wanted and the one found, and how to make one of
// the other: that is for the expression to say.
func mismatch(wants, found string) error {
	return fmt.Errorf("wanted %s, found %s%s", wants, found, advice[[2]string{wants, found}])
}

// advice is by what is wanted and what is found.
var advice = map[[2]string]string{
	{"int", "string"}:  ": write `registry`, to have the store hand out a number, or make one of the text with stable_id(...)",
	{"int", "double"}:  ": make a whole number of it with int(...)",
	{"bool", "string"}: ": compare it, as in == 'Y'",
	{"bool", "int"}:    ": compare it, as in == 1",
	{"string", "int"}:  ": make text of it with string(...)",
	// Of two functions in a row on a list from the facts, CEL takes the elements to be int.
	{"list of strings", "list(int)"}: ": if they are text, put dyn(...) around what the last function is called on",
}

// typeName is what the type of the value is called in expressions.
func typeName(v ref.Val) string {
	switch v.Type().TypeName() {
	case "google.protobuf.Timestamp":
		return "timestamp"
	case "google.protobuf.Duration":
		return "duration"
	case "null_type":
		return "null"
	case types.OptionalType.TypeName():
		return "an optional inside of another value"
	}
	return v.Type().TypeName()
}
