package sessionstore

// Refusal is an error by which a store has answered that it does not do what it was
// asked, as one does whose user lacks a right. An error that is none says that there was
// no answer, as far as anybody can tell.
type Refusal interface {
	error
	// Refused is what was refused, and what an operator does about it; empty where
	// nobody knows. ok is false where there was no answer after all.
	Refused() (what, remedy string, ok bool)
}
