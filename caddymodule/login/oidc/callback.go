package oidc

import (
	"context"
	"net/url"
	"slices"
	"strings"
)

const maxCode = 4 << 10 // bytes; some providers put a whole ticket into a code

// declined are the errors by which a person, or the provider for them, says no
// (RFC 6749 section 4.1.2.1, OpenID Connect Core 1.0 section 3.1.2.6).
var declined = []string{
	"access_denied", "login_required", "consent_required", "interaction_required", "account_selection_required",
	"unmet_authentication_requirements", // OpenID Connect Core Error Code unmet_authentication_requirements 1.0
}

// cancelled is how Apple (user_cancelled_authorize) and LinkedIn
// (user_cancelled_login) begin the error of somebody who changed their mind.
const cancelled = "user_cancelled"

// isDenied reports whether the code means that somebody has said no.
func isDenied(code string) bool {
	return slices.Contains(declined, code) || code == cancelled || strings.HasPrefix(code, cancelled+"_") && spelled(code) != ""
}

// passing are the errors of a provider that is in trouble for now (RFC 6749
// section 4.1.2.1), at either endpoint.
var passing = []string{"server_error", "temporarily_unavailable"}

// mistakes are the other errors that those two lists have.
var mistakes = []string{
	"invalid_request", "unauthorized_client", "unsupported_response_type", "invalid_scope",
	"invalid_request_uri", "invalid_request_object", "request_not_supported", "request_uri_not_supported", "registration_not_supported",
}

// answers are the parameters that are read (RFC 6749 section 4.1.2, RFC 9207
// section 2). What else a provider adds, or a page on the way, is ignored, however
// often it is there.
var answers = []string{"state", "code", "iss", "error"}

// readCallback checks what the browser brought back and returns the code.
// state comes first: without it, nothing else is the provider's word. Nothing
// of the query is ever repeated, but an error's code that is short and plain, and
// another issuer, to the log: anybody can make a browser bring anything.
func (l *Login) readCallback(ctx context.Context, m *metadata, attempt Attempt, query url.Values) (code string, err error) {
	for _, name := range answers {
		if len(query[name]) > 1 { // RFC 6749 section 3.1: two readers would take different ones
			return "", because(ErrForged, "%s is there more than once", name)
		}
	}
	if !equal(query.Get("state"), attempt.State) {
		return "", because(ErrForged, "state is of another attempt, or missing")
	}
	if err := l.checkResponseIssuer(ctx, m, query); err != nil {
		return "", err
	}
	if query.Has("error") {
		return "", answered(query.Get("error"), m)
	}
	code = query.Get("code")
	if code == "" || len(code) > maxCode {
		return "", because(ErrProvider, "the answer has no code, or one of more than %d bytes", maxCode)
	}
	return code, nil
}

// checkResponseIssuer is RFC 9207 section 2.4: an answer of another provider, for
// which the browser was mixed up, would have its code sent to the wrong one. That it
// is not as expected is a reason to ask what the provider says of itself by now.
func (l *Login) checkResponseIssuer(ctx context.Context, m *metadata, query url.Values) error {
	is := query.Get("iss")
	if is == l.config.Issuer || !query.Has("iss") && !m.SendsIssuer {
		return nil
	}
	now, _ := l.newest(ctx)
	switch {
	case query.Has("iss"):
		return because(ErrForged, "iss %w", otherIssuer(is, l.config.Issuer))
	case now != nil && !now.SendsIssuer:
		return nil
	}
	return because(ErrProvider, "the answer has no iss, and the provider's discovery document says that there is one "+
		"(authorization_response_iss_parameter_supported): have the provider send it, or not say so, and see whether a proxy in between drops it")
}

// answered is what an error of the authorization endpoint means.
func answered(code string, m *metadata) error {
	switch {
	case isDenied(code):
		return because(ErrDenied, "the answer is %s", code)
	case slices.Contains(passing, code):
		return because(ErrPassing, "the answer is %s, of %s", code, shownURL(withoutQuery(m.Authorization)))
	case !slices.Contains(mistakes, code):
		code = "an " + unlisted(code)
	}
	return because(ErrProvider, "the answer to the authorization request is %s: "+
		"check the client's redirect URIs, scopes and auth_param, and the provider's log", code)
}

// unlisted is an error's code that we do not know, for the log.
func unlisted(code string) string {
	if code = spelled(code); code == "" {
		return "error whose code is none that RFC 6749 allows, or long"
	}
	return "error code " + code + ", which no standard lists"
}

// maxError is the most of an error's code that the log repeats, in bytes.
const maxError = 64

// spelled is an error's code as it may stand in the log: of the characters that one
// has (RFC 6749 section 4.1.2.1), in quotes, and short. Else it is empty.
func spelled(code string) string {
	if code == "" || len(code) > maxError || strings.ContainsFunc(code, notInCode) {
		return ""
	}
	return `"` + code + `"`
}

// notInCode is what RFC 6749's NQSCHAR are not, and what markup is made of: some
// read their logs in a browser.
func notInCode(r rune) bool { return r < ' ' || r >= 0x7f || strings.ContainsRune(`"\<>`, r) }
