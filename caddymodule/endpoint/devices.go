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

// devices are a person's own sessions: GET and DELETE /auth/sessions, and
// DELETE /auth/sessions/{id}.
type devices struct {
	desk
	sessions *lifecycle.Sessions
	events   lifecycle.Events
}

func newDevices(c Config) devices { return devices{newDesk(c), c.Sessions, c.Events} }

func devicesRoute(c Config) Route {
	d := newDevices(c)
	return Route{Path: devicesPath, Answers: map[string]http.HandlerFunc{http.MethodGet: d.list, http.MethodDelete: d.deleteOthers}}
}

func deviceRoute(c Config) Route {
	return Route{Path: devicesPath + "/", Answers: map[string]http.HandlerFunc{http.MethodDelete: newDevices(c).delete}}
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

// list answers with one's own devices. One that cannot be read hides none of
// the others; a person who sees its id can sign it out.
func (d devices) list(w http.ResponseWriter, r *http.Request) {
	c := d.signedIn(w, r)
	if c == nil {
		return
	}
	sessions, err := d.sessions.Of(r.Context(), c.Session)
	unreadable, listed := sessionstore.Unreadable(err)
	if err != nil && !listed {
		d.events.Trouble(r.Context(), "sessions could not be listed", err)
		refusal.Unavailable.WriteJSON(w)
		return
	}
	list := deviceList{Sessions: make([]device, len(sessions))}
	for i, s := range sessions {
		list.Sessions[i] = deviceOf(s, s.Key == c.Session.Key)
	}
	for _, key := range unreadable {
		list.Unreadable = append(list.Unreadable, key.ID())
	}
	w.Header().Set("Vary", web.VaryOnCaller)
	web.WriteJSON(w, http.StatusOK, list)
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
	id := strings.TrimPrefix(r.URL.Path, d.address.BasePath+devicesPath+"/")
	key, found, err := d.sessions.Find(r.Context(), c.Session, id)
	if err == nil && !found {
		refusal.NoSession.WriteJSON(w)
		return
	}
	known := cookiesOf(c, d.sessions)
	switch {
	case err != nil:
	case key == c.Session.Key: // they sign out here
		_, err = d.sessions.EndAll(caller.Asking(r), []sessionstore.Key{key})
	default:
		err = d.sessions.End(c.Asking(r), key)
	}
	if err != nil {
		d.notEnded(w, r, err)
		return
	}
	if key == c.Session.Key && c.Token == "" {
		d.address.signsOut(w, r, known)
	}
	d.ended(w, r, c, key)
}

// deleteOthers signs every other device out.
func (d devices) deleteOthers(w http.ResponseWriter, r *http.Request) {
	c := d.signedIn(w, r)
	if c == nil {
		return
	}
	if err := d.sessions.EndOthers(caller.Asking(r), c.Session); err != nil {
		d.notEnded(w, r, err)
		return
	}
	d.ended(w, r, c, sessionstore.Key{})
}

func (d devices) ended(w http.ResponseWriter, r *http.Request, c *caller.Caller, key sessionstore.Key) {
	d.events.Happened(signedOut(DeviceSignedOut, r, c, key))
	w.WriteHeader(http.StatusNoContent)
}

func (d devices) notEnded(w http.ResponseWriter, r *http.Request, err error) {
	d.events.Trouble(r.Context(), "a session could not be ended", err)
	refusal.NotEnded.WriteJSON(w)
}
