package oidc_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/profile"
)

func TestASignIn(t *testing.T) {
	p := newProvider(t)
	p.refresh = "refresh-secret"
	p.claims["nested"] = map[string]any{"n": 7, "nothing": nil}
	l := p.login(t, func(c *oidc.Config) {
		c.Mapper = mapper(func(person *profile.Person, facts profile.Facts) error {
			token := facts["token"].(map[string]any)
			person.Roles = []string{token["groups"].([]any)[0].(string)}
			return nil
		})
	})
	person := p.mustSignIn(t, l)
	if person.Issuer != p.URL || person.Subject != "ada-1" || person.SourceSession != "sso-1" ||
		person.Email != "ada@example.com" || person.Name != "Ada" || !reflect.DeepEqual(person.Roles, []string{"staff"}) {
		t.Fatalf("got %+v", person)
	}
	if person.Kept.RefreshToken != "refresh-secret" || strings.Count(person.Kept.IDToken, ".") != 2 {
		t.Fatal("refresh token and ID token are not kept")
	}
	nested := person.Kept.Facts["token"].(map[string]any)["nested"]
	if want := map[string]any{"n": int64(7)}; !reflect.DeepEqual(nested, want) {
		t.Fatalf("claims are not as expressions see them: %#v", nested)
	}
}

func TestForgedCallbacksAreRefused(t *testing.T) {
	set := func(name, value string) func(url.Values) { return func(q url.Values) { q.Set(name, value) } }
	failed := func(code string) func(url.Values) {
		return func(q url.Values) {
			q.Del("code")
			q.Set("error", code)
			q.Set("error_description", "<script>alert(1)</script>")
		}
	}
	for _, c := range []struct {
		name string
		edit func(url.Values)
		want error
		says string
	}{
		{"the state of another attempt", set("state", strings.Repeat("A", 43)), oidc.ErrForged, "state"},
		{"no state", func(q url.Values) { q.Del("state") }, oidc.ErrForged, "state"},
		{"an empty state", set("state", ""), oidc.ErrForged, "state"},
		{"an error without the state", func(q url.Values) { failed("access_denied")(q); q.Del("state") }, oidc.ErrForged, "state"},
		{"two states", func(q url.Values) { q.Add("state", q.Get("state")) }, oidc.ErrForged, "state is there more than once"},
		{"two codes", func(q url.Values) { q.Add("code", "other") }, oidc.ErrForged, "code is there more than once"},
		{"two issuers that are the same", func(q url.Values) { q.Add("iss", q.Get("iss")) }, oidc.ErrForged, "iss is there more than once"},
		{"two errors", func(q url.Values) { failed("access_denied")(q); q.Add("error", "server_error") }, oidc.ErrForged, "error is there more than once"},
		{"the iss of another provider", set("iss", "https://evil.example.com"), oidc.ErrForged, `iss is of the issuer "https://evil.example.com", and the configured one is "http`},
		{"an iss that differs by a slash", func(q url.Values) { q.Set("iss", q.Get("iss")+"/") }, oidc.ErrForged, "iss"},
		{"an empty iss", set("iss", ""), oidc.ErrForged, "iss"},
		{"no iss from a provider that sends it", func(q url.Values) { q.Del("iss") }, oidc.ErrProvider, "the answer has no iss"},
		{"no iss with an error", func(q url.Values) { failed("access_denied")(q); q.Del("iss") }, oidc.ErrProvider, "the answer has no iss"},
		{"a code that the provider never issued", set("code", "code-secret-x"), oidc.ErrSpent, "refuses the code"},
		{"no code", func(q url.Values) { q.Del("code") }, oidc.ErrProvider, "no code"},
		{"a code of more than 4 KiB", set("code", strings.Repeat("c", 4097)), oidc.ErrProvider, "no code, or one"},
		{"a person who says no", failed("access_denied"), oidc.ErrDenied, "access_denied"},
		{"a sign-in that is needed and not asked for", failed("login_required"), oidc.ErrDenied, "login_required"},
		{"a consent that is missing", failed("consent_required"), oidc.ErrDenied, "consent_required"},
		{"a question that may not be asked", failed("interaction_required"), oidc.ErrDenied, "interaction_required"},
		{"a provider in trouble", failed("server_error"), oidc.ErrPassing, "server_error"},
		{"a provider that is down for now", failed("temporarily_unavailable"), oidc.ErrPassing, "temporarily_unavailable"},
		{"an error of RFC 6749", failed("invalid_scope"), oidc.ErrProvider, "is invalid_scope: check"},
		{"an error of OpenID Connect", failed("request_uri_not_supported"), oidc.ErrProvider, "is request_uri_not_supported: check"},
		{"an error of no list", failed("AADSTS50105"), oidc.ErrProvider, `is an error code "AADSTS50105", which no standard lists: check`},
		{"an error in more than its characters", failed("<script>\n"), oidc.ErrProvider, "an error whose code is none that RFC 6749 allows"},
		{"an error in quotes", failed(`a"b`), oidc.ErrProvider, "an error whose code is none that RFC 6749 allows"},
		{"an error of 65 bytes", failed(strings.Repeat("e", 65)), oidc.ErrProvider, "an error whose code is none that RFC 6749 allows, or long"},
		{"an error without a code", failed(""), oidc.ErrProvider, "an error whose code is none that RFC 6749 allows"},
		{"a person who cancels at Apple", failed("user_cancelled_authorize"), oidc.ErrDenied, "user_cancelled_authorize"},
		{"a person who cancels at LinkedIn", failed("user_cancelled_login"), oidc.ErrDenied, "user_cancelled_login"},
		{"a person who cancels", failed("user_cancelled"), oidc.ErrDenied, "user_cancelled"},
		{"a person who does not prove themselves as was asked", failed("unmet_authentication_requirements"), oidc.ErrDenied, "unmet_authentication_requirements"},
		{"an error beside a code", func(q url.Values) { q.Set("error", "access_denied") }, oidc.ErrDenied, ""},
		{"a parameter that means nothing to us", set("session_state", "x"), nil, ""},
		{"one that is there twice", func(q url.Values) { q["x"] = []string{"1", "2"} }, nil, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t)
			_, err := p.signIn(t, p.login(t, nil), c.edit)
			wantErr(t, err, c.want, c.says)
			if asked := p.count("/token"); asked != 0 && c.want != nil && c.says != "refuses the code" {
				t.Fatal("the token endpoint was asked all the same")
			}
		})
	}
}

func TestIssIsOptionalWhereTheProviderDoesNotPromiseIt(t *testing.T) {
	p := newProvider(t)
	delete(p.metadata, "authorization_response_iss_parameter_supported")
	l := p.login(t, nil)
	_, err := p.signIn(t, l, func(q url.Values) { q.Del("iss") })
	wantErr(t, err, nil, "")
	_, err = p.signIn(t, l, func(q url.Values) { q.Set("iss", "https://evil.example.com") })
	wantErr(t, err, oidc.ErrForged, "iss")
}

func TestAnAttemptIsNotGoodForMore(t *testing.T) {
	p := newProvider(t)
	l := p.login(t, nil)
	t.Run("a code that was used before is refused", func(t *testing.T) {
		location, attempt := begin(t, l)
		query := p.authorize(t, location)
		_, err := l.Finish(context.Background(), attempt, query)
		wantErr(t, err, nil, "")
		_, err = l.Finish(context.Background(), attempt, query)
		wantErr(t, err, oidc.ErrSpent, "refuses the code")
	})
	t.Run("a code of another attempt fails by its PKCE challenge", func(t *testing.T) {
		stolen := p.authorize(t, first(begin(t, l)))
		_, attempt := begin(t, l)
		stolen.Set("state", attempt.State)
		_, err := l.Finish(context.Background(), attempt, stolen)
		wantErr(t, err, oidc.ErrSpent, "refuses the code")
	})
	t.Run("an attempt of another login is refused", func(t *testing.T) {
		location, attempt := begin(t, l)
		attempt.Login = "google"
		_, err := l.Finish(context.Background(), attempt, p.authorize(t, location))
		wantErr(t, err, oidc.ErrForged, "another login")
	})
	t.Run("an attempt ends after ten minutes", func(t *testing.T) {
		location, attempt := begin(t, l)
		p.clock.Advance(oidc.AttemptLifetime)
		_, err := l.Finish(context.Background(), attempt, p.authorize(t, location))
		wantErr(t, err, oidc.ErrExpired, "")
	})
}

func first[A, B any](a A, _ B) A { return a }

func TestALongIDTokenIsUsedButNotKept(t *testing.T) {
	p := newProvider(t)
	p.claims["groups"] = []string{strings.Repeat("g", 9000)}
	person := p.mustSignIn(t, p.login(t, nil))
	if person.Kept.IDToken != "" || person.Email != "ada@example.com" {
		t.Fatalf("kept %d bytes of it", len(person.Kept.IDToken))
	}
}

func TestTheMappersErrorIsReturnedAsItIs(t *testing.T) {
	p := newProvider(t)
	no := &profile.Refused{Message: "staff only"}
	l := p.login(t, func(c *oidc.Config) {
		c.Mapper = mapper(func(*profile.Person, profile.Facts) error { return fmt.Errorf("require 1: %w", no) })
	})
	_, err := p.signIn(t, l, nil)
	var refused *profile.Refused
	if !errors.As(err, &refused) || refused != no {
		t.Fatalf("got %v", err)
	}
}

func TestAnAttemptSaysNothingWhenPrinted(t *testing.T) {
	_, attempt := begin(t, newProvider(t).login(t, nil))
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		for _, text := range []string{fmt.Sprintf(verb, attempt), fmt.Sprintf(verb, &attempt)} {
			if text != "[sign-in attempt]" {
				t.Errorf("%s prints %s", verb, text)
			}
		}
	}
}

// Codes, secrets and tokens go to no host that nobody configured.
func TestNoRedirectIsFollowedWithACredential(t *testing.T) {
	for _, path := range []string{"/token", "/userinfo"} {
		t.Run(path, func(t *testing.T) {
			p := newProvider(t)
			p.on(path, redirects(p.URL+"/elsewhere?secret=canary"))
			_, err := p.signIn(t, p.login(t, nil), nil)
			wantErr(t, err, oidc.ErrProvider, `answers with a redirect to "`+p.URL+`/elsewhere", which is never followed`)
			if !strings.Contains(err.Error(), "discovery document names another place") || strings.Contains(err.Error(), "give the issuer") {
				t.Errorf("what to do is %v", err)
			}
			if p.count("/elsewhere") != 0 {
				t.Fatal("it was followed")
			}
		})
	}
}

func redirects(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, to, http.StatusTemporaryRedirect) }
}

// The groups of whoever has many of them come as a place to ask, and not as groups.
func TestClaimsThatStandElsewhereAreToldOnce(t *testing.T) {
	p := newProvider(t)
	var told []string
	l := p.login(t, func(c *oidc.Config) { c.Notice = func(what error) { told = append(told, what.Error()) } })
	p.mustSignIn(t, l)
	p.claims["_claim_names"] = map[string]any{"groups": "src1", "wids\n": "src1"}
	p.claims["_claim_sources"] = map[string]any{"src1": map[string]any{"endpoint": "https://graph.example.com/secret"}}
	p.mustSignIn(t, l)
	delete(p.claims, "_claim_names")
	p.mustSignIn(t, l)
	p.claims["_claim_names"] = map[string]any{"groups": "src1"}
	p.mustSignIn(t, l)
	if len(told) != 1 || !strings.Contains(told[0], `"groups", "wids\n" stand elsewhere`) || strings.Contains(told[0], "secret") {
		t.Errorf("it is told %q", told)
	}
}
