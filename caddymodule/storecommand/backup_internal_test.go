package storecommand

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Whoever has made the folder may put in a secret and a file of their own, which whoever
// restores would take.
func TestAFolderOfSomebodyElseIsNoPlaceForABackup(t *testing.T) {
	own := os.Geteuid()
	in := t.TempDir()
	theirs := filepath.Join(in, "theirs")
	if err := os.Mkdir(theirs, 0o755); err != nil {
		t.Fatal(err)
	}
	_, err := newFolder(theirs, own+1)
	if err == nil || !strings.Contains(err.Error(), "name a folder that does not exist yet, and it is made") || !strings.Contains(err.Error(), "chown") {
		t.Errorf("told: %v", err)
	}
	if is, err := os.Stat(theirs); err != nil || is.Mode().Perm() != 0o755 {
		t.Errorf("its mode was changed: %v, %v", is.Mode(), err)
	}
	link := filepath.Join(in, "link")
	if err := os.Symlink(theirs, link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{link, link + "/", link + "/."} {
		if _, err := newFolder(path, own+1); err == nil {
			t.Errorf("a link of somebody else is taken: %s", path)
		}
	}
	// What is made here is ours, whatever number a disk of the network gives it.
	if made, err := newFolder(filepath.Join(in, "new", "monday"), own+1); !made || err != nil {
		t.Errorf("a new one: %v, %v", made, err)
	}
	if made, err := newFolder(theirs, own); made || err != nil {
		t.Errorf("an empty one of one's own: %v, %v", made, err)
	}
	if is, err := os.Stat(theirs); err != nil || is.Mode().Perm() != 0o700 {
		t.Errorf("others may read it: %v, %v", is.Mode(), err)
	}
	if err := os.WriteFile(filepath.Join(theirs, "x"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(theirs, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := newFolder(theirs, own); err == nil || !strings.Contains(err.Error(), "is not empty") {
		t.Errorf("one with something in it: %v", err)
	}
	if is, err := os.Stat(theirs); err != nil || is.Mode().Perm() != 0o755 {
		t.Errorf("the mode of one that is refused was changed: %v, %v", is.Mode(), err)
	}
}
