package endpoint

import (
	"bufio"
	"errors"
	"io"
	"net/http"

	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/web"
)

// Bounds of the body of a form that is kept: nginx takes 1 MiB unless it is told
// otherwise. keptAtOnce bounds what strangers can have held in memory, about 6 MiB each
// with the page, for who posts is not signed in, and keptOfOne how much of that is one
// client's: the rest is there for everybody else, however long that one takes over what
// it sends, and over the page.
const (
	keptForm   = 1 << 20
	keptAtOnce = 16
	keptOfOne  = 4
)

// keeping has a place for each form that is being kept.
var keeping = newPlaces(keptAtOnce, keptOfOne)

// KeepForm answers a form that somebody has sent who is not signed in any more: that
// it went no further, with its fields where they can be kept, to be sent again. What a
// page of another site has sent is not kept (it would be sent again in the person's
// name, by a press of a button that they take for this site's).
func (a *Address) KeepForm(w http.ResponseWriter, r *http.Request, why *refusal.Refusal, asked string) {
	page := web.KeptForm{Login: a.LoginURL(r, asked)}
	var held stay
	defer held.end()
	page.Lost = a.keepForm(w, r, asked, &page, &held)
	if page.Lost != "" {
		page.Action, page.Fields, page.LeftOut = "", nil, nil
	}
	why.WriteHeaders(w)
	a.TellLogin(w.Header(), r, asked)
	defer takenInTime(w)()
	page.Write(w, a.Look.For(r))
}

// keepForm fills in what is kept, or says why nothing is.
func (a *Address) keepForm(w http.ResponseWriter, r *http.Request, asked string, page *web.KeptForm, held *stay) web.Lost {
	action, ok := a.ReturnTo.Allow(r, asked)
	switch {
	case !a.Check.SameOrigin(r):
		refusal.CloseUnread(w, r)
		return web.LostElsewhere
	case !ok || len(r.Header["Content-Type"]) != 1 || mediaType(r) != mediaForm:
		refusal.CloseUnread(w, r)
		return web.LostKind
	case r.ContentLength > keptForm:
		refusal.CloseUnread(w, r)
		return web.LostSize
	}
	body, err := a.readKept(w, r, held)
	if err != nil {
		refusal.CloseUnread(w, r)
		return web.LostSize
	}
	fields, leftOut, lost := web.ReadForm(body)
	page.Action, page.Fields, page.LeftOut = action, fields, leftOut
	page.Login = a.LoginURL(r, a.ownReferer(r))
	return lost
}

var (
	errNotWhole = errors.New("the body is not whole")
	errNoPlace  = errors.New("too many forms are being kept")
)

// readKept reads the whole body, within the bounds of size and time. One that
// somebody has read before us is not whole. The place is taken when the first of it has
// come: a head is sent by anybody, and costs them nothing while they wait.
func (a *Address) readKept(w http.ResponseWriter, r *http.Request, held *stay) (string, error) {
	timed, stop := inTime(w, r)
	defer stop()
	body := bufio.NewReader(timed)
	_, _ = body.Peek(1) // that there is none is seen when it is read
	if !held.begin(keeping, a.placeOf(r)) {
		return "", errNoPlace
	}
	read, err := io.ReadAll(io.LimitReader(body, keptForm+1))
	if err == nil && (len(read) > keptForm || r.ContentLength >= 0 && int64(len(read)) != r.ContentLength) {
		err = errNotWhole
	}
	return string(read), err
}

// ownReferer is the page that a form was sent from, if a sign-in may lead back there;
// else the front page.
func (a *Address) ownReferer(r *http.Request) string {
	if from, ok := a.ReturnTo.Allow(r, r.Referer()); ok {
		return from
	}
	return "/"
}
