package caddymodule

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
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

// A folder that is given to the user must be one that a chown makes theirs.
func TestTheHintForAFolderNamesItsOwnerAndACommandThatHelps(t *testing.T) {
	there := t.TempDir()
	for name, c := range map[string]struct {
		err    error
		folder string
		want   string
	}{
		"of another owner":       {fs.ErrPermission, there, "chown -R " + strconv.Itoa(os.Getuid()) + " " + there},
		"that is missing":        {fs.ErrPermission, there + "/none", "install -d -o " + strconv.Itoa(os.Getuid()) + " -m 700 " + there + "/none"},
		"on what is read-only":   {syscall.EROFS, there, "no chown"},
		"below what is a file":   {syscall.ENOTDIR, there, "no chown"},
		"whose error is a text":  {errors.New("creating lock file"), there, "chown -R"},
		"whose owner is a known": {fs.ErrPermission, there, "(of uid " + strconv.Itoa(os.Getuid())},
	} {
		if told := inFolder(c.err, c.folder); !strings.Contains(told, c.want) {
			t.Errorf("one %s is told by: %s; want %s", name, told, c.want)
		}
	}
}

// Without a HOME Caddy keeps its data below the working folder: whoever has put a
// secret there knows it, and could make up every session.
func TestASecretThatOthersMayHavePutIntoTheWorkingFolderIsRefused(t *testing.T) {
	t.Chdir(t.TempDir())
	o := SecretOptions{storage: &certmagic.FileStorage{Path: "./caddy"}}
	if _, err := o.ringSecrets(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod("caddy/sidegate/secret", 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := o.ringSecrets(t.Context()); err == nil || !strings.Contains(err.Error(), "lies in the working folder") {
		t.Errorf("told: %v", err)
	}
}

// The secret and the sessions lie in one folder: whoever is told of the one alone
// meets the other next.
func TestWhereNothingCanBeKeptOneIsToldOfTheSecretAndTheSessions(t *testing.T) {
	for name, c := range map[string]struct {
		data, storage string
		words         []string
	}{
		"the data folder": {"/dev/null", "/dev/null/caddy", []string{"/dev/null/caddy", "XDG_DATA_HOME", "`secret {env.SIDEGATE_SECRET}`", "`store embedded "}},
		"another storage": {t.TempDir(), "/dev/null/mine", []string{"/dev/null/mine", "`storage file_system ", "`secret {env.SIDEGATE_SECRET}`"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("XDG_DATA_HOME", c.data)
			o := SecretOptions{storage: &certmagic.FileStorage{Path: c.storage}}
			_, err := o.ringSecrets(t.Context())
			if err == nil {
				t.Fatal("a secret was kept where nothing can be")
			}
			if name == "the data folder" && strings.Contains(err.Error(), "chown") { // of what is a file
				t.Errorf("told: %v", err)
			}
			for _, word := range append(c.words, "uid ") {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("no word of %s in: %v", word, err)
				}
			}
		})
	}
	if isOfFolder(errNoSharedSecret) || !isOfFolder(fs.ErrPermission) {
		t.Error("an error of a folder is not told from others")
	}
}

// Whoever follows the advice for a secret that is configured signs everybody out.
func TestAKeptSecretThatIsNotWholeIsToldByItsFile(t *testing.T) {
	for _, text := range []string{"", " \n", "half a secret"} {
		o := SecretOptions{storage: &certmagic.FileStorage{Path: t.TempDir()}}
		if err := o.storage.Store(t.Context(), secretPath, []byte(text)); err != nil {
			t.Fatal(err)
		}
		made, _ := o.madeHere()
		_, err := o.ringSecrets(t.Context())
		if err == nil || !strings.Contains(err.Error(), made) || !strings.Contains(err.Error(), "the file secret of a backup") || strings.Contains(err.Error(), "half") {
			t.Errorf("%q is told as %v", text, err)
		}
	}
}
