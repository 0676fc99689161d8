package mapping

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
)

// maxParts is the most arguments of stable_id.
const maxParts = 4

// errEmptyPart refuses stable_id of nothing: all of whom the source has no id
// would get the same number, and be one person.
var errEmptyPart = errors.New("stable_id has an empty argument: people without an id would all be the same person")

// stableID is a number for what a source calls somebody: the first 53 bits of
// the SHA-256 of its parts, each behind its length in eight bytes, so that no
// two lists of parts are hashed as the same bytes. It is 1 to 2^53-1.
//
// People keep their number for good: what it yields may never change.
func stableID(parts ...string) int64 {
	var bytes []byte
	for _, part := range parts {
		bytes = binary.BigEndian.AppendUint64(bytes, uint64(len(part)))
		bytes = append(bytes, part...)
	}
	sum := sha256.Sum256(bytes)
	return max(int64(binary.BigEndian.Uint64(sum[:])>>11), 1)
}

// stableIDFunction declares stable_id(string, ...), of one to four arguments.
func stableIDFunction() cel.EnvOption {
	var overloads []cel.FunctionOpt
	for n := 1; n <= maxParts; n++ {
		name := "stable_id" + strings.Repeat("_string", n)
		args := slices.Repeat([]*cel.Type{cel.StringType}, n)
		overloads = append(overloads, cel.Overload(name, args, cel.IntType, binding(n)))
	}
	return cel.Function("stable_id", overloads...)
}

// binding is stableIDOf as CEL wants it for so many arguments.
func binding(n int) cel.OverloadOpt {
	switch n {
	case 1:
		return cel.UnaryBinding(func(a ref.Val) ref.Val { return stableIDOf(a) })
	case 2:
		return cel.BinaryBinding(func(a, b ref.Val) ref.Val { return stableIDOf(a, b) })
	}
	return cel.FunctionBinding(stableIDOf)
}

// stableIDOf is called with strings only: CEL looks at the types before.
func stableIDOf(args ...ref.Val) ref.Val {
	parts := make([]string, len(args))
	for i, arg := range args {
		if parts[i] = string(arg.(types.String)); parts[i] == "" {
			return types.WrapErr(errEmptyPart)
		}
	}
	return types.Int(stableID(parts...))
}
