package demo_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// verifiers make a program of each verifier of the README, by the language of
// its block.
var verifiers = map[string]func(t *testing.T, snippet string) verifier{
	"go": goVerifier, "python": pythonVerifier, "js": nodeVerifier,
}

// verifier is a command that hands its last argument, an assertion, to who()
// and prints whose it is.
type verifier []string

func (v verifier) takes(t *testing.T, assertion string) {
	t.Helper()
	if printed, err := v.run(t, assertion); err != nil || printed != "ada@example.com" {
		t.Errorf("%v, and it printed:\n%s", err, printed)
	}
}

func (v verifier) refuses(t *testing.T, assertion string) {
	t.Helper()
	if printed, err := v.run(t, assertion); err == nil {
		t.Errorf("it was taken for that of %s", printed)
	}
}

func (v verifier) run(t *testing.T, assertion string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), v[0], append(v[1:len(v):len(v)], assertion)...) // #nosec G204 -- made by this test
	cmd.Env = append(os.Environ(), "NO_PROXY=*", "no_proxy=*")
	printed, err := cmd.CombinedOutput()
	return strings.TrimSpace(string(printed)), err
}

const goProgram = `package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
)

%
func main() {
	person, err := who(context.Background(), os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(person.Email)
}
`

func goVerifier(t *testing.T, snippet string) verifier {
	t.Helper()
	source := write(t, "main.go", []byte(strings.Replace(goProgram, "%", snippet, 1)))
	binary := filepath.Join(t.TempDir(), "who")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", binary, source) // #nosec G204 -- made by this test
	if printed, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, printed)
	}
	return verifier{binary}
}

func pythonVerifier(t *testing.T, snippet string) verifier {
	t.Helper()
	file := write(t, "who.py", []byte(snippet+"\nimport sys\nprint(who(sys.argv[1])[\"email\"])\n"))
	// The one that packages are installed for need not be the first on PATH.
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), python, "-c", "import jwt, cryptography").Run() == nil { // #nosec G204 -- one of the two
			return verifier{python, file}
		}
	}
	t.Fatal("there is no Python with PyJWT and cryptography: run ./xcaddy.sh test, which installs it")
	return nil
}

func nodeVerifier(t *testing.T, snippet string) verifier {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Fatal("there is no node: run ./xcaddy.sh test, which installs it")
	}
	return verifier{"node", write(t, "who.mjs", []byte(snippet+"\nconsole.log((await who(process.argv[2])).email);\n"))}
}

func newKey(t *testing.T) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// writeKey writes the key as signing_key reads it, and returns its file.
func writeKey(t *testing.T, key *ecdsa.PrivateKey) string {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return write(t, "key.pem", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func publicPEM(t *testing.T, key *ecdsa.PrivateKey) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func write(t *testing.T, name string, content []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
