package token_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/sessionstore"
)

// payload is a session token's claims as a parser reads them that minds
// neither case nor duplicates.
type payload struct {
	Iss string `json:"iss"`
	Aud string `json:"aud"`
	Sub string `json:"sub"`
	Sid string `json:"sid"`
	Jti string `json:"jti"`
	Iat int64  `json:"iat"`
	Exp int64  `json:"exp"`
}

// reencoded is the claims as payload would have them.
func reencoded(c token.SessionClaims, jti string) payload {
	return payload{
		Iss: "sidegate", Aud: "sidegate:session", Sub: strconv.FormatInt(c.UserID, 10), Sid: c.Key.Encode(),
		Jti: jti, Iat: c.IssuedAt.Unix(), Exp: c.ExpiresAt.Unix(),
	}
}

// FuzzVerifySession: only what we signed passes, and it says what we said. The
// clock stands at start, so the two golden tokens are the only good ones.
func FuzzVerifySession(f *testing.F) {
	signed := map[string]bool{}
	for _, raw := range goldenTokens {
		signed[raw[:strings.LastIndexByte(raw, '.')]] = true
		p := strings.Split(raw, ".")
		for _, seed := range []string{
			raw, raw + "=", raw + "\n", raw[:len(raw)-1], p[0] + "." + p[1] + ".", p[0] + "." + b64(goodPayload()) + "." + p[2],
			b64(`{"alg":"none","typ":"session+jwt"}`) + "." + p[1] + ".",
		} {
			f.Add(seed)
		}
	}
	rings := []*token.Ring{newRing(f, token.Config{}), newRing(f, token.Config{Algorithm: "EdDSA"})}
	f.Fuzz(func(t *testing.T, raw string) {
		for _, r := range rings {
			got, err := r.VerifySession(raw)
			if err != nil {
				if !errors.Is(err, token.ErrInvalid) || got != (token.SessionClaims{}) {
					t.Fatalf("refusal is %+v, %v", got, err)
				}
				continue
			}
			input := raw[:strings.LastIndexByte(raw, '.')]
			if !signed[input] {
				t.Fatalf("a token that was never signed passes: %q", raw)
			}
			if !r.LooksOurs(raw) {
				t.Fatal("a good token does not look ours, and would go upstream")
			}
			text := unb64(t, strings.Split(raw, ".")[1])
			var p payload
			if err := json.Unmarshal(text, &p); err != nil {
				t.Fatal(err)
			}
			if again, _ := json.Marshal(reencoded(got, p.Jti)); string(again) != string(text) {
				t.Fatalf("the token says %s, it was read as %s", text, again)
			}
		}
	})
}

// FuzzVerifySessionClaims signs any header and claims with the ring's own key.
// What passes has our header, and is read the same by a lenient parser.
func FuzzVerifySessionClaims(f *testing.F) {
	fo := newForger(f)
	const kid = "KID" // stands for the kid, which is another in every process
	header := strings.Replace(fo.header(), fo.kid, kid, 1)
	for _, p := range []string{
		goodPayload(), with(`"jti"`, `"JTI":"x","jti"`), with(`"sub":"7"`, `"sub":"7","sub":"8"`), with(`"jti"`, `"nbf":1e1,"jti"`),
		with(`"sub":"7"`, `"\u0073ub":"8"`), with(`"J"`, `"\ud800"`), with(`"J"`, `"J","i\u017fs":"x"`), with(`"J"`, `null`), `{}`, `[`,
	} {
		f.Add(header, p)
	}
	f.Add(strings.Replace(header, `}`, `,"crit":[]}`, 1), goodPayload())
	f.Add(strings.Replace(header, `}`, `} `, 1), goodPayload())
	f.Fuzz(func(t *testing.T, header, claims string) {
		header = strings.Replace(header, kid, fo.kid, 1)
		raw := fo.sign(header, claims)
		got, err := fo.ring.VerifySession(raw)
		if err != nil {
			return
		}
		var p payload
		if err := json.Unmarshal([]byte(claims), &p); err != nil {
			t.Fatalf("others cannot read what passes: %v", err)
		}
		if header != fo.header() || p != reencoded(got, p.Jti) || got.UserID < 1 || !start.Before(got.ExpiresAt) {
			t.Fatalf("%s %s was read as %+v", header, claims, got)
		}
	})
}

// FuzzMintSession: what is minted verifies, to the very same claims.
func FuzzMintSession(f *testing.F) {
	f.Add(int64(1), uint16(0), "", int64(1))
	f.Add(int64(1<<53-1), uint16(65535), "x", int64(1<<40))
	f.Add(int64(-1), uint16(1), "x", int64(-1))
	r := newRing(f, token.Config{Algorithm: "EdDSA"})
	f.Fuzz(func(t *testing.T, id int64, shard uint16, hash string, life int64) {
		key := sessionstore.Key{Shard: shard}
		copy(key.Hash[:], hash)
		expires := start.Add(time.Duration(life%(1<<32)) * time.Second)
		raw, err := r.MintSession(key, id, expires)
		if (err == nil) != (1 <= id && id < 1<<53) {
			t.Fatalf("id %d: %v", id, err)
		}
		if err != nil {
			return
		}
		got, err := r.VerifySession(raw)
		want := token.SessionClaims{Key: key, UserID: id, IssuedAt: start, ExpiresAt: expires}
		if life%(1<<32) <= 0 {
			if !errors.Is(err, token.ErrInvalid) {
				t.Fatalf("expires %v: %v", expires, err)
			}
		} else if err != nil || got != want {
			t.Fatalf("got %+v, %v; want %+v", got, err, want)
		}
	})
}

func benchRings(b *testing.B, run func(b *testing.B, r *token.Ring)) {
	for _, c := range []token.Config{{Algorithm: "ES256"}, {Algorithm: "EdDSA"}, {Algorithm: "RS256", SigningKeys: [][]byte{pkcs8(b, rsaKey(b))}}} {
		b.Run(c.Algorithm, func(b *testing.B) {
			b.ReportAllocs()
			run(b, newRing(b, c))
		})
	}
}

func BenchmarkMintSession(b *testing.B) {
	benchRings(b, func(b *testing.B, r *token.Ring) {
		for b.Loop() {
			mustMint(b, r, 7, time.Hour)
		}
	})
}

func BenchmarkVerifySession(b *testing.B) {
	benchRings(b, func(b *testing.B, r *token.Ring) {
		raw := mustMint(b, r, 7, time.Hour)
		for b.Loop() {
			if _, err := r.VerifySession(raw); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkMintAssertion(b *testing.B) {
	benchRings(b, func(b *testing.B, r *token.Ring) {
		a := someAssertion()
		for b.Loop() {
			mustAssert(b, r, a)
		}
	})
}

// BenchmarkRefuse is what garbage costs.
func BenchmarkRefuse(b *testing.B) {
	r := newRing(b, token.Config{})
	for name, raw := range map[string]string{
		"foreign": b64(`{"alg":"RS256","typ":"JWT","kid":"x"}`) + "." + b64(goodPayload()) + "." + strings.Repeat("A", 342),
		"huge":    strings.Repeat(".", 1<<20),
	} {
		b.Run(fmt.Sprint(name), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.VerifySession(raw); err == nil {
					b.Fatal("it passes")
				}
			}
		})
	}
}

func BenchmarkCacheToken(b *testing.B) {
	d := newDesk(b, 0, 0)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.Token(here, someKey(1), 1, start.Add(time.Hour)); err != nil {
			b.Fatal(err)
		}
	}
}
