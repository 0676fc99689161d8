package web

import (
	"net/http"
	"slices"
	"time"
)

// mostDevices and mostUnreadable bound how many of somebody's sessions are on the page.
const (
	mostDevices    = 100
	mostUnreadable = 20
)

// Sessions is the page of one's own sessions: where one is signed in, with a button
// to sign out there.
type Sessions struct {
	// Base is the configured base_path, such as /auth.
	Base string
	// SignedInAs is the user name, or else the email address, of whom they are.
	SignedInAs string
	// This is the session that the page is shown to, and Others are the others of its
	// person, the newest first. Of more than a hundred the first are shown, and it is
	// said how many are not.
	This   Device
	Others []Device
	// Unreadable are the ids of those of which nothing more can be told.
	Unreadable []string
	// Done is what is told to have been done, if anything.
	Done SessionsDone
}

// SessionsDone is what a press of one of the page's buttons has done, as far as can be
// seen now: whatever the address says, nothing is told that is not so.
type SessionsDone int

// What can be told. The zero value is nothing.
const (
	// NothingDone tells nothing.
	NothingDone SessionsDone = iota
	// DeviceOut says that a device is signed out.
	DeviceOut
	// OthersOut says that one is signed in nowhere else.
	OthersOut
)

// Device is one session on the page.
type Device struct {
	// ID names it; it is no credential.
	ID string
	// UserAgent is what the browser called itself at sign-in. It is never shown whole.
	UserAgent string
	// Address is where it was signed in from.
	Address string
	// Method is how: the label or name of a provider, or of a login that there is no
	// more. Empty: by a password.
	Method string
	// Created is when, LastSeen when something was last seen of it, and Expires when it
	// ends whatever is done.
	Created, LastSeen, Expires time.Time
}

// Write answers 200 with the page.
func (s Sessions) Write(w http.ResponseWriter, v View) {
	shown := shownSessions{
		Sessions: s, This: v.device(s.This), Told: v.done(s.Done),
		Unreadable: s.Unreadable[:min(len(s.Unreadable), mostUnreadable)],
	}
	for _, d := range s.Others[:min(len(s.Others), mostDevices)] {
		shown.Others = append(shown.Others, v.device(d))
	}
	page{name: "sessions", data: shown, status: http.StatusOK, anyForm: true}.write(w, v)
}

// shownSessions is the page in a language, with as many of them as it shows.
type shownSessions struct {
	Sessions
	This       shownDevice
	Others     []shownDevice
	Unreadable []string
	Told       string // what has been done; empty: nothing
}

// Hidden is how many of the others are not shown.
func (s shownSessions) Hidden() int { return len(s.Sessions.Others) - len(s.Others) }

// HiddenUnreadable is the same of those that cannot be read.
func (s shownSessions) HiddenUnreadable() int { return len(s.Sessions.Unreadable) - len(s.Unreadable) }

// shownDevice is one session in a language.
type shownDevice struct {
	Device
	Name string // what its browser is called
}

func (v View) device(d Device) shownDevice {
	switch browser, system := browserOf(d.UserAgent); {
	case browser != "" && system != "":
		return shownDevice{d, v.Text("sessions.browser_on", browser, system)}
	case browser != "":
		return shownDevice{d, browser}
	case system != "":
		return shownDevice{d, v.Text("sessions.unnamed_on", system)}
	}
	return shownDevice{d, v.Text("sessions.unknown")}
}

func (v View) done(done SessionsDone) string {
	switch done {
	case DeviceOut:
		return v.Text("sessions.done.device")
	case OthersOut:
		return v.Text("sessions.done.others")
	}
	return ""
}

// Alone reports whether there is no other session.
func (s Sessions) Alone() bool { return len(s.Others)+len(s.Unreadable) == 0 }

// Has reports whether one of them has that ID.
func (s Sessions) Has(id string) bool {
	return s.This.ID == id || slices.Contains(s.Unreadable, id) || slices.ContainsFunc(s.Others, func(d Device) bool { return d.ID == id })
}
