package endpoint

import (
	"fmt"
	"io"
	"net/http"
	"net/url"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/caddymodule/web"
)

// answerFields are what a provider may answer (RFC 6749 section 4.1.2, RFC 9207
// section 2). Nothing else of a form goes on: an error's description may be
// anybody's words.
var answerFields = []string{"code", "state", "iss", "error"}

// fieldPostedBack says that the form was posted by our own page. It is nobody's word for
// anything: whoever makes it up is answered as who sends no cookie.
const fieldPostedBack = "posted_back"

// posted is POST /auth/callback/{name}: the provider had the browser post its
// answer (OAuth 2.0 Form Post Response Mode). The attempt's cookie does not come
// along then, so a page of ours posts it once more.
func (l providerLogin) posted(w http.ResponseWriter, r *http.Request) {
	if mediaType(r) != mediaForm {
		refusal.CloseUnread(w, r)
		l.fail(w, r, "", oidc.ErrForged)
		return
	}
	body, err := io.ReadAll(r.Body) // of 64 KiB at most
	if err != nil {
		refusal.CloseUnread(w, r)
		l.fail(w, r, "", fmt.Errorf("%w: the form cannot be read: %w", oidc.ErrForged, err))
		return
	}
	form, err := oidc.ReadAnswer(string(body))
	if err != nil {
		l.fail(w, r, "", err)
		return
	}
	answer := make(url.Values)
	for _, field := range answerFields {
		if values := form[field]; len(values) > 0 {
			answer[field] = values
		}
	}
	_, ours := l.attempts.ReadState(l.provider.Name(), only(answer, "state"))
	switch {
	case doubled(answer, answerFields...), !ours:
		l.fail(w, r, "", oidc.ErrForged)
	case form.Has(fieldPostedBack), l.cameAlong(r, answer.Get("state")):
		l.answered(w, r, answer)
	default:
		l.postBack(answer).Write(w, l.address.Look.For(r))
	}
}

// cameAlong reports whether the cookie of the attempt is there, as it is where the
// provider is at our own site.
func (l providerLogin) cameAlong(r *http.Request, state string) bool {
	name, ok := l.cookie.attemptName(state)
	return ok && len(caller.Remember(r).CookiesNamed(name)) > 0
}

func (l providerLogin) postBack(answer url.Values) web.PostBack {
	page := web.PostBack{Action: l.address.BasePath + "/callback/" + l.provider.Name(), Fields: []web.Field{{Name: fieldPostedBack, Value: "1"}}}
	for _, field := range answerFields {
		if answer.Has(field) {
			page.Fields = append(page.Fields, web.Field{Name: field, Value: answer.Get(field)})
		}
	}
	return page
}
