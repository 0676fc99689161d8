package login

// DisabledError is ErrRefused for somebody whom the method knows and who is disabled: it
// is known whom the log is about, though not who has typed their name.
type DisabledError struct {
	// UserID is the person's number.
	UserID int64
	// Err is why; an ErrRefused.
	Err error
}

// Error implements error.
func (e *DisabledError) Error() string { return e.Err.Error() }

// Unwrap returns why.
func (e *DisabledError) Unwrap() error { return e.Err }
