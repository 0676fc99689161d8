package profile

import (
	"cmp"
	"errors"
)

// Refused says that the configuration refuses the person: a `require` did not
// hold, or a required directory does not know them. It is a definite "no".
type Refused struct {
	// Message is of the configuration, for the person to read. Empty for none.
	Message string
	// Why is for the log: which rule it was, and never a value.
	Why string
}

func (r *Refused) Error() string { return r.Why }

// About is an error that says whom it is about, by the email address or the name that a
// source knows them by. It reads as the error does; see Whom.
type About struct {
	Person string
	Err    error
}

func (a *About) Error() string { return a.Err.Error() }

// Unwrap returns the error.
func (a *About) Unwrap() error { return a.Err }

// Concerning is an About of the first of the names that is not empty; nil stays nil, and
// an error that says whom it is about goes on saying that.
func Concerning(err error, names ...string) error {
	person := cmp.Or(names...)
	if err == nil || person == "" || Whom(err) != "" {
		return err
	}
	return &About{person, err}
}

// Whom is whom an error is about; empty where it does not say so. It is personal data:
// for the log that is a digest.
func Whom(err error) string {
	if about, ok := errors.AsType[*About](err); ok {
		return about.Person
	}
	return ""
}

// Unmapped says that an answer about the person came and that no session can be
// made of it: a claim is of another type than the mapping takes, or is gone.
// It is no passing trouble, for the next answer will be like it; what was said
// of the person before is no longer vouched for. It is no "no" either.
type Unmapped struct {
	// Err names the field or the answer, and never a value.
	Err error
	// Unreadable says that it was no answer to what was asked, a page for one or
	// one about somebody else. The next may be better: a sign-in may be tried
	// again.
	Unreadable bool
}

func (u *Unmapped) Error() string { return u.Err.Error() }

// Unwrap returns what was wrong with the answer.
func (u *Unmapped) Unwrap() error { return u.Err }

// IsLasting reports whether the error says that the person cannot be mapped, and
// that trying again would not help.
func IsLasting(err error) bool {
	u, unmapped := errors.AsType[*Unmapped](err)
	return unmapped && !u.Unreadable
}

// IsUnmapped reports whether the error is, or wraps, an Unmapped or ErrInvalid.
func IsUnmapped(err error) bool {
	_, unmapped := errors.AsType[*Unmapped](err)
	return unmapped || errors.Is(err, ErrInvalid)
}
