package token

import (
	"crypto/ed25519"
	"crypto/rsa"
	"math/big"
	"testing"
)

// The examples of the RFCs: RSA from RFC 7638 section 3.1, Ed25519 from RFC
// 8037 appendix A.3.
func TestThumbprintsAreThoseOfTheRFCs(t *testing.T) {
	const n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMs" +
		"tn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n9" +
		"1CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw"
	for _, c := range []struct {
		name   string
		public any
		want   string
	}{
		{"RSA", &rsa.PublicKey{N: new(big.Int).SetBytes(decode(t, n)), E: 65537}, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"},
		{"Ed25519", ed25519.PublicKey(decode(t, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo")), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
	} {
		t.Run(c.name, func(t *testing.T) {
			j, err := publicJWK(c.public, "any")
			if err != nil || j.ID != c.want {
				t.Fatalf("got %s, %v; want %s", j.ID, err, c.want)
			}
		})
	}
}

func TestAKeyOfAnUnknownKindIsNotPublished(t *testing.T) {
	if j, err := publicJWK("a string", "any"); err == nil {
		t.Fatalf("got %+v", j)
	}
}

func decode(t *testing.T, s string) []byte {
	t.Helper()
	b, err := encoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
