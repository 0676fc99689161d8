package caddymodule

import (
	"bytes"
	"os"
	"runtime/debug"
	"testing"
)

func TestTheCommitThatABinaryIsBuiltOf(t *testing.T) {
	stamped := func(module string, settings ...debug.BuildSetting) *debug.BuildInfo {
		return &debug.BuildInfo{Main: debug.Module{Path: module}, Settings: settings}
	}
	commit := debug.BuildSetting{Key: "vcs.revision", Value: "c0ffee"}
	for _, c := range []struct {
		name, linked string
		info         *debug.BuildInfo
		want         string
	}{
		{"is the one that was linked in", "beef+modified", stamped("example.com/sidegate", commit), "beef+modified"},
		{"is that of the stamp", "", stamped("example.com/sidegate", commit, debug.BuildSetting{Key: "vcs.modified", Value: "false"}), "c0ffee"},
		{"is said to be changed where it was", "", stamped("example.com/sidegate", commit, debug.BuildSetting{Key: "vcs.modified", Value: "true"}), "c0ffee+modified"},
		{"is not that of somebody else's repository", "", stamped("example.org/gateway", commit), "unknown"},
		{"is unknown without a stamp", "", stamped("example.com/sidegate"), "unknown"},
		{"is unknown without any information", "", nil, "unknown"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := commitOf(c.linked, c.info); got != c.want {
				t.Errorf("it is %q; want %q", got, c.want)
			}
		})
	}
}

// The linker says nothing of a variable that is not there.
func TestTheBuildLinksTheCommitIn(t *testing.T) {
	script, err := os.ReadFile("../xcaddy.sh")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(script, []byte("-X $module/caddymodule.revision=")) || revision != "" {
		t.Errorf("xcaddy.sh does not link the variable `revision`, which is %q here", revision)
	}
}
