//go:build !unix || aix

package starting

import "io/fs"

// mayWrite is nil: Caddy finds out.
func mayWrite(string) error { return nil }

// kept is false: Caddy finds out.
func kept(string, fs.FileInfo) bool { return false }
