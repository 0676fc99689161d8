package token_test

import (
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/token"
)

// What other verifiers of tokens got wrong, each with its own test.

func TestAlgorithmNoneIsRefused(t *testing.T) {
	f := newForger(t)
	for _, alg := range []string{"none", "None", "NONE", ""} {
		header := strings.Replace(f.header(), "ES256", alg, 1)
		for _, signature := range []string{"", "x", "AAAA", b64(strings.Repeat("\x00", 64))} {
			raw := b64(header) + "." + b64(goodPayload()) + "." + signature
			_, err := f.ring.VerifySession(raw)
			mustRefuse(t, raw, err, "")
		}
	}
}

// RFC 8725 section 2.1: a public key used as the secret of an HMAC.
func TestAPublicKeyIsNoHMACSecret(t *testing.T) {
	f := newForger(t)
	der, err := x509.MarshalPKIXPublicKey(&f.key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	input := b64(strings.Replace(f.header(), "ES256", "HS256", 1)) + "." + b64(goodPayload())
	for _, secret := range [][]byte{der, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), f.ring.JWKS(), nil} {
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte(input))
		raw := input + "." + b64(string(mac.Sum(nil)))
		_, err := f.ring.VerifySession(raw)
		mustRefuse(t, raw, err, "alg is not that of its key")
	}
}

func TestOneKeyHasOneAlgorithm(t *testing.T) {
	f := newForger(t)
	for _, alg := range []string{"ES384", "ES512", "RS256", "PS256", "EdDSA", "es256"} {
		raw := f.sign(strings.Replace(f.header(), "ES256", alg, 1), goodPayload())
		_, err := f.ring.VerifySession(raw)
		mustRefuse(t, raw, err, "alg is not that of its key")
	}
}

func TestATokenCannotBringItsOwnKey(t *testing.T) {
	f := newForger(t)
	evil := forger{key: ecKey(t, elliptic.P256())}
	public, _ := json.Marshal(map[string]string{"kty": "EC", "crv": "P-256", "x": b64(string(evil.key.X.Bytes())), "y": b64(string(evil.key.Y.Bytes()))})
	for name, value := range map[string]string{
		"jku": `"https://evil.example/jwks.json"`, "x5u": `"https://evil.example/cert.pem"`,
		"jwk": string(public), "x5c": `["MIIB"]`, "x5t": `"x"`, "x5t#S256": `"x"`,
	} {
		header := strings.Replace(f.header(), `"alg"`, fmt.Sprintf(`"%s":%s,"alg"`, name, value), 1)
		for _, signer := range []forger{evil, f} { // even one that our own key signed
			raw := signer.sign(header, goodPayload())
			_, err := f.ring.VerifySession(raw)
			mustRefuse(t, raw, err, "header holds "+name+", which is never obeyed")
		}
	}
}

func TestKidNamesAKeyOfTheRingOrNone(t *testing.T) {
	f := newForger(t)
	for _, kid := range []string{`"other"`, `"../../dev/null"`, `"' OR 1=1"`, `""`, `null`, `7`, `["` + f.kid + `"]`} {
		raw := f.sign(strings.Replace(f.header(), `"`+f.kid+`"`, kid, 1), goodPayload())
		_, err := f.ring.VerifySession(raw)
		mustRefuse(t, raw, err, "")
	}
	raw := f.sign(`{"alg":"ES256","typ":"session+jwt"}`, goodPayload())
	_, err := f.ring.VerifySession(raw)
	mustRefuse(t, raw, err, "kid is missing")
}

func TestAStrangersSignatureIsRefused(t *testing.T) {
	f, evil := newForger(t), forger{key: ecKey(t, elliptic.P256())}
	raw := evil.sign(f.header(), goodPayload())
	_, err := f.ring.VerifySession(raw)
	mustRefuse(t, raw, err, "signature does not match")
}

// RFC 7515 section 4.1.11: what must be understood and is not.
func TestCritIsRefused(t *testing.T) {
	f := newForger(t)
	for _, crit := range []string{`["exp"]`, `["b64"]`, `[]`, `null`, `"x"`} {
		raw := f.sign(strings.Replace(f.header(), `"alg"`, `"crit":`+crit+`,"alg"`, 1), goodPayload())
		_, err := f.ring.VerifySession(raw)
		mustRefuse(t, raw, err, "header holds crit")
	}
}

// RFC 7519 section 4: a lenient parser takes the last of two, or any case.
func TestDuplicateAndCaseVariantClaimsAreRefused(t *testing.T) {
	f := newForger(t)
	for _, more := range []string{
		`"sub":"1"`, `"sub":"7"`, `"s\u0075b":"1"`, `"exp":9999999999`, `"aud":"orders"`, `"x":1,"x":2`,
	} {
		raw := f.sign(f.header(), with(`"jti"`, more+`,"jti"`))
		_, err := f.ring.VerifySession(raw)
		mustRefuse(t, raw, err, "claims: a member is there twice")
	}
	for _, more := range []string{`"SUB":"1"`, `"Aud":"orders"`, `"\u0045xp":1`, `"i\u017fs":"evil"`, `"NBF":1`} { // U+017F folds to s
		raw := f.sign(f.header(), with(`"jti"`, more+`,"jti"`))
		_, err := f.ring.VerifySession(raw)
		mustRefuse(t, raw, err, "is there in another case")
	}
}

func TestAnExpiredTokenWithASecondEXPIsRefused(t *testing.T) {
	f := newForger(t)
	for _, name := range []string{"EXP", "Exp", "exp"} {
		payload := with(fmt.Sprint(start.Add(time.Hour).Unix()), fmt.Sprintf(`%d,"%s":9999999999`, start.Add(-time.Hour).Unix(), name))
		raw := f.sign(f.header(), payload)
		_, err := f.ring.VerifySession(raw)
		mustRefuse(t, raw, err, "claims: ")
	}
}

func TestDuplicateAndCaseVariantHeadersAreRefused(t *testing.T) {
	f := newForger(t)
	for more, reason := range map[string]string{
		`"alg":"none"`: "header: a member is there twice", `"typ":"JWT"`: "header: a member is there twice",
		`"ALG":"none"`: "header: alg is there in another case", `"\u212aid":"x"`: "header: kid is there in another case",
		`"Crit":[]`: "header: crit is there in another case", `"x":1`: "not written as this gateway writes it",
	} {
		raw := f.sign(strings.Replace(f.header(), `,"typ"`, `,`+more+`,"typ"`, 1), goodPayload())
		_, err := f.ring.VerifySession(raw)
		mustRefuse(t, raw, err, reason)
	}
}

// Whoever keyed a cache or a list of revoked tokens by the text would see two
// tokens here. Both mean one session, which the store revokes.
func TestTheTwinOfAnECDSASignatureMeansTheSameSession(t *testing.T) {
	f := newForger(t)
	raw := f.sign(f.header(), goodPayload())
	at := strings.LastIndexByte(raw, '.')
	sig := unb64(t, raw[at+1:])
	s := new(big.Int).Sub(elliptic.P256().Params().N, new(big.Int).SetBytes(sig[32:]))
	twin := raw[:at+1] + b64(string(rs(new(big.Int).SetBytes(sig[:32]), s)))
	if twin == raw {
		t.Fatal("there is no twin")
	}
	one, err1 := f.ring.VerifySession(raw)
	two, err2 := f.ring.VerifySession(twin)
	if err1 != nil || err2 != nil || one != two {
		t.Fatalf("got %+v, %v and %+v, %v", one, err1, two, err2)
	}
}

func TestASignatureHasOneSpelling(t *testing.T) {
	f := newForger(t)
	raw := f.sign(f.header(), goodPayload())
	at := strings.LastIndexByte(raw, '.')
	sig := string(unb64(t, raw[at+1:]))
	last := strings.IndexByte(alphabet, raw[len(raw)-1])
	for name, other := range map[string]string{
		"trailing bits that are not zero": raw[:len(raw)-1] + string(alphabet[last|1]),
		"padding":                         raw + "==",
		"a line break at its end":         raw + "\n",
		"a line break inside":             raw[:at+9] + "\r\n" + raw[at+9:],
		"a byte more":                     raw[:at+1] + b64(sig+"\x00"),
		"a byte less":                     raw[:at+1] + b64(sig[:63]),
		"a zero before r and s":           raw[:at+1] + b64("\x00"+sig[:32]+"\x00"+sig[32:]),
		"none":                            raw[:at+1],
		"another alphabet":                raw[:at+1] + strings.Repeat("+", len(raw)-at-1),
		"a space before it":               " " + raw,
		"NUL behind it":                   raw + "\x00",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := f.ring.VerifySession(other)
			mustRefuse(t, other, err, "")
		})
	}
}

func TestTrailingBitsOfThePayloadAreNotFree(t *testing.T) {
	f := newForger(t)
	payload := goodPayload()
	for len(payload)%3 != 1 {
		payload += " "
	}
	p := b64(payload)
	last := strings.IndexByte(alphabet, p[len(p)-1])
	input := b64(f.header()) + "." + p[:len(p)-1] + string(alphabet[last|1])
	raw := input + "." + b64(string(signES256(f.key, input)))
	_, err := f.ring.VerifySession(raw)
	mustRefuse(t, raw, err, "claims: not canonical base64url")
}

// A verifier that splits first does work in proportion to the dots.
func TestAHugeTokenIsRefusedBeforeItIsSplit_CVE_2025_30204(t *testing.T) {
	f := newForger(t)
	filler := func(n int) string { return f.sign(f.header(), with(`"J"`, `"`+strings.Repeat("J", n)+`"`)) }
	n := 1
	for len(filler(n)) < token.MaxToken-2 {
		n += max(1, (token.MaxToken-2-len(filler(n)))/2)
	}
	if _, err := f.ring.VerifySession(filler(n)); err != nil {
		t.Errorf("%d bytes: %v", len(filler(n)), err)
	}
	for _, raw := range []string{filler(n + 4), strings.Repeat(".", 1<<20), strings.Repeat("A", token.MaxToken+1)} {
		_, err := f.ring.VerifySession(raw)
		mustRefuse(t, raw, err, "longer than 8192 bytes")
		if allocs := testing.AllocsPerRun(10, func() { _, _ = f.ring.VerifySession(raw) }); allocs > 20 {
			t.Errorf("%d bytes cost %v allocations", len(raw), allocs)
		}
	}
}

func TestATokenHasThreeSegments(t *testing.T) {
	f := newForger(t)
	good := f.sign(f.header(), goodPayload())
	p := strings.Split(good, ".")
	for _, raw := range []string{
		"", ".", "..", "...", p[0], p[0] + "." + p[1], good + ".", "." + good, good + "." + p[2], p[0] + ".." + p[2], "." + p[1] + "." + p[2],
	} {
		_, err := f.ring.VerifySession(raw)
		mustRefuse(t, raw, err, "segment")
	}
}

func TestAnAssertionIsNoSessionToken(t *testing.T) {
	f := newForger(t)
	raw, err := f.ring.MintAssertion(someAssertion())
	if err != nil {
		t.Fatal(err)
	}
	_, err = f.ring.VerifySession(raw)
	mustRefuse(t, raw, err, "typ is not session+jwt")

	// Neither does a session token with another typ pass, nor one with another aud.
	for _, typ := range []string{"identity+jwt", "JWT", "at+jwt", "logout+jwt", "SESSION+JWT", "application/session+jwt", ""} {
		raw = f.sign(strings.Replace(f.header(), "session+jwt", typ, 1), goodPayload())
		_, err = f.ring.VerifySession(raw)
		mustRefuse(t, raw, err, "typ is")
	}
	raw = f.sign(f.header(), string(unb64(t, strings.Split(mustAssert(t, f.ring, someAssertion()), ".")[1])))
	_, err = f.ring.VerifySession(raw)
	mustRefuse(t, raw, err, "")
}

func TestASessionTokenIsNoAssertion(t *testing.T) {
	f := newForger(t)
	raw := mustMint(t, f.ring, 7, time.Hour)
	_, err := f.ring.VerifyAssertion(raw, token.SessionAudience)
	mustRefuse(t, raw, err, "typ is not identity+jwt")
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
