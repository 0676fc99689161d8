package endpoint

import (
	"net/http"
	"strings"
	"time"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/web"
	"example.com/sidegate/sessionstore"
)

// devicesPath is where one's own devices are; the id of one follows.
const devicesPath = "/sessions"

// devices are a person's own sessions: GET, POST and DELETE /auth/sessions, and POST
// and DELETE /auth/sessions/{id}.
type devices struct {
	desk
	sessions *lifecycle.Sessions
	events   lifecycle.Events
	methods  map[string]string // what people call each way to sign in
}

func newDevices(c Config) devices {
	return devices{newDesk(c), c.Sessions, c.Events, calledMethods(c.Logins)}
}

func devicesRoute(c Config) Route {
	d := newDevices(c)
	return Route{Path: devicesPath, Answers: map[string]http.HandlerFunc{
		http.MethodGet: d.get, http.MethodDelete: d.deleteOthers, http.MethodPost: d.postOthers,
	}}
}

func deviceRoute(c Config) Route {
	d := newDevices(c)
	return Route{Path: devicesPath + "/", Answers: map[string]http.HandlerFunc{http.MethodDelete: d.delete, http.MethodPost: d.post}}
}

// device is one of a person's sessions, as they may see it.
type device struct {
	ID         string    `json:"id"`
	Current    bool      `json:"current"`
	Method     string    `json:"method"`
	CreatedAt  time.Time `json:"createdAt"`
	LastSeenAt time.Time `json:"lastSeenAt"`
	// ExpiresAt is when it ends whatever is done, and IdleExpiresAt when it does if
	// nothing more is seen of it.
	ExpiresAt     time.Time `json:"expiresAt"`
	IdleExpiresAt time.Time `json:"idleExpiresAt"`
	Address       string    `json:"address"`
	UserAgent     string    `json:"userAgent"`
}

// deviceList is the answer of list.
type deviceList struct {
	Sessions []device `json:"sessions"`
	// Unreadable are the ids of those of which nothing more can be told.
	Unreadable []string `json:"unreadable,omitempty"`
}

// list answers a program with one's own devices. One that cannot be read hides none
// of the others; a person who sees its id can sign it out.
func (d devices) list(w http.ResponseWriter, r *http.Request) {
	c := d.signedIn(w, r)
	if c == nil {
		return
	}
	sessions, unreadable, err := d.of(r, c)
	if err != nil {
		refusal.Unavailable.WriteJSON(w)
		return
	}
	list := deviceList{Sessions: make([]device, len(sessions)), Unreadable: unreadable}
	for i, s := range sessions {
		list.Sessions[i] = deviceOf(s, s.Key == c.Session.Key)
	}
	w.Header().Set("Vary", varyOnLooking)
	web.WriteJSON(w, http.StatusOK, list)
}

// of is which sessions the caller has, and the ids of those that cannot be read.
func (d devices) of(r *http.Request, c *caller.Caller) (sessions []*sessionstore.Session, unreadable []string, err error) {
	sessions, err = d.sessions.Of(r.Context(), c.Session)
	keys, listed := sessionstore.Unreadable(err)
	if err != nil && !listed {
		d.events.Trouble(r.Context(), "sessions could not be listed", err)
		return nil, nil, err
	}
	for _, key := range keys {
		unreadable = append(unreadable, key.ID())
	}
	return sessions, unreadable, nil
}

func deviceOf(s *sessionstore.Session, current bool) device {
	return device{
		ID:            s.Key.ID(),
		Current:       current,
		Method:        s.Method,
		CreatedAt:     s.CreatedAt,
		LastSeenAt:    s.LastSeenAt,
		ExpiresAt:     s.ExpiresAt,
		IdleExpiresAt: s.IdleExpiresAt(),
		Address:       s.Address,
		UserAgent:     s.UserAgent,
	}
}

// delete signs one device out, among the caller's own.
func (d devices) delete(w http.ResponseWriter, r *http.Request) {
	c := d.signedIn(w, r)
	if c == nil {
		return
	}
	key, found, err := d.end(w, r, c)
	switch {
	case err != nil:
		d.notEnded(r, err).WriteJSON(w)
	case !found:
		refusal.NoSession.WriteJSON(w)
	default:
		d.ended(r, c, key)
		w.WriteHeader(http.StatusNoContent)
	}
}

// end ends the session that the address names, if it is one of the caller's own, and
// has the browser forget its cookie where that is the one that it came with.
func (d devices) end(w http.ResponseWriter, r *http.Request, c *caller.Caller) (key sessionstore.Key, found bool, err error) {
	key, found, err = d.sessions.Find(r.Context(), c.Session, d.asked(r))
	if err != nil || !found {
		return key, found, err
	}
	if key != c.Session.Key {
		return key, true, d.sessions.End(c.Asking(r), key)
	}
	known := cookiesOf(c, d.sessions) // they sign out here
	if _, err = d.sessions.EndAll(caller.Asking(r), []sessionstore.Key{key}); err == nil && c.Token == "" {
		d.address.signsOut(w, r, known)
	}
	return key, true, err
}

// asked is the id that the address names.
func (d devices) asked(r *http.Request) string {
	return strings.TrimPrefix(r.URL.Path, d.address.BasePath+devicesPath+"/")
}

// deleteOthers signs every other device out.
func (d devices) deleteOthers(w http.ResponseWriter, r *http.Request) {
	c := d.signedIn(w, r)
	if c == nil {
		return
	}
	if err := d.sessions.EndOthers(caller.Asking(r), c.Session); err != nil {
		d.notEnded(r, err).WriteJSON(w)
		return
	}
	d.ended(r, c, sessionstore.Key{})
	w.WriteHeader(http.StatusNoContent)
}

func (d devices) ended(r *http.Request, c *caller.Caller, key sessionstore.Key) {
	d.events.Happened(signedOut(DeviceSignedOut, r, c, key))
}

func (d devices) notEnded(r *http.Request, err error) *refusal.Refusal {
	d.events.Trouble(r.Context(), "a session could not be ended", err)
	return refusal.NotEnded
}
