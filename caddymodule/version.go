package caddymodule

import (
	"runtime/debug"
	"sync"

	"github.com/caddyserver/caddy/v2"
)

// Version is that of Sidegate: a release, or the coming one with "-dev" behind
// it. CHANGELOG.md says the same, and xcaddy.sh reads it off this line.
const Version = "v0.1.0-dev"

// revision is the commit that the linker was told of, by xcaddy.sh. Empty where
// others build.
var revision string

func init() {
	// Caddy puts it before its own version. Whoever builds may have named theirs.
	if caddy.CustomVersion == "" {
		caddy.CustomVersion = "sidegate " + Version
	}
}

// builtOf is the commit that this binary is built of.
var builtOf = sync.OnceValue(func() string {
	info, _ := debug.ReadBuildInfo()
	return commitOf(revision, info)
})

// commitOf is the commit that was linked in, or the go command's stamp, which
// tells of the main module: of somebody else's, where ours is a dependency.
func commitOf(linked string, info *debug.BuildInfo) string {
	if linked != "" {
		return linked
	}
	if info == nil || info.Main.Path != "example.com/sidegate" {
		return "unknown"
	}
	stamp := make(map[string]string)
	for _, s := range info.Settings {
		stamp[s.Key] = s.Value
	}
	switch commit := stamp["vcs.revision"]; {
	case commit == "":
		return "unknown"
	case stamp["vcs.modified"] == "true":
		return commit + "+modified"
	default:
		return commit
	}
}
