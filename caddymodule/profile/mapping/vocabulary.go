package mapping

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"
)

const (
	// maxCost bounds the steps of one evaluation, in the units of CEL. It is
	// enough to map the most accounts there may be.
	maxCost = 1_000_000
	// checkEvery is after how many steps of a loop maxTime is looked at.
	checkEvery = 16
	// maxRange bounds the lists that lists.range makes, and maxNodes what the
	// macros of one expression unfold to.
	maxRange = 10_000
	maxNodes = 20_000
	// maxDigits bounds the digits behind the point of a format.
	maxDigits = 32
	// maxPattern bounds the instructions of a regular expression, which may come
	// with the facts.
	maxPattern = 1_000
)

// maxTime bounds an evaluation whose steps are few but long; a good one takes
// microseconds. Only tests change it.
var maxTime = 10 * time.Second

// identity is the variable that is always there: the person as it is so far.
const identity = "identity"

// allVariables are the variables that there may be.
var allVariables = []string{"access_token", "directory", identity, "login", "token"}

// Variables are the names of the variables that there may be; each place has
// some of them.
func Variables() []string { return slices.Clone(allVariables) }

var programOptions = []cel.ProgramOption{
	cel.EvalOptions(cel.OptOptimize),
	cel.CostLimit(maxCost),
	cel.InterruptCheckFrequency(checkEvery),
}

// language is what all expressions share; it is made once.
var language = sync.OnceValues(func() (*cel.Env, error) {
	shareNoErrors()
	return cel.NewEnv(
		cel.CustomTypeAdapter(inOrder{}),
		cel.OptionalTypes(),
		ext.Strings(ext.StringsMaxPrecision(maxDigits)),
		ext.Lists(ext.ListsMaxRangeSize(maxRange)),
		ext.Math(),
		ext.Encoders(),
		ext.Sets(),
		ext.TwoVarComprehensions(),
		cel.CrossTypeNumericComparisons(true),
		cel.DefaultUTCTimeZone(true),
		cel.ExpressionNodeLimit(maxNodes),
		cel.RegexProgramSizeLimit(maxPattern),
		cel.ASTValidators(cel.ValidateRegexLiterals(), cel.ValidateTimestampLiterals(), cel.ValidateDurationLiterals()),
		stableIDFunction(),
		listOfFunction(),
		cel.EagerlyValidateDeclarations(true),
	)
})

// shareNoErrors gives the two error values that all of CEL's evaluations share
// the number of no node. Else the first evaluations to fail would write theirs
// into it, at the same time, and point at the wrong place of one another.
func shareNoErrors() {
	types.LabelErrNode(noNode, types.NoSuchOverloadErr())
	types.LabelErrNode(noNode, types.Int(math.MaxInt64).ConvertToType(types.TimestampType))
}

// noNode is the number of no node of a syntax tree.
const noNode = -1

// vocabulary is what expressions of one place may speak of.
type vocabulary struct {
	env   *cel.Env
	names []string // of the variables, in order
}

func newVocabulary(variables []string) (*vocabulary, error) {
	names := append([]string{identity}, variables...)
	slices.Sort(names)
	names = slices.Compact(names)
	var options []cel.EnvOption
	for _, name := range names {
		if !slices.Contains(allVariables, name) {
			return nil, fmt.Errorf("there is no variable %q: there are %s", name, strings.Join(allVariables, ", "))
		}
		options = append(options, cel.Variable(name, cel.MapType(cel.StringType, cel.DynType)))
	}
	env, err := language()
	if err == nil {
		env, err = env.Extend(options...)
	}
	if err != nil {
		return nil, fmt.Errorf("expressions cannot be set up: %w", err)
	}
	return &vocabulary{env, names}, nil
}

func (v *vocabulary) has(name string) bool { return slices.Contains(v.names, name) }

func (v *vocabulary) list() string { return strings.Join(v.names, ", ") }
