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
	"slices"
	"strings"
	"testing"
)

// verifiers make a program of each verifier of the README, by the language of
// its block.
var verifiers = map[string]func(t *testing.T, snippet string) verifier{
	"go": goVerifier, "python": pythonVerifier, "js": nodeVerifier,
}

// verifier is a command that hands each of its arguments, assertions, to who()
// and prints a line for each: whose it is, or how who() refused it.
type verifier struct {
	command []string
	// refusal begins what it prints of an assertion that is refused.
	refusal string
}

// aMinuteLater is an argument that puts the program's clock forward, where the
// README's code looks at it.
const aMinuteLater = "a minute later"

// unknown begins what is printed of an assertion while there are no keys.
const unknown = "cannot tell: "

// taken is what is printed of the gateway's assertions.
const taken = "ada@example.com"

func (v verifier) takes(t *testing.T, assertion string) {
	t.Helper()
	if printed := v.run(t, assertion); len(printed) != 1 || printed[0] != taken {
		t.Errorf("it printed %q", printed)
	}
}

func (v verifier) refuses(t *testing.T, assertion string) {
	t.Helper()
	if printed := v.run(t, assertion); len(printed) != 1 || !strings.HasPrefix(printed[0], v.refusal) {
		t.Errorf("it printed %q; want %q", printed, v.refusal)
	}
}

// run hands the assertions to one process and returns the lines that it prints.
func (v verifier) run(t *testing.T, assertions ...string) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), v.command[0], slices.Concat(v.command[1:], assertions)...) // #nosec G204 -- made by this test
	cmd.Env = append(os.Environ(), "NO_PROXY=*", "no_proxy=*")
	var trouble strings.Builder
	cmd.Stderr = &trouble
	printed, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v, and it printed\n%s%s", err, printed, &trouble)
	}
	return strings.Split(strings.TrimSpace(string(printed)), "\n")
}

const goProgram = `package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/coreos/go-oidc/v3/oidc"
)

%
func main() {
	for _, assertion := range os.Args[1:] {
		if assertion == "a minute later" {
			continue
		}
		if person, err := who(context.Background(), assertion); errors.Is(err, errNoKeys) {
			fmt.Printf("cannot tell: %q\n", err)
		} else if err != nil {
			fmt.Printf("refused: %q\n", err)
		} else {
			fmt.Println(person.Email)
		}
	}
}
`

const pythonProgram = `
import sys
for assertion in sys.argv[1:]:
    if assertion != "a minute later":
        try:
            print(who(assertion)["email"])
        except jwt.PyJWTError as e:
            print("refused:", repr(e))
        except NoKeys as e:
            print("cannot tell:", repr(e))
`

const nodeProgram = `
for (const assertion of process.argv.slice(2)) {
  if (assertion === "a minute later") {
    const now = Date.now;
    Date.now = () => now() + 60_001;
  } else console.log(await who(assertion).then((person) => person.email, (e) => (e instanceof NoKeys ? "cannot tell: " : "refused: ") + e.message));
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
	return verifier{[]string{binary}, "refused: "}
}

func pythonVerifier(t *testing.T, snippet string) verifier {
	t.Helper()
	file := write(t, "who.py", []byte(snippet+pythonProgram))
	// The one that packages are installed for need not be the first on PATH.
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if exec.CommandContext(t.Context(), python, "-c", "import jwt, cryptography").Run() == nil { // #nosec G204 -- one of the two
			return verifier{[]string{python, file}, "refused: "}
		}
	}
	t.Fatal("there is no Python with PyJWT and cryptography: run ./xcaddy.sh test, which installs it")
	return verifier{}
}

func nodeVerifier(t *testing.T, snippet string) verifier {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Fatal("there is no node: run ./xcaddy.sh test, which installs it")
	}
	return verifier{[]string{"node", write(t, "who.mjs", []byte(snippet+nodeProgram))}, "refused: not an assertion for this app"}
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
