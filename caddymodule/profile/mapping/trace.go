package mapping

import "example.com/sidegate/caddymodule/profile"

// Step is one expression of a mapping with what came of it, for a dry run.
type Step struct {
	// Field is the field that was filled; "require" for a demand.
	Field string
	// Expr is the expression as it was written.
	Expr string
	// Result is what the field became: an int64, string, time.Time, []string,
	// map[string]string or []sessionstore.Account. It is a bool for a demand,
	// "registry" for an ID that the store will hand out, and nil when the field
	// was left as it was. A credential is not shown.
	Result any
	// Err says why there is no result, or that the demand does not hold.
	Err error
}

// Trace is Apply that tells each step, those after a failed one too. Results
// are personal data: show them to who brought the facts, and log none.
func (m *Mapping) Trace(person *profile.Person, facts profile.Facts) ([]Step, error) {
	return m.apply(person, facts, true)
}
