package profile

// Refused says that the configuration refuses the person: a `require` did not
// hold, or a required directory does not know them. It is a definite "no".
type Refused struct {
	// Message is of the configuration, for the person to read. Empty for none.
	Message string
	// Why is for the log: which rule it was, and never a value.
	Why string
}

func (r *Refused) Error() string { return r.Why }
