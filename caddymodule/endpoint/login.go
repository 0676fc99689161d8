package endpoint

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/web"
)

// loginPath is where people sign in.
const loginPath = "/login"

// passwordLogin is GET and POST /auth/login: the page, which works without
// JavaScript, and signing in by password.
type passwordLogin struct {
	pages
	tokens
	arrivals
	passwords []login.PasswordMethod
	throttle  *login.Throttle
	floor     *floor
}

func loginRoute(c Config) Route {
	l := newPasswordLogin(c)
	return Route{Path: loginPath, Answers: map[string]http.HandlerFunc{http.MethodGet: l.get, http.MethodPost: l.post}, Reads: true, Unshared: true}
}

func newPasswordLogin(c Config) passwordLogin {
	return passwordLogin{newPages(c), newTokens(c), newArrivals(c), c.Passwords, c.Throttle, newFloor(len(c.Passwords))}
}

// get answers with the page; one provider and no form is nothing to choose.
func (l passwordLogin) get(w http.ResponseWriter, r *http.Request) {
	if l.pages.address.askedOnceMore(w, r, loginPath) {
		return
	}
	returnTo, cut := readReturnTo(r.URL)
	page := l.pages.login(r, returnTo, cut)
	c := l.callers.Caller(r)
	l.cookie.HandOver(w, c)
	switch {
	case c.Refusal == refusal.Unreadable:
		l.pages.address.Refuse(w, r, c.Refusal, returnTo)
		return
	case l.fresh.confirms(r) && (c.Standing == caller.SignedIn || c.Standing == caller.CannotTell):
		redirect(w, r, page.ReturnTo)
		return
	case l.fresh.confirms(r):
		page.Failure = l.lost(w, r, c)
	case c.Standing == caller.SignedIn && ledOnce(r) && page.ReturnTo != "/":
		redirect(w, r, page.ReturnTo) // a link led there, and here without the cookie
		return
	case c.Standing == caller.SignedIn:
		l.fresh.clear(w, r)
		page.SignedInAs = calledHere(c)
	case page.Alone() && opensADocument(r) && !r.URL.Query().Has(fragmentParam):
		page.Providers[0].Href = passingOn(r, page.Providers[0].Href, onceParam, cameParam)
		w.Header().Set("Vary", varyOnOpening)
		web.Depart{Provider: page.Providers[0]}.Write(w, l.pages.address.Look.For(r))
		return
	case page.Alone():
		redirect(w, r, passingOn(r, page.Providers[0].Href, onceParam, cameParam))
		return
	default:
		page.Failure = l.lost(w, r, c)
	}
	page.Write(w, l.pages.address.Look.For(r), http.StatusOK)
}

// post answers a form with a page or 303, JSON with JSON; who is refused learns
// nothing of why.
func (l passwordLogin) post(w http.ResponseWriter, r *http.Request) {
	given, why := readCredentials(r)
	if why != nil {
		refusal.CloseUnread(w, r)
		l.refuse(w, r, given, why)
		return
	}
	s, why := l.admit(r, given)
	switch {
	case why != nil:
		l.refuse(w, r, given, why)
	case given.form:
		l.setCookie(w, r, s)
		l.leadOn(w, r, s, l.pages.address.ReturnTo.Clean(r, given.returnTo))
	default:
		l.answerProgram(w, r, s)
	}
}

// answerProgram answers JSON with the session. A program keeps the token and
// nothing else, so it lives as long as the session does.
func (l passwordLogin) answerProgram(w http.ResponseWriter, r *http.Request, s arrived) {
	token, err := l.lasting(s.Session)
	if err != nil {
		l.tokens.refuse(w, err)
		return
	}
	l.setCookie(w, r, s)
	writeSession(w, r, new(caller.Caller).With(s.Session, nil), token)
}

// refuse answers a form with the page again, and JSON with JSON; what is neither is
// answered with a page of its own where a person is looking. What was typed
// for a name stays where the same may be sent once more, by now or with another
// password, and nowhere else: what ends otherwise may not have been typed by anybody.
func (l passwordLogin) refuse(w http.ResponseWriter, r *http.Request, given credentials, why *refusal.Refusal) {
	switch {
	case why == refusal.Media:
		l.pages.address.Refuse(w, r, why, "")
		return
	case !given.form:
		why.WriteJSON(w)
		return
	}
	page := l.pages.login(r, given.returnTo, false)
	if why == refusal.Credentials || why.Status == http.StatusTooManyRequests || why.Status == http.StatusServiceUnavailable {
		page.Name = given.name()
	}
	l.pages.refuseOn(w, r, page, why)
}

// tried is how a sign-in went.
type tried struct {
	method  login.Method     // that decided, also when it refused
	person  *profile.Person  // nil when refused
	attempt *login.Attempt   // yet to be settled where there is a person
	why     *refusal.Refusal // nil where there is a person
	answer  *refusal.Refusal // what is said instead of why
}

// refusedBy is one that is answered as it is.
func refusedBy(why *refusal.Refusal) tried { return tried{why: why, answer: why} }

// admit finds out who it is and begins their session. What fails because the
// client has gone is no failure of ours.
func (l passwordLogin) admit(r *http.Request, given credentials) (s arrived, why *refusal.Refusal) {
	t := l.authenticate(r, given)
	if t.why == nil {
		s, t.why = l.begin(r, t.method, t.person)
		t.answer = t.why
		l.settleBegun(r, t.method, t.attempt, t.why)
	}
	l.attempted(r, nameOf(t.method), t.why)
	return s, t.answer
}

// settleBegun is for an attempt whose person a login has found: only who is
// admitted has succeeded. An app may answer a wrong password with a guest, whom
// the configuration refuses; were that free, it could be asked without end.
func (l passwordLogin) settleBegun(r *http.Request, method login.Method, attempt *login.Attempt, why *refusal.Refusal) {
	if !l.aloneKnows(method) {
		attempt.KeepFailures()
	}
	switch {
	case why == nil:
		l.settle(r, attempt.Succeeded)
	case why.Status == http.StatusServiceUnavailable, why == refusal.NumberTaken, why == refusal.TooManySessions:
		l.settle(r, attempt.Undecided)
	}
}

// aloneKnows reports whether guesses at a name that this method knows were put to
// no other: else whoever has the name at one login would have the failures
// forgotten that somebody else's at another has. A method that keeps its people
// itself asks nobody further about them; an app passes a wrong password on.
func (l passwordLogin) aloneKnows(method login.Method) bool {
	for i, m := range l.passwords {
		_, keeps := m.(login.Voucher)
		if m.Name() == method.Name() {
			return keeps || i == len(l.passwords)-1
		}
		if !keeps {
			return false
		}
	}
	return false
}

// authenticate asks the password methods in order, behind the throttle.
func (l passwordLogin) authenticate(r *http.Request, given credentials) tried {
	name, err := given.read()
	if err != nil {
		return l.refusedUnasked(r, given, err)
	}
	attempt, why := l.count(r, name)
	if why != nil {
		return refusedBy(why)
	}
	begun := l.floor.begin()
	method, person, err := l.ask(r.Context(), login.Typed{
		Name: name, Password: given.Password, From: l.pages.address.clientOf(r), Turn: attempt.Turn(), OnThisMachine: caller.OnThisMachine(r),
	})
	switch {
	case err == nil:
		if l.isBehind(method) {
			l.floor.worked()
		}
		return tried{method: method, person: person, attempt: attempt}
	case errors.Is(err, login.ErrUnknown), errors.Is(err, login.ErrRefused):
		return l.refused(r, name, method, begun, err)
	}
	l.settleUndecided(r, attempt, err)
	return l.undecided(r, method, begun, err)
}

// isBehind reports whether the method is asked only about those whom the first
// does not know.
func (l passwordLogin) isBehind(method login.Method) bool {
	return method.Name() != l.passwords[0].Name()
}

// refused tells of a refusal, and holds it.
func (l passwordLogin) refused(r *http.Request, name string, method login.Method, begun time.Time, err error) tried {
	if errors.Is(err, login.ErrPublic) {
		l.events.Happened(caller.Asker(r).Of(lifecycle.Event{Kind: PublicPassword, Login: method.Name()}))
	} else {
		told := lifecycle.Event{Kind: Refused, Login: l.asked(method), Name: name, Err: err}
		if disabled, known := errors.AsType[*login.DisabledError](err); known {
			told.UserID = disabled.UserID
		}
		l.events.Happened(caller.Asker(r).Of(told))
	}
	whole := (method == nil || method.Name() == l.passwords[len(l.passwords)-1].Name()) && !errors.Is(err, login.ErrNotAsked)
	answer := l.floor.refuse(r.Context(), begun, whole, refusal.Credentials)
	return tried{method: method, why: refusal.Credentials, answer: answer}
}

// undecided tells of a sign-in that ended with neither yes nor no, and holds it
// like a refusal where only some are asked there. Whose client has gone tells
// nothing of the login.
func (l passwordLogin) undecided(r *http.Request, method login.Method, begun time.Time, err error) tried {
	t := refusedBy(l.notAnswered(caller.Asking(r), method, err))
	t.method = method
	switch {
	case !l.isBehind(method) || r.Context().Err() != nil:
	case t.why.Status == http.StatusServiceUnavailable:
		t.answer = l.floor.refuse(r.Context(), begun, true, t.why)
	default: // that the app let somebody in is no secret from them; how long it took is
		_ = l.floor.refuse(r.Context(), begun, false, refusal.Credentials)
	}
	return t
}

// count takes an attempt of the throttle.
func (l passwordLogin) count(r *http.Request, name string) (*login.Attempt, *refusal.Refusal) {
	attempt, err := l.throttle.Begin(r.Context(), name, l.pages.address.clientOf(r))
	if throttled, ok := errors.AsType[*login.Throttled](err); ok {
		l.events.Happened(caller.Asker(r).Of(lifecycle.Event{Kind: Throttled, Name: name, Err: throttled}))
		return nil, refusal.Attempts.After(throttled.RetryAfter)
	}
	if errors.Is(err, login.ErrRefused) {
		return nil, refusal.Credentials
	}
	if err != nil {
		l.events.Trouble(r.Context(), "sign-in attempts cannot be counted, so nobody is signed in", err)
		return nil, refusal.Unavailable
	}
	if attempt.Attacked() {
		l.events.Happened(caller.Asker(r).Of(lifecycle.Event{Kind: Attacked, Name: name}))
	}
	return attempt, nil
}

// ask goes through the methods: one that does not know the person passes to
// the next, one that knows them decides. Once one has said no, the attempt does
// not become free by the trouble of the next.
func (l passwordLogin) ask(ctx context.Context, typed login.Typed) (login.Method, *profile.Person, error) {
	said := login.ErrUnknown
	for i, m := range l.passwords {
		person, err := m.SignIn(ctx, typed)
		if errors.Is(err, login.ErrUnknown) {
			l.unclear(ctx, m.Name(), err)
			said = together(said, err)
			continue
		}
		if _, answered := errors.AsType[*login.Answered](err); i > 0 && err != nil && !answered && !errors.Is(err, login.ErrRefused) {
			err = &login.Answered{Err: err, Down: true}
		}
		return m, person, err
	}
	return nil, nil, said // nobody has decided
}

// together is what several methods said that do not know the person. Most have no
// more to say than that.
func together(said, err error) error {
	switch {
	case err == login.ErrUnknown: //nolint:errorlint // the bare one says nothing
		return said
	case said == login.ErrUnknown: //nolint:errorlint // as above
		return err
	}
	return fmt.Errorf("%w; %w", said, err)
}

// asked is the login that the log names: who has decided, or the only one.
func (l passwordLogin) asked(m login.Method) string {
	if m == nil && len(l.passwords) == 1 {
		return l.passwords[0].Name()
	}
	return nameOf(m)
}

// nameOf is the name of the method that has decided, if one has.
func nameOf(m login.Method) string {
	if m == nil {
		return ""
	}
	return m.Name()
}

// unclear tells the operator of a no that may have been none.
func (l passwordLogin) unclear(ctx context.Context, asked string, err error) {
	if unclear, ok := errors.AsType[*login.Unclear](err); ok {
		l.events.Trouble(ctx, "a login's answer is taken for a no", lifecycle.SourceFault{Err: unclear.Err, Login: asked})
	}
}

// notAnswered is for a method that said neither yes nor no, or whose person the
// configuration refuses, or knows nothing to make of.
func (l passwordLogin) notAnswered(ctx context.Context, method login.Method, err error) *refusal.Refusal {
	if _, refused := errors.AsType[*profile.Refused](err); refused || profile.IsLasting(err) {
		l.sessions.NotBegun(ctx, method.Name(), 0, err)
		return refusalOf(err)
	}
	if errors.Is(err, login.ErrBusy) {
		return refusal.Busy
	}
	l.events.Trouble(ctx, "somebody signs in", lifecycle.SourceFault{Err: err, Login: method.Name()})
	return refusal.Unavailable.Saying("Signing in does not work at the moment. Nobody was signed out. Try again shortly.")
}
