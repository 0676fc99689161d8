package ownfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Nobody can type a command in an image without a shell, nor write where secrets are
// mounted.
func TestHowAFileIsMadeHoldsWhereItIsNamed(t *testing.T) {
	has := shell
	t.Cleanup(func() { shell = has })
	for _, test := range []struct{ name, shell, path, says string }{
		{"beside a shell", t.TempDir(), "/etc/sidegate/secret", "make it: random > /etc/sidegate/secret"},
		{"by a name with a blank", t.TempDir(), "/etc/my secret", "make it: random > '/etc/my secret'"},
		{"without a shell", filepath.Join(t.TempDir(), "sh"), "/etc/sidegate/secret", "outside of the container, where /etc/sidegate/secret is mounted from"},
		{"in the Secret of a pod", t.TempDir(), "/run/secrets/sidegate/secret", `into the Secret that is mounted at /run/secrets/sidegate (kubectl patch secret sidegate -p "{\"data\":{\"secret\":\"$(base64 -w0 secret)\"}}" && kubectl rollout restart deployment sidegate): random`},
		{"one that compose.yaml names", t.TempDir(), "/run/secrets/sidegate_secret", "/run/secrets/sidegate_secret is mounted from (deploy/docker/secrets.sh does for compose.yaml): random"},
		{"among mounted secrets", t.TempDir(), "/run/secrets/secret", "outside of the container, where /run/secrets/secret is mounted from, or mend the name: random"},
	} {
		t.Run(test.name, func(t *testing.T) {
			shell = test.shell
			if says := MadeBy("random", test.path); !strings.Contains(says, test.says) {
				t.Errorf("it says %q; want %q", says, test.says)
			}
		})
	}
}

// Whoever starts a container before the file is there has a folder in its place.
func TestAFolderInThePlaceOfAFileIsToldWithTheStep(t *testing.T) {
	has := shell
	t.Cleanup(func() { shell = has })
	mount, dir, full := "a container's mount makes a folder", t.TempDir(), t.TempDir()
	must(t, os.WriteFile(filepath.Join(full, "a"), nil, 0o600))
	for _, test := range []struct {
		name, shell, path string
		mounts            bool
	}{
		{"an empty one", dir, dir, true},
		{"one with files in it", dir, full, false},
		{"one with files in it, without a shell", filepath.Join(full, "sh"), full, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			shell = test.shell
			n, err := NamedBy(test.path, test.path)
			must(t, err)
			if _, err = n.Read(); err == nil || !strings.Contains(err.Error(), test.path+": it is a folder: name a file in it") || strings.Contains(err.Error(), mount) != test.mounts {
				t.Errorf("told: %v", err)
			}
			n, err = NamedBy("{env.FILE}", test.path)
			must(t, err)
			if _, err = n.Read(); err == nil || strings.Contains(err.Error(), test.path) || !strings.Contains(err.Error(), "{env.FILE}: it is a folder: name a file in it") {
				t.Errorf("told: %v", err)
			}
		})
	}
}

// Whatever option names a file that is mounted is told where to make it.
func TestAFileThatIsMissingAmongMountedSecretsIsToldWithTheStep(t *testing.T) {
	for written, step := range map[string]bool{"/run/secrets/sidegate-none.pem": true, "{env.FILE}": false} {
		n, err := NamedBy(written, "/run/secrets/sidegate-none.pem")
		must(t, err)
		if _, err := n.Read(); err == nil || strings.Contains(err.Error(), "make the file outside of the container, where /run/secrets/sidegate-none.pem is mounted from") != step {
			t.Errorf("told: %v", err)
		}
	}
}
