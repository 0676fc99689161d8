package ownfile

import (
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
		{"among mounted secrets", t.TempDir(), "/run/secrets/secret", "outside of the container, where /run/secrets/secret is mounted from"},
	} {
		t.Run(test.name, func(t *testing.T) {
			shell = test.shell
			if says := MadeBy("random", test.path); !strings.Contains(says, test.says) {
				t.Errorf("it says %q; want %q", says, test.says)
			}
		})
	}
}
