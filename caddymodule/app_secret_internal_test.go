package caddymodule

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// inFile writes a file and returns its name.
func inFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "value")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// An editor that puts a byte order mark before a secret must not make it another
// one than its text; what a gateway sealed that took the mark for a part of it
// stays good.
func TestAByteOrderMarkIsNoPartOfASecret(t *testing.T) {
	text := strings.Repeat("s", 40)
	o := SecretOptions{Secrets: []string{"{file." + inFile(t, byteOrderMark+text+"\n") + "}", "{file." + inFile(t, strings.Repeat("f", 40)) + "}"}}
	if err := o.read(); err != nil {
		t.Fatal(err)
	}
	if want := []string{text, strings.Repeat("f", 40), byteOrderMark + text}; !slices.Equal(o.secrets, want) {
		t.Errorf("read as %q", o.secrets)
	}
}

// Who forgets {file.*} has a secret that everybody knows who sees the Caddyfile.
func TestASecretThatIsTheNameOfAFileIsWarnedAbout(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	file := inFile(t, "x")
	o := SecretOptions{Secrets: []string{strings.Repeat("s", 40), file, "{file." + file + "}", t.TempDir()}}
	o.warnOfNames(zap.New(core))
	if told := logs.All(); len(told) != 1 || told[0].ContextMap()["number"] != int64(2) ||
		!strings.Contains(told[0].ContextMap()["remedy"].(string), "{file."+file+"}") {
		t.Errorf("told: %v", told)
	}
}

// The secret and the sessions lie in one folder: whoever is told of the one alone
// meets the other next.
func TestWhereNothingCanBeKeptOneIsToldOfTheSecretAndTheSessions(t *testing.T) {
	o := SecretOptions{storage: &certmagic.FileStorage{Path: "/dev/null/caddy"}}
	_, err := o.ringSecrets(t.Context())
	if err == nil {
		t.Fatal("a secret was kept where nothing can be")
	}
	for _, word := range []string{"chown", "XDG_DATA_HOME", "`secret {env.SIDEGATE_SECRET}`", "`store embedded "} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("no word of %s in: %v", word, err)
		}
	}
	if isOfFolder(errNoSharedSecret) || !isOfFolder(fs.ErrPermission) {
		t.Error("an error of a folder is not told from others")
	}
}
