package token_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/token"
)

func TestASessionTokenSaysWhatWasMinted(t *testing.T) {
	r := newRing(t, token.Config{Issuer: "https://app.example.com"})
	raw, err := r.MintSession(someKey(9), math.MaxInt32, start.Add(90*time.Minute+999*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.VerifySession(raw)
	want := token.SessionClaims{Key: someKey(9), UserID: math.MaxInt32, IssuedAt: start, ExpiresAt: start.Add(90 * time.Minute)}
	if err != nil || got != want {
		t.Fatalf("got %+v, %v; want %+v", got, err, want)
	}
}

func TestTheSessionTokenOnTheWire(t *testing.T) {
	r := newRing(t, token.Config{})
	parts := strings.Split(mustMint(t, r, 7, time.Hour), ".")
	var header, payload map[string]any
	for i, into := range []*map[string]any{&header, &payload} {
		if err := json.Unmarshal(unb64(t, parts[i]), into); err != nil {
			t.Fatal(err)
		}
	}
	wantHeader := map[string]any{"alg": "ES256", "typ": "session+jwt", "kid": published(t, r)[0]["kid"]}
	wantPayload := map[string]any{
		"iss": "sidegate", "aud": "sidegate:session", "sub": "7", "sid": someKey(7).Encode(), "jti": payload["jti"],
		"iat": float64(start.Unix()), "exp": float64(start.Add(time.Hour).Unix()),
	}
	if fmt.Sprint(header) != fmt.Sprint(wantHeader) || fmt.Sprint(payload) != fmt.Sprint(wantPayload) {
		t.Fatalf("got %v %v", header, payload)
	}
	if len(payload["jti"].(string)) < 20 || mustMint(t, r, 7, time.Hour) == strings.Join(parts, ".") {
		t.Error("two tokens share a jti")
	}
}

func TestMintSessionRefusesIDsThatAreNone(t *testing.T) {
	for _, id := range []int64{0, -1, 1 << 53, math.MaxInt64, math.MinInt64} {
		if raw, err := newRing(t, token.Config{}).MintSession(someKey(1), id, start.Add(time.Hour)); err == nil {
			t.Errorf("id %d made %s", id, raw)
		}
	}
}

func TestSessionTokensInTime(t *testing.T) {
	hour := start.Add(time.Hour)
	for _, c := range []struct {
		name string
		now  time.Time
		want error
	}{
		{"a token is good the moment it is made", start, nil},
		{"a token is good until its last moment", hour.Add(-time.Nanosecond), nil},
		{"a token is over at exp, not after it", hour, token.ErrExpired},
		{"exp has no leeway", hour.Add(time.Second), token.ErrExpired},
		{"a gateway whose clock is 10 minutes behind accepts it", start.Add(-10 * time.Minute), nil},
		{"so does one that is as far behind as clocks may differ", start.Add(-token.Leeway), nil},
		{"one whose clock is further behind does not", start.Add(-token.Leeway - time.Second), token.ErrInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw := mustMint(t, newRing(t, token.Config{}), 7, time.Hour)
			r := newRing(t, token.Config{Now: func() time.Time { return c.now }})
			_, err := r.VerifySession(raw)
			if !errors.Is(err, c.want) || (c.want == token.ErrInvalid) && errors.Is(err, token.ErrExpired) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
		})
	}
	if !errors.Is(token.ErrExpired, token.ErrInvalid) {
		t.Error("an expired token is not an invalid one")
	}
}

func TestAForgersGoodTokenIsGood(t *testing.T) {
	f := newForger(t)
	got, err := f.ring.VerifySession(f.sign(f.header(), goodPayload()))
	if err != nil || got.UserID != 7 || got.Key != someKey(7) {
		t.Fatalf("the refusals below prove nothing: %+v, %v", got, err)
	}
}

// RFC 8725 sections 3.8, 3.9 and 3.11; all are signed by the ring's own key.
func TestVerifySessionRefusesClaims(t *testing.T) {
	f := newForger(t)
	sid, exp := someKey(7).Encode(), fmt.Sprint(start.Add(time.Hour).Unix())
	for _, c := range []struct{ name, payload, reason string }{
		{"without iss", with(`"iss":"sidegate",`, ``), "iss is missing"},
		{"without aud", with(`"aud":"sidegate:session",`, ``), "aud is missing"},
		{"without sub", with(`"sub":"7",`, ``), "sub is missing"},
		{"without sid", with(`"sid":"`+sid+`",`, ``), "sid is missing"},
		{"without jti", with(`"jti":"J",`, ``), "jti is missing"},
		{"without iat", with(`"iat":`, `"not":`), "iat is missing"},
		{"without exp, which would be good for ever", with(`"exp":`, `"not":`), "exp is missing"},
		{"exp null", with(exp, `null`), "exp is missing"},
		{"exp as a string", with(exp, `"`+exp+`"`), "exp is missing, or not a whole number"},
		{"exp as a fraction", with(exp, exp+".5"), "exp is missing, or not a whole number"},
		{"exp with an exponent", with(exp, "1e12"), "exp is missing, or not a whole number"},
		{"exp beyond all time", with(exp, "9223372036854775807"), "exp is missing, or not a whole number"},
		{"exp of minus zero", with(exp, "-0"), "exp is missing, or not a whole number"},
		{"another issuer", with(`"iss":"sidegate"`, `"iss":"https://evil.example"`), "iss is not ours"},
		{"an issuer that only begins like ours", with(`"iss":"sidegate"`, `"iss":"sidegate2"`), "iss is not ours"},
		{"another audience", with(`sidegate:session`, `orders`), "aud is not the one"},
		{"a list of audiences that holds ours", with(`"sidegate:session"`, `["sidegate:session"]`), "aud is missing, or not a string"},
		{"iss null", with(`"sidegate"`, `null`), "iss is missing"},
		{"sub as a number", with(`"sub":"7"`, `"sub":7`), "sub is missing, or not a string"},
		{"sub zero", with(`"sub":"7"`, `"sub":"0"`), "sub is missing, or not a whole number"},
		{"sub with a plus", with(`"sub":"7"`, `"sub":"+7"`), "sub is missing, or not a whole number"},
		{"sub with a zero before it", with(`"sub":"7"`, `"sub":"07"`), "sub is missing, or not a whole number"},
		{"sub beyond 2^53-1", with(`"sub":"7"`, `"sub":"9007199254740992"`), "sub is missing, or not a whole number"},
		{"sid that is no key", with(sid, sid[1:]), "sid does not name a session"},
		{"sid with a line break", with(sid, sid[:45]+`\n`), "sid does not name a session"},
		{"iat from the future", with(`"iat":`, `"iat":2`), "from the future"},
		{"nbf in the future", with(`"jti"`, `"nbf":`+exp+`,"jti"`), "from the future"},
		{"nbf that is no number", with(`"jti"`, `"nbf":"soon","jti"`), "nbf is missing, or not a whole number"},
		{"claims that are a list", `[]`, "not one JSON object"},
		{"claims that are null", `null`, "not one JSON object"},
		{"no claims", `{}`, "sid is missing"},
		{"a second object behind the first", goodPayload() + `{}`, "not one JSON object"},
		{"an object without its end", strings.TrimSuffix(goodPayload(), "}"), "not one JSON object"},
		{"an object cut off at a value", `{"iss":`, "not one JSON object"},
		{"an object cut off at a name", `{"iss":"sidegate",`, "not one JSON object"},
		{"bytes that are not UTF-8", with(`"J"`, "\"\xff\""), "not one JSON object"},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw := f.sign(f.header(), c.payload)
			got, err := f.ring.VerifySession(raw)
			mustRefuse(t, raw, err, c.reason)
			if errors.Is(err, token.ErrExpired) || got != (token.SessionClaims{}) {
				t.Fatalf("got %+v, %v", got, err)
			}
		})
	}
}

func TestAClaimThatANewerGatewayAddsIsLetBe(t *testing.T) {
	f := newForger(t)
	for _, more := range []string{`"acr":"mfa",`, `"nbf":1,`, `"cnf":{"jkt":"x","JKT":1},`} {
		if _, err := f.ring.VerifySession(f.sign(f.header(), with(`"jti"`, more+`"jti"`))); err != nil {
			t.Errorf("%s: %v", more, err)
		}
	}
}

func TestErrExpiredIsSaidOnlyOfATokenThatWasGood(t *testing.T) {
	f := newForger(t)
	over := strings.Replace(goodPayload(), fmt.Sprint(start.Add(time.Hour).Unix()), fmt.Sprint(start.Unix()), 1)
	_, err := f.ring.VerifySession(f.sign(f.header(), over))
	if !errors.Is(err, token.ErrExpired) {
		t.Fatalf("got %v", err)
	}
	_, err = f.ring.VerifySession(f.sign(f.header(), strings.Replace(over, "sidegate:session", "orders", 1)))
	if !errors.Is(err, token.ErrInvalid) || errors.Is(err, token.ErrExpired) {
		t.Fatalf("got %v", err)
	}
}

func TestLooksOurs(t *testing.T) {
	r := newRing(t, token.Config{})
	other := newRing(t, token.Config{Secrets: []string{secretB}})
	good := mustMint(t, r, 7, time.Hour)
	assertion, err := r.MintAssertion(someAssertion())
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, raw string
		want      bool
	}{
		{"our token", good, true},
		{"our token with a broken signature", good[:len(good)-4], true},
		{"a session token by a key that was taken out", mustMint(t, other, 7, time.Hour), true},
		{"a session token without a signature", b64(`{"alg":"none","typ":"session+jwt"}`) + "..", true},
		{"the media type in full", b64(`{"typ":"application/session+jwt"}`) + ".e30.x", true},
		{"another case", b64(`{"TYP":"Session+JWT"}`) + ".e30.x", true},
		{"two types of which one is ours", b64(`{"typ":"session+jwt","typ":"JWT"}`) + ".e30.x", true},
		{"padding", b64(`{"typ":"session+jwt"}`) + "=.e30.x", true},
		{"our header followed by eight kilobytes", strings.Split(good, ".")[0] + "." + strings.Repeat("x", token.MaxToken), true},
		{"an access token of an identity provider", b64(`{"alg":"RS256","typ":"JWT"}`) + ".e30.x", false},
		{"an assertion", assertion, false},
		{"a typ that is no string", b64(`{"typ":["session+jwt"]}`) + ".e30.x", false},
		{"a claim of that name", b64(`{"alg":"none"}`) + "." + b64(`{"typ":"session+jwt"}`) + ".", false},
		{"an opaque token", "gho_16C7e42F292c6912E7710c838347Ae178B4a", false},
		{"an opaque token with dots", "v2.local.abc", false},
		{"nothing", "", false},
		{"a header without end", strings.Repeat("x", 1<<20), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := r.LooksOurs(c.raw); got != c.want {
				t.Fatalf("got %v, want %v", got, c.want)
			}
		})
	}
}
