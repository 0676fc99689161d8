package mapping

import (
	"maps"
	"slices"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"example.com/sidegate/caddymodule/profile"
)

// inOrder hands facts to CEL. An expression that goes through an object of the
// facts does so in the order of its keys, and not in Go's, which is another
// one every time: the first account is the primary one where nothing else says
// so, and must not be somebody's other one at the next refresh.
type inOrder struct{}

// NativeToValue implements types.Adapter.
func (a inOrder) NativeToValue(value any) ref.Val {
	switch v := value.(type) {
	case map[string]any:
		return object{types.NewStringInterfaceMap(a, v), v}
	case profile.Facts:
		return a.NativeToValue(map[string]any(v))
	case []any:
		return types.NewDynamicList(a, v)
	}
	return types.DefaultTypeAdapter.NativeToValue(value)
}

// object is an object of the facts.
type object struct {
	traits.Mapper
	native map[string]any
}

// Iterator goes through the keys in their order.
func (o object) Iterator() traits.Iterator {
	return types.NewStringList(inOrder{}, slices.Sorted(maps.Keys(o.native))).Iterator()
}

// IsZeroValue tells optional.ofNonZeroValue that there is nothing in it.
func (o object) IsZeroValue() bool { return len(o.native) == 0 }

// AggregateSize tells CEL what an object counts for in the cost of a step.
func (o object) AggregateSize(s types.AggregateSizer) uint32 {
	if v, ok := o.Mapper.(types.AggregateSizeVisitor); ok {
		return v.AggregateSize(s)
	}
	return uint32(len(o.native))
}
