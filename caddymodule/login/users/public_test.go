package users_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"

	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/users"
)

// TestNoShippedHashSignsInFromElsewhere: whoever can read the repository knows
// the password of every hash in it that an example uses.
func TestNoShippedHashSignsInFromElsewhere(t *testing.T) {
	hashes := shippedHashes(t)
	if len(hashes) < 3 {
		t.Fatalf("only %d hashes were found", len(hashes))
	}
	for file, hash := range hashes {
		t.Run(file, func(t *testing.T) {
			m := users.New("users", fixed{parse(t, list("id: 1, email: ada@example.com, password: '"+hash+"'"))}, nil)
			right := true
			m.SetCompare(func(string, string) (bool, error) { return right, nil })
			signIn := func(here bool) error {
				_, err := m.SignIn(t.Context(), login.Typed{Name: "ada@example.com", Password: "sidegate-demo", OnThisMachine: here})
				return err
			}
			if err := signIn(false); !errors.Is(err, login.ErrPublic) || !errors.Is(err, login.ErrRefused) {
				t.Errorf("from elsewhere: %v", err)
			}
			if err := signIn(true); err != nil {
				t.Errorf("on this machine: %v", err)
			}
			right = false
			if err := signIn(false); !errors.Is(err, login.ErrRefused) || errors.Is(err, login.ErrPublic) {
				t.Errorf("a wrong password: %v", err)
			}
		})
	}
}

// A hash that nobody else has is good wherever its person is.
func TestAHashOfOnesOwnSignsInFromAnywhere(t *testing.T) {
	m := users.New("users", fixed{parse(t, list("id: 1, email: ada@example.com, password: '"+adaArgon+"'"))}, nil)
	if _, err := m.SignIn(t.Context(), login.Typed{Name: "ada@example.com", Password: adaPassword}); err != nil {
		t.Error(err)
	}
}

// shippedHashes are all in files that are no Go code, by file and place.
func shippedHashes(t *testing.T) map[string]string {
	t.Helper()
	hash := regexp.MustCompile(`\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+|\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}`)
	read := []string{".yaml", ".yml", ".md", ".json", ".sh", ".env", ".toml", ".Caddyfile"}
	found := make(map[string]string)
	root := os.DirFS("../../..")
	err := fs.WalkDir(root, ".", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == ".git" || entry.Name() == "testdata"):
			return fs.SkipDir
		case !slices.Contains(read, filepath.Ext(path)) || path == "users.yaml": // the latter is a developer's own
			return nil
		}
		text, err := fs.ReadFile(root, path)
		for _, h := range hash.FindAllString(string(text[:min(len(text), 1<<20)]), -1) {
			found[path+" "+h[len(h)-6:]] = h
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
