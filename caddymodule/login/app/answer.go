package app

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strconv"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/source"
)

// factUsername is what was typed, among the facts.
const factUsername = "username"

// factOf is the answer as expressions see it, without the password. A body
// that is not JSON is absent, as is the location of what is no redirect.
func factOf(a source.Answer, s secret) map[string]any {
	fact := map[string]any{"status": int64(a.Status)}
	if body, err := profile.DecodeFact(a.Body); err == nil && body != nil {
		fact["body"] = s.strip(body)
	}
	if isRedirect(a.Status) {
		fact["location"] = s.strip(a.Header.Get("Location"))
	}
	return fact
}

// judge is nil when the app let the person in, login.ErrUnknown when it did
// not, and anything else when that cannot be told.
func (l *Login) judge(a source.Answer, facts profile.Facts) error {
	err := l.judgement(a, facts)
	if _, named := errors.AsType[*login.Unclear](err); err == nil || named {
		return err
	}
	return l.trouble(err)
}

func (l *Login) judgement(a source.Answer, facts profile.Facts) error {
	switch {
	case isNo(a.Status):
		return l.no(a.Status)
	case isDown(a.Status):
		return fmt.Errorf("the app answers %d", a.Status)
	case l.config.Success != nil:
		return l.judgeBySuccess(a, facts)
	case !isSuccess(a.Status):
		return unexpected(a.Status)
	case isPage(a.Header):
		return errPage
	}
	return nil
}

// errPage is for a page: most login forms answer a wrong password with 200 and
// themselves.
var errPage = errors.New("the app answers with a web page, which may be its login form again: " +
	"configure its login API, or how to tell that it let somebody in, such as success `login.status == 302 && login.location == \"/home\"`; " +
	"for one that answers with pages to good passwords alone, success `login.status == 200 && !has(login.body)`")

// judgeUnread is judge for an answer that could not be read: status is zero where
// not even that could. It is never a yes, and a no needs no body. An app can choose
// how a wrong password ends, so none but an outage has the limits of one.
func (l *Login) judgeUnread(status int, err error) error {
	if isNo(status) || status == http.StatusBadRequest && l.config.Success != nil {
		return l.trouble(l.no(status))
	}
	return &login.Answered{Err: l.trouble(err), Down: isOutage(status, err)}
}

// isOutage reports whether nothing came, or not in time, or the status says so.
// Any 4xx came in time, whatever its body does.
func isOutage(status int, err error) bool {
	if status >= 400 {
		return isDown(status)
	}
	return !errors.Is(err, source.ErrNotWhole) && !errors.Is(err, source.ErrTooLarge)
}

// judgeBySuccess takes no page for a yes by its status alone: see errPage.
func (l *Login) judgeBySuccess(a source.Answer, facts profile.Facts) error {
	status := a.Status
	holds, err := l.config.Success.Holds(facts)
	switch {
	case err == nil && holds && isSuccess(status) && isPage(a.Header) && !l.looksInside():
		return errPage
	case err == nil && holds:
		return nil
	case !decides(status):
		return unexpected(status)
	case err != nil:
		return &login.Unclear{Err: l.trouble(fmt.Errorf("whether the app let the person in cannot be told (success): %w", err))}
	}
	return fmt.Errorf("%w%s, and success does not hold", l.no(status), leadingTo(a))
}

// leadingTo is where a redirect leads, without what may be secret there.
func leadingTo(a source.Answer) string {
	if to, err := url.Parse(a.Header.Get("Location")); err == nil && isRedirect(a.Status) {
		return " to " + strconv.QuoteToASCII(to.Path[:min(len(to.Path), maxShownPath)])
	}
	return ""
}

// maxShownPath is how much of a path the log repeats, in bytes.
const maxShownPath = 128

// no is what an app's refusal says to the operator: a wrong address looks like a
// wrong password otherwise.
func (l *Login) no(status int) error {
	hint := ""
	if status == http.StatusNotFound {
		hint = "; if it does so to everybody, that is not the address of its login API"
	}
	return fmt.Errorf("%w: %s answers %d%s", login.ErrUnknown, l.shown, status, hint)
}

// decides reports whether an app says "no" with that status when an expression
// says how it says "yes".
func decides(status int) bool {
	return isSuccess(status) || status == http.StatusFound || status == http.StatusSeeOther || status == http.StatusBadRequest
}

func unexpected(status int) error {
	if isRedirect(status) {
		return fmt.Errorf("the app answers %d, and redirects are not followed: configure the URL that it leads to, "+
			"or, where that is how the app lets people in, how to tell (success)", status)
	}
	return fmt.Errorf("the app answers %d: is it asked as it wants to be (body, headers)?", status)
}

// isNo reports whether the status alone says that the app lets nobody in.
func isNo(status int) bool {
	switch status {
	case http.StatusUnauthorized, http.StatusForbidden, http.StatusNotFound, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// isDown reports whether the app serves nobody, or no more, for now.
func isDown(status int) bool {
	return status >= 500 && status <= 599 || status == http.StatusTooManyRequests
}

func isSuccess(status int) bool  { return status >= 200 && status <= 299 }
func isRedirect(status int) bool { return status >= 300 && status <= 399 }

func isPage(h http.Header) bool {
	media, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	return err == nil && (media == "text/html" || media == "application/xhtml+xml")
}
