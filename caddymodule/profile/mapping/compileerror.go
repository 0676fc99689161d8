package mapping

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common"
)

// maxIssues is the most of CEL's complaints in one error: the first tells.
const maxIssues = 3

// explain is what CEL says of an expression, each complaint with a pointer to
// where it is, and with the next step where it is known.
func (v *vocabulary) explain(issues *cel.Issues, text string) error {
	var all []string
	for i, issue := range issues.Errors() {
		if i == maxIssues {
			break
		}
		shown := issue.ToDisplayString(common.NewStringSource(text, "expression"))
		said, pointer, _ := strings.Cut(strings.TrimPrefix(shown, "ERROR: "), "\n")
		said = strings.ReplaceAll(said, " (in container '')", "") + v.nextStep(issue.Message)
		all = append(all, strings.TrimSuffix(said+"\n"+pointer, "\n"))
	}
	if all == nil {
		return issues.Err()
	}
	return errors.New(strings.Join(all, "\n"))
}

// nextStep is for a name that does not exist.
func (v *vocabulary) nextStep(message string) string {
	_, rest, undeclared := strings.Cut(message, "undeclared reference to '")
	name, _, _ := strings.Cut(rest, "'")
	switch {
	case !undeclared:
		return ""
	case name == registry:
		return "; it stands alone, as the whole expression of id"
	case v.env.HasFunction(name):
		return "; it is a function: give it its arguments in brackets"
	}
	words := slices.Concat(v.names, slices.Sorted(maps.Keys(v.env.Functions())))
	return fmt.Sprintf("%s; variables here: %s", meant(name, words), v.list())
}
