package users_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"example.com/sidegate/caddymodule/login/users"
)

// The command stands in errors and examples, so it must do what it says, in any
// folder.
func TestTheCommandForAUsersFileMakesOne(t *testing.T) {
	for _, name := range []string{"users.yaml", "the people's file.yaml", "$(false).yaml", "no folder/of that name/users.yaml"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			// In the place of the binary, which is not built here.
			script := "#!/bin/sh\n[ \"$*\" = 'hash-password --algorithm argon2id' ] && echo '" + adaArgon + "'\n"
			if err := os.WriteFile(filepath.Join(dir, "caddy"), []byte(script), 0o700); err != nil {
				t.Fatal(err)
			}
			t.Chdir(dir)
			shell := exec.Command("sh", "-c", users.CommandFor(name))
			if out, err := shell.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			f, err := users.OpenFile(filepath.Join(dir, name), nil)
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := f.People().ByName("you@example.com"); !ok || f.People().Len() != 1 {
				t.Errorf("%d people", f.People().Len())
			}
		})
	}
}
