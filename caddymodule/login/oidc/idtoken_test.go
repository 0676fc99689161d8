package oidc_test

import (
	"context"
	"crypto"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/login/oidc"
)

type object = map[string]any

func TestIDTokenClaims(t *testing.T) {
	start := newClock().Now().Unix()
	for _, c := range []struct {
		name   string
		claims object
		want   error
		says   string
	}{
		{"the issuer of another provider", object{"iss": "https://evil.example.com"}, oidc.ErrProvider, `is of the issuer "https://evil.example.com", and the configured one is "http://127.0.0.1`},
		{"no issuer", object{"iss": absent}, oidc.ErrProvider, "names no issuer, for it has no iss, and the configured one is"},
		{"an issuer that is a number", object{"iss": 7}, oidc.ErrProvider, "has an iss that is a number and names no issuer"},
		{"an audience twice", object{"aud": []string{clientID, clientID}}, nil, ""},
		{"an audience that is a number", object{"aud": 7}, oidc.ErrAudience, "in its aud, which is a number"},
		{"an empty list of audiences", object{"aud": []string{}}, oidc.ErrAudience, "in its aud, which is an empty list"},
		{"an empty azp", object{"azp": ""}, oidc.ErrAudience, "has an azp that is an empty text and names no client"},
		{"an azp that is a number", object{"azp": 7}, oidc.ErrAudience, "has an azp that is a number and names no client"},
		{"another audience", object{"aud": "grafana"}, oidc.ErrAudience, "aud"},
		{"no audience", object{"aud": absent}, oidc.ErrAudience, "aud"},
		{"an audience that is a list of something else", object{"aud": []any{clientID, 7}}, oidc.ErrAudience, "aud"},
		{"an audience that only begins like ours", object{"aud": clientID + "2"}, oidc.ErrAudience, "aud"},
		{"a list of us alone", object{"aud": []string{clientID}}, nil, ""},
		{"several audiences without azp", object{"aud": []string{clientID, "grafana"}}, oidc.ErrAudience, "azp"},
		{"several audiences, issued to us", object{"aud": []string{clientID, "grafana"}, "azp": clientID}, nil, ""},
		{"several audiences, issued to another", object{"aud": []string{clientID, "grafana"}, "azp": "grafana"}, oidc.ErrAudience, "azp"},
		{"issued to another although meant for us", object{"azp": "grafana"}, oidc.ErrAudience, "azp"},
		{"an azp that is a list", object{"azp": []string{clientID}}, oidc.ErrAudience, "azp"},
		{"the nonce of another attempt", object{"nonce": strings.Repeat("A", 43)}, oidc.ErrForged, "the nonce of another attempt"},
		{"no nonce", object{"nonce": absent}, oidc.ErrProvider, "has no nonce, although one was sent"},
		{"a nonce that is null", object{"nonce": nil}, oidc.ErrProvider, "nonce"},
		{"an empty nonce", object{"nonce": ""}, oidc.ErrForged, "nonce"},
		{"no sub", object{"sub": absent}, oidc.ErrProvider, "no sub"},
		{"an empty sub", object{"sub": ""}, oidc.ErrProvider, "sub"},
		{"a sub that is a number", object{"sub": 7}, oidc.ErrProvider, "sub"},
		{"a sub of 256 bytes", object{"sub": strings.Repeat("a", 256)}, oidc.ErrProvider, "sub"},
		{"a sub that is a number, in JSON's words", object{"sub": 7.5}, oidc.ErrProvider, "a sub that is a number, and must be a text of 1 to 255 bytes"},
		{"no exp", object{"exp": absent}, oidc.ErrProvider, "exp"},
		{"an exp that is a number in a text", object{"exp": "1999999999"}, nil, ""},
		{"an exp of this second in a text", object{"exp": fmt.Sprint(start)}, oidc.ErrClock, "expired"},
		{"an exp that is a text in another form", object{"exp": "1e10"}, oidc.ErrProvider, "exp"},
		{"an exp that is a date in words", object{"exp": "2099-01-01T00:00:00Z"}, oidc.ErrProvider, "exp"},
		{"an iat and an exp with a fraction in texts", object{"iat": fmt.Sprint(start) + ".25", "exp": fmt.Sprint(start+60) + ".5"}, nil, ""},
		{"an iat further ahead in a text", object{"iat": fmt.Sprint(start + 301), "exp": start + 600}, oidc.ErrClock, "future"},
		{"an nbf of always", object{"nbf": 0}, nil, ""},
		{"an nbf of always in a text", object{"nbf": "0"}, nil, ""},
		{"an nbf of the year 1, as .NET has it", object{"nbf": -62135596800}, nil, ""},
		{"an nbf further ahead in a text", object{"nbf": fmt.Sprint(start + 301)}, oidc.ErrClock, "future"},
		{"an exp of the year 1", object{"exp": -62135596800}, oidc.ErrClock, "expired"},
		{"an exp beyond all calendars", object{"exp": 1e300}, oidc.ErrProvider, "exp"},
		{"an exp of this second", object{"exp": start}, oidc.ErrClock, "expired"},
		{"an exp of the next second", object{"exp": start + 1}, nil, ""},
		{"an exp with a fraction", object{"exp": float64(start) + 60.5}, nil, ""},
		{"an exp that is past beside one in capitals", object{"exp": start - 60, "EXP": start + 60}, oidc.ErrClock, "expired"},
		{"no iat", object{"iat": absent}, oidc.ErrProvider, "iat"},
		{"an iat five minutes ahead", object{"iat": start + 300, "exp": start + 600}, nil, ""},
		{"an iat further ahead", object{"iat": start + 301, "exp": start + 600}, oidc.ErrClock, "future"},
		{"an nbf further ahead", object{"nbf": start + 301}, oidc.ErrClock, "future"},
		{"an nbf that is a text", object{"nbf": "now"}, oidc.ErrProvider, "an nbf that is a text and no date"},
		{"the at_hash of the access token", object{"at_hash": atHash("ES256", "access-secret")}, nil, ""},
		{"the at_hash of another access token", object{"at_hash": atHash("ES256", "other")}, oidc.ErrProvider, "at_hash"},
		{"an at_hash that is a number", object{"at_hash": 7}, oidc.ErrProvider, "has an at_hash that is a number and not a text"},
		{"an empty at_hash", object{"at_hash": ""}, oidc.ErrProvider, "at_hash"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t)
			maps.Copy(p.claims, c.claims)
			_, err := p.signIn(t, p.login(t, nil), nil)
			wantErr(t, err, c.want, c.says)
		})
	}
}

// Nobody needs sid to sign in: by it a provider says which session is over.
func TestTheProvidersNameOfItsSession(t *testing.T) {
	for _, c := range []struct {
		name string
		sid  any
		want string
		told string
	}{
		{"a text", "sso-1", "sso-1", ""},
		{"a number is a name, too", 4711, "4711", ""},
		{"a large number", int64(math.MaxInt64), "9223372036854775807", ""},
		{"a number too large to be kept whole is none", uint64(math.MaxUint64), "", "a sid that is a number and is left out"},
		{"a number with a fraction is none", 7.5, "", "a sid that is a number and is left out"},
		{"an empty text is none", "", "", "a sid that is an empty text and is left out"},
		{"a text that is too long is none", strings.Repeat("s", 256), "", "a sid that is a text of more than 255 bytes and is left out"},
		{"a text with a line break is none", "sso\n1", "", "a sid that is a text with control characters or line breaks in it and is left out"},
		{"a list is none", []string{"sso-1"}, "", "a sid that is a list and is left out"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t)
			p.claims["sid"] = c.sid
			var told []string
			l := p.login(t, func(config *oidc.Config) { config.Notice = func(err error) { told = append(told, err.Error()) } })
			person := p.mustSignIn(t, l)
			p.mustSignIn(t, l)
			if person.SourceSession != c.want {
				t.Errorf("it is %q", person.SourceSession)
			}
			if again, err := l.Rebuild(context.Background(), session(t, person)); err != nil || again.SourceSession != c.want {
				t.Errorf("built anew: %v", err)
			}
			if all := strings.Join(told, "\n"); len(told) > 1 || !strings.Contains(all, c.told) || c.told == "" && all != "" {
				t.Errorf("it is told %q", told)
			}
		})
	}
}

// atHash is OpenID Connect Core 1.0 section 3.1.3.6.
func atHash(alg, accessToken string) string {
	hash, named := hashes[alg[len(alg)-3:]]
	if !named { // EdDSA
		hash = crypto.SHA512
	}
	h := hash.New()
	h.Write([]byte(accessToken))
	return b64.EncodeToString(h.Sum(nil)[:hash.Size()/2])
}

func TestHowThePersonProvedWhoTheyAre(t *testing.T) {
	start := newClock().Now().Unix()
	hour, none := time.Hour, time.Duration(0)
	for _, c := range []struct {
		name   string
		maxAge *time.Duration
		acr    []string
		claims object
		want   error
		says   string
	}{
		{"an acr that was asked for", nil, []string{"silver", "gold"}, object{"acr": "gold"}, nil, ""},
		{"a lesser acr", nil, []string{"gold"}, object{"acr": "bronze"}, oidc.ErrDenied, "acr"},
		{"no acr", nil, []string{"gold"}, nil, oidc.ErrDenied, "acr"},
		{"an acr that is a list", nil, []string{"gold"}, object{"acr": []string{"gold"}}, oidc.ErrDenied, "acr"},
		{"an acr that nobody asked for", nil, nil, object{"acr": "bronze"}, nil, ""},
		{"no auth_time", &hour, nil, nil, oidc.ErrProvider, "auth_time"},
		{"an auth_time that is a text", &hour, nil, object{"auth_time": "now"}, oidc.ErrProvider, "auth_time"},
		{"an auth_time within max_age and leeway", &hour, nil, object{"auth_time": start - 3900}, nil, ""},
		{"an auth_time before that", &hour, nil, object{"auth_time": start - 3901}, oidc.ErrDenied, "max_age"},
		{"an auth_time in the future", &hour, nil, object{"auth_time": start + 301}, oidc.ErrClock, "auth_time"},
		{"a max_age of zero with a sign-in of just now", &none, nil, object{"auth_time": start - 10}, nil, ""},
		{"a max_age of zero with one of an hour ago", &none, nil, object{"auth_time": start - 3600}, oidc.ErrDenied, "max_age"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t)
			maps.Copy(p.claims, c.claims)
			_, err := p.signIn(t, p.login(t, func(o *oidc.Config) { o.MaxAge, o.ACRValues = c.maxAge, c.acr }), nil)
			wantErr(t, err, c.want, c.says)
		})
	}
}

func TestAlgorithmGamesAreRefused(t *testing.T) {
	publicPEM := []byte("-----BEGIN PUBLIC KEY-----")
	good := func(p *provider, nonce string) (string, string) {
		now := p.clock.Now().Unix()
		claims := object{"iss": p.URL, "sub": "ada-1", "aud": clientID, "iat": now, "exp": now + 300, "nonce": nonce, "email": "ada@example.com", "email_verified": true}
		return `{"alg":"ES256","kid":"ec"}`, string(must(json.Marshal(claims)))
	}
	for _, c := range []struct {
		name string
		make func(header, claims string) string
		want error
		says string
	}{
		{"the token as it should be", func(h, c string) string { return compact(h, c, "ES256", ecKey()) }, nil, ""},
		{"a header whose x5t and x5c are none, which has no bearing here", func(_, c string) string {
			return compact(`{"alg":"ES256","kid":"ec","x5t":"!!!","x5c":"zz","x5t#S256":5,"jku":7,"cty":5}`, c, "ES256", ecKey())
		}, nil, ""},
		{"alg none without a signature", func(_, c string) string { return compact(`{"alg":"none"}`, c, "none", nil) }, oidc.ErrProvider, `has no signature, and the algorithm "none"`},
		{"alg none with a signature", func(_, c string) string { return compact(`{"alg":"none","kid":"ec"}`, c, "ES256", ecKey()) }, oidc.ErrProvider, "algorithm"},
		{"alg None", func(_, c string) string { return compact(`{"alg":"None","kid":"ec"}`, c, "ES256", ecKey()) }, oidc.ErrProvider, "algorithm"},
		{"HMAC with the client secret", func(_, c string) string {
			return compact(`{"alg":"HS256"}`, c, "HS256", []byte(clientSecret))
		}, oidc.ErrProvider, "algorithm"},
		{"HMAC with the public key", func(_, c string) string {
			return compact(`{"alg":"HS256","kid":"ec"}`, c, "HS256", publicPEM)
		}, oidc.ErrProvider, "algorithm"},
		{"an algorithm that the provider does not list", func(_, c string) string {
			return compact(`{"alg":"RS384","kid":"rsa"}`, c, "RS384", rsaKey())
		}, oidc.ErrProvider, "algorithm"},
		{"no algorithm", func(_, c string) string { return compact(`{"kid":"ec"}`, c, "ES256", ecKey()) }, oidc.ErrProvider, "algorithm"},
		{"two algorithms", func(_, c string) string {
			return compact(`{"alg":"ES256","alg":"none","kid":"ec"}`, c, "ES256", ecKey())
		}, oidc.ErrProvider, "twice"},
		{"a key of another type under the name", func(_, c string) string {
			return compact(`{"alg":"RS256","kid":"ec"}`, c, "RS256", rsaKey())
		}, oidc.ErrProvider, `the provider's key of that name, kid "ec", is an EC key of P-256`},
		{"a key on another curve under the name", func(_, c string) string {
			return compact(`{"alg":"ES384","kid":"ec"}`, c, "ES384", bigKey())
		}, oidc.ErrProvider, `the provider's key of that name, kid "ec", is an EC key of P-256`},
		{"a key that says it is for another algorithm", func(_, c string) string {
			return compact(`{"alg":"PS256","kid":"rsa"}`, c, "PS256", rsaKey())
		}, oidc.ErrProvider, `is signed with PS256, and the provider's key of that name, kid "rsa", is for "RS256" alone, as its alg says`},
		{"a key for encryption", func(_, c string) string { return compact(`{"alg":"ES256","kid":"enc"}`, c, "ES256", ecKey()) }, oidc.ErrProvider, "not in the provider's key set"},
		{"an RSA key that is too short", func(_, c string) string {
			return compact(`{"alg":"RS256","kid":"short"}`, c, "RS256", shortKey())
		}, oidc.ErrProvider, "not in the provider's key set"},
		{"the signature of another key", func(h, c string) string { return compact(h, c, "ES256", otherKey()) }, oidc.ErrProvider, "key did not make"},
		{"a key of another name", func(_, c string) string { return compact(`{"alg":"ES256","kid":"x"}`, c, "ES256", ecKey()) }, oidc.ErrProvider, "not in the provider's key set"},
		{"a key of nobody without a name", func(_, c string) string { return compact(`{"alg":"ES256"}`, c, "ES256", otherKey()) }, oidc.ErrProvider, "not in the provider's key set"},
		{"a key brought along", func(_, c string) string {
			jwk := `{"kty":"EC","crv":"P-256","x":"` + b64.EncodeToString(otherKey().X.FillBytes(make([]byte, 32))) + `","y":"` + b64.EncodeToString(otherKey().Y.FillBytes(make([]byte, 32))) + `"}`
			return compact(`{"alg":"ES256","kid":"ec","jwk":`+jwk+`}`, c, "ES256", otherKey())
		}, oidc.ErrProvider, "jwk"},
		{"an extension that must be understood", func(_, c string) string {
			return compact(`{"alg":"ES256","kid":"ec","crit":["b64"],"b64":true}`, c, "ES256", ecKey())
		}, oidc.ErrProvider, "crit"},
		{"an empty kid and an empty typ, which are none", func(_, c string) string { return compact(`{"alg":"ES256","kid":"","typ":""}`, c, "ES256", ecKey()) }, nil, ""},
		{"a kid that is a number", func(_, c string) string { return compact(`{"alg":"ES256","kid":7}`, c, "ES256", ecKey()) }, oidc.ErrProvider, "has a kid that is the number 7 and not a text"},
		{"a kid that is a list", func(_, c string) string { return compact(`{"alg":"ES256","kid":["ec"]}`, c, "ES256", ecKey()) }, oidc.ErrProvider, "has a kid that is a list"},
		{"a kid that is a list", func(_, c string) string { return compact(`{"alg":"ES256","kid":["ec"]}`, c, "ES256", ecKey()) }, oidc.ErrProvider, "kid"},
		{"a logout token's type", func(_, c string) string {
			return compact(`{"alg":"ES256","kid":"ec","typ":"logout+jwt"}`, c, "ES256", ecKey())
		}, oidc.ErrProvider, "another type"},
		{"an access token's type", func(_, c string) string {
			return compact(`{"alg":"ES256","kid":"ec","typ":"application/at+jwt"}`, c, "ES256", ecKey())
		}, oidc.ErrProvider, "another type"},
		{"a type that is a number", func(_, c string) string {
			return compact(`{"alg":"ES256","kid":"ec","typ":7}`, c, "ES256", ecKey())
		}, oidc.ErrProvider, "another type"},
		{"the usual type", func(_, c string) string {
			return compact(`{"alg":"ES256","kid":"ec","typ":"JWT","x5t":"ignored","jku":"https://evil.example.com"}`, c, "ES256", ecKey())
		}, nil, ""},
		{"a claim twice", func(h, c string) string {
			return compact(h, strings.Replace(c, `{`, `{"sub":"linus-1",`, 1), "ES256", ecKey())
		}, oidc.ErrProvider, "twice"},
		{"a member of a claim twice", func(h, c string) string {
			return compact(h, strings.Replace(c, `{`, `{"a":[{"b":1,"b":2}],`, 1), "ES256", ecKey())
		}, oidc.ErrProvider, "twice"},
		{"a claim twice, once escaped", func(h, c string) string {
			return compact(h, strings.Replace(c, `{`, `{"s\u0075b":"linus-1",`, 1), "ES256", ecKey())
		}, oidc.ErrProvider, "twice"},
		{"claims with something behind them", func(h, c string) string { return compact(h, c+"}", "ES256", ecKey()) }, oidc.ErrProvider, "not JSON"},
		{"claims that are a list", func(h, c string) string { return compact(h, "["+c+"]", "ES256", ecKey()) }, oidc.ErrProvider, "not a JSON object"},
		{"claims that are not UTF-8", func(h, c string) string {
			return compact(h, strings.Replace(c, `{`, "{\"a\":\"\xff\",", 1), "ES256", ecKey())
		}, oidc.ErrProvider, "not JSON"},
		{"claims nested without end", func(h, c string) string {
			deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
			return compact(h, strings.Replace(c, `{`, `{"a":`+deep+`,`, 1), "ES256", ecKey())
		}, oidc.ErrProvider, "nested"},
		{"an altered claim", func(h, c string) string {
			parts := strings.Split(compact(h, c, "ES256", ecKey()), ".")
			return parts[0] + "." + b64.EncodeToString([]byte(strings.Replace(c, "ada-1", "eve-1", 1))) + "." + parts[2]
		}, oidc.ErrProvider, "key did not make"},
		{"a line break in the signature", func(h, c string) string {
			token := compact(h, c, "ES256", ecKey())
			return token[:len(token)-4] + "\r\n" + token[len(token)-4:]
		}, oidc.ErrProvider, "line break"},
		{"a signature with bits that mean nothing", func(h, c string) string {
			// Of 64 bytes, the last two bits of the last character are none: one
			// of A, Q, g and w. The letter after it has the same bits that count.
			token := compact(h, c, "ES256", ecKey())
			return token[:len(token)-1] + string(token[len(token)-1]+1)
		}, oidc.ErrProvider, "canonical"},
		{"five segments", func(h, c string) string { return compact(h, c, "ES256", ecKey()) + ".a.b" }, oidc.ErrProvider, "three segments"},
		{"a header that is not JSON", func(_, c string) string { return compact(`alg`, c, "ES256", ecKey()) }, oidc.ErrProvider, "header"},
		{"a token of more than 64 KiB", func(h, c string) string {
			return compact(h, strings.Replace(c, `{`, `{"a":"`+strings.Repeat("a", 64<<10)+`",`, 1), "ES256", ecKey())
		}, oidc.ErrProvider, "longer than"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t)
			p.publishGames()
			l := p.login(t, nil)
			location, attempt := begin(t, l)
			header, claims := good(p, attempt.Nonce)
			p.rawToken = c.make(header, claims)
			_, err := l.Finish(context.Background(), attempt, p.authorize(t, location))
			wantErr(t, err, c.want, c.says)
		})
	}
}
