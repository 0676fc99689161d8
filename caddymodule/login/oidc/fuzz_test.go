package oidc_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/login/oidc"
)

// FuzzCallback: whatever a browser brings, the token endpoint is asked only
// for the one answer of this attempt, nobody gets in but by the code that was issued
// for it, and no error repeats what came, but an error's code and an issuer. STATE, ISS and CODE stand for the right
// ones.
func FuzzCallback(f *testing.F) {
	for _, query := range []string{
		"code=CODE&state=STATE&iss=ISS", "code=CODE&state=STATE", "code=CODE&state=STATE&iss=ISS&code=CODE", "code=CODE%00&state=STATE&iss=ISS",
		"code=abc&state=STATE&iss=ISS", "code=abc&state=STATE", "code=abc&state=STATE&iss=ISS&iss=ISS", "state=STATE&iss=ISS",
		"error=access_denied&state=STATE&iss=ISS", "error=MARK&error_description=MARK&state=STATE&iss=ISS", "code=MARK&state=MARK",
		"code=a&code=b&state=STATE&iss=ISS", "code=a&state=STATE&iss=ISS/", "code=a&STATE=STATE&state=STATE%00&iss=ISS", "error=&state=STATE&iss=ISS&code=CODE",
		"code=CODE;state=STATE;iss=ISS", "code=CODE&state=STATE&iss=ISS&scope=a;b&%zz=1&x=100%", "code=CODE%&state=STATE&iss=ISS", "code=CODE&state=STATE&iss=ISS&x=%zz", "code=CODE&state=STATE&iss=ISS&x=1&x=2", "error=temporarily_unavailable&state=STATE&iss=ISS",
	} {
		f.Add(query)
	}
	p := newProvider(f)
	l := p.login(f, func(c *oidc.Config) { c.Transport = direct{p} })
	f.Fuzz(func(t *testing.T, raw string) {
		clear(p.codes)
		location, attempt := begin(t, l)
		code := p.authorize(t, location).Get("code")
		raw = strings.NewReplacer("STATE", attempt.State, "ISS", url.QueryEscape(p.URL), "CODE", code).Replace(raw)
		query, _ := url.ParseQuery(raw) // what could be read of it
		brought, err := oidc.ReadAnswer(raw)
		if err != nil { // one of ours could not
			wantErr(t, err, oidc.ErrForged, "")
			return
		}
		right := query.Get("state") == attempt.State && query.Get("iss") == p.URL && !query.Has("error") &&
			query.Get("code") != "" && len(query.Get("code")) <= 4096
		for _, name := range []string{"state", "code", "iss", "error"} {
			right = right && len(query[name]) <= 1
		}
		before := p.count("/token")
		person, err := l.Finish(context.Background(), attempt, brought)
		if in := right && query.Get("code") == code; (person != nil) != in || (err == nil) != in {
			t.Fatalf("somebody gets in: %v (%v), should: %v", person != nil, err, in)
		}
		if asked := p.count("/token") > before; asked != right {
			t.Fatalf("the token endpoint was asked: %v, should be: %v", asked, right)
		}
		if err == nil {
			return
		}
		if right != errors.Is(err, oidc.ErrSpent) || !right && !errors.Is(err, oidc.ErrForged) && !errors.Is(err, oidc.ErrDenied) && !errors.Is(err, oidc.ErrPassing) && !errors.Is(err, oidc.ErrProvider) {
			t.Fatalf("got %v", err)
		}
		if !strings.Contains(query.Get("error")+query.Get("iss"), "MARK") { // those may be repeated
			leaksNothing(t, err, "MARK", code, attempt.State, attempt.Nonce, attempt.Verifier)
		}
	})
}

// goldenAttempt is attempt's, sealed once with key(1): cookies that one version
// sealed must open in the next.
const goldenAttempt = "FCs0EVe-81vUHfWFzx-m-t-yXgk_rrOnA-4UJio20GzXFWDJ8KvjeTdWhNYqFua5R0mST78mY1HlxudENDOo6Hd2MNbrQjVPUkSiVUirV008jsOXcTDLekrCLCKEEFlMFIDntnhaAknbZ0fSt5Eu5_EwfiMhY_w5GVwTzLD8wILfIGBT8WbLaStiE7BOcwEZZWEyxs0HKrLUpOjSi3JN4Ge54IEYL0utGzfwV7UYp2bYV6VRlnAI3jNMEQ8HD980wGlTrumJ8hPFHJ2W-SNs-oUUpLLk333SQzIXrgQtPM4RHd05xMdQPMCpzcA"

// FuzzAttempt: only what was sealed opens, for that login and state alone, and
// what was sealed always comes back.
func FuzzAttempt(f *testing.F) {
	clock := newClock()
	a := sealer(f, clock.Now, 1)
	good := attempt(clock)
	value := goldenAttempt // not sealed here: each process of a fuzz run would have one of its own
	f.Add("keycloak", good.State, value)
	f.Add("keycloak", good.State, value[1:])
	f.Add("keycloak", good.State+"x", value)
	f.Add("google", good.State, value)
	f.Add(`a" "b`, "c\x00", "/orders?\"<>\\")
	f.Add("", "", "")
	f.Fuzz(func(t *testing.T, login, state, text string) {
		_, err := a.Open(login, state, text)
		if sealed := login == "keycloak" && state == good.State && text == value; sealed != (err == nil) {
			t.Fatalf("sealed by us: %v, and got %v", sealed, err)
		}
		if err != nil && !errors.Is(err, oidc.ErrForged) {
			t.Fatalf("got %v", err)
		}
		mine := good
		mine.Login, mine.State, mine.ReturnTo = login, state, text
		cookie, sealed, err := a.Seal(mine, share)
		if err != nil || len(cookie) > share {
			t.Fatalf("%d bytes, %v", len(cookie), err)
		}
		got, err := a.Open(login, state, cookie)
		if mine.ReturnTo, mine.Cut = got.ReturnTo, got.Cut; err != nil || got != mine || got != sealed {
			t.Fatalf("it does not come back: %v", err)
		}
		if got.Cut != (got.ReturnTo != text) || !strings.HasPrefix(text, got.ReturnTo) {
			t.Fatalf("it returns to %q instead of %q", got.ReturnTo, text)
		}
		if len(text) > oidc.MaxReturnTo {
			return
		}
		mine.ReturnTo, mine.Cut = text, false
		if got, ok := a.WithWayBack(got, a.SealWayBack(mine)); !ok || got.ReturnTo != text || got.Cut {
			t.Fatalf("the way back to %q is one to %q", text, got.ReturnTo)
		}
	})
}

// FuzzLogoutToken: no token ends a session unless the provider signed it and,
// read by another decoder, it says all that it must. ISS stands for the issuer.
func FuzzLogoutToken(f *testing.F) {
	const (
		header = `{"alg":"ES256","kid":"ec","typ":"logout+jwt"}`
		claims = `{"iss":"ISS","aud":"sidegate","iat":1777636800,"exp":1777636900,"jti":"1","sid":"a","events":{"http://schemas.openid.net/event/backchannel-logout":{}}}`
	)
	f.Add(header, claims, true)
	f.Add(header, claims, false)
	f.Add(`{"alg":"ES256"}`, claims, true)
	f.Add(`{"alg":"none"}`, claims, true)
	f.Add(`{"alg":"ES256","kid":"x"}`, claims, true)
	f.Add(header, strings.Replace(claims, `"jti"`, `"nonce":null,"jti"`, 1), true)
	f.Add(header, strings.Replace(claims, `"jti"`, `"sid":"b","jti"`, 1), true)
	f.Add(header, strings.Replace(claims, `{}`, `null`, 1), true)
	f.Add(header, `[]`, true)
	p := newProvider(f)
	l := p.login(f, nil)
	f.Fuzz(func(t *testing.T, header, claims string, signed bool) {
		key := ecKey()
		if !signed {
			key = otherKey()
		}
		claims = strings.ReplaceAll(claims, "ISS", p.URL)
		token, err := l.VerifyLogoutToken(context.Background(), compact(header, claims, "ES256", key))
		if err != nil {
			if !errors.Is(err, oidc.ErrInvalidLogoutToken) && !errors.Is(err, oidc.ErrUnavailable) && !errors.Is(err, oidc.ErrNotYet) || token != (oidc.LogoutToken{}) {
				t.Fatalf("got %v, %v", token, err)
			}
			return
		}
		if reason := unfit(p, header, claims, token); !signed || reason != "" {
			t.Fatalf("signed by the provider: %v, %s", signed, reason)
		}
	})
}

// unfit says what is wrong with a logout token that was found good.
func unfit(p *provider, header, claims string, token oidc.LogoutToken) string {
	var h, c map[string]any
	if json.Unmarshal([]byte(header), &h) != nil || json.Unmarshal([]byte(claims), &c) != nil {
		return "it is not JSON"
	}
	events, _ := c["events"].(map[string]any)
	_, event := events["http://schemas.openid.net/event/backchannel-logout"].(map[string]any)
	_, nonce := c["nonce"]
	exp, _ := c["exp"].(float64)
	now := float64(p.clock.Now().Unix())
	list, _ := c["aud"].([]any)
	ours := c["aud"] == any(clientID)
	for _, aud := range list {
		ours = ours || aud == any(clientID)
	}
	text := func(name string) string { s, _ := c[name].(string); return s }
	switch {
	case h["alg"] != "ES256":
		return "alg"
	case c["iss"] != p.URL || !ours || exp <= now || !event || nonce:
		return "a claim"
	case text("sub") != token.Subject || text("sid") != token.SessionID || text("jti") != token.JTI:
		return "it is read otherwise"
	case token.Subject+token.SessionID == "" || token.JTI == "" || !token.Expires.After(p.clock.Now()):
		return "it says nothing"
	}
	return ""
}
