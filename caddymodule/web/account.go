package web

import "net/http"

// Account is the page to choose the account that one acts for.
type Account struct {
	// Base is the configured base_path, such as /auth.
	Base string
	// SignedInAs is the user name, or else the email address, of whom is signed in.
	SignedInAs string
	// Choices are all of their accounts, in the order of the session.
	Choices []Choice
	// ReturnTo is where choosing leads. The caller has checked that it may. Empty means
	// back to this page.
	ReturnTo string
}

// Choice is one account on the page.
type Choice struct {
	// ID is what is sent, and Name what people call it; where nobody sees it: the ID.
	ID, Name string
	// Primary says that it is the one that they act for, and Admin that they administer it.
	Primary, Admin bool
}

// Write answers 200 with the page.
func (a Account) Write(w http.ResponseWriter, v View) {
	page{name: "account", data: a, status: http.StatusOK, anyForm: true}.write(w, v)
}

// Next is where leaving the page leads.
func (a Account) Next() string { return orFront(a.ReturnTo) }

// Label is what the account is called, as far as there is anything to see of it: a button
// without a word is none that anybody knows what it does.
func (c Choice) Label() string {
	if !seen(c.Name) {
		return c.ID
	}
	return c.Name
}

// Note is its ID where the label is another; else empty.
func (c Choice) Note() string {
	if c.Label() == c.ID {
		return ""
	}
	return c.ID
}
