package web

import "net/http"

// sendOnce is the script of the page for a kept form: it says after a press that the
// form is sent, and takes no second one. An answer without a page, such as a download,
// leaves this one standing, and what it said before is no longer so then: who believes
// it sends, and pays, twice. Without it people press as often as they like.
var sendOnce = script("pages/kept.js")

// KeptForm is the page for who was signed out before they sent a form: it says that
// nothing was sent on, and keeps the fields, to be sent once more when they have signed
// in in another tab.
type KeptForm struct {
	// Action is where the form goes, a path of this site.
	Action string
	// Fields are what it sends, in order, and LeftOut the names of those that are not
	// kept, for they may be secret.
	Fields  []Field
	LeftOut []string
	// Login is where to sign in.
	Login string
	// Lost is why nothing is kept; empty: it is.
	Lost Lost
}

// Lost says why a form is not kept.
type Lost string

// The reasons.
const (
	// LostElsewhere: it is not known that a page of this site has sent it.
	LostElsewhere Lost = "elsewhere"
	// LostKind: it has files, or is of a kind or an encoding that is not kept.
	LostKind Lost = "kind"
	// LostSize: there is too much of it, of this one or of others at this moment.
	LostSize Lost = "size"
)

// Write answers 401 with the page. Nobody keeps it: what somebody has typed stands in it.
func (k KeptForm) Write(w http.ResponseWriter, v View) {
	page{name: "kept", data: k, status: http.StatusUnauthorized, anyForm: true, script: sendOnce}.write(w, v)
}
