package pathrule

import "strings"

// moves are what becomes of a path where its root is another for the app than
// for the gateway: a prefix was taken off on the way (handle_path /app/*), or one
// was put before it. What they make is told in the gateway's words.
var moves = []func(string) string{clamped, reentered, withoutHost}

// clamped drops a dot segment that leads to the app's root, and stays there: of
// /app/../admin the app gets /../admin.
func clamped(path string) string {
	before, after, found := cutUp(path)
	if !found {
		return path
	}
	return before + after
}

// reentered drops one with the segment that follows: it leads out of what was
// put before the path, and that one back into it.
func reentered(path string) string {
	before, after, found := cutUp(path)
	if !found {
		return path
	}
	for strings.HasPrefix(after, "/../") {
		before, after = before+"/..", after[len("/.."):]
	}
	if next := strings.IndexByte(strings.TrimPrefix(after, "/"), '/'); next >= 0 {
		return before + after[next+1:]
	}
	return before + "/"
}

// cutUp cuts a path at its first segment of two dots; what is after it begins
// with a slash.
func cutUp(path string) (before, after string, found bool) {
	const up = "/.."
	for at := 0; ; at += len(up) {
		i := strings.Index(path[at:], up)
		if i < 0 {
			return path, "", false
		}
		at += i
		switch after = path[at+len(up):]; {
		case after == "":
			return path[:at], "/", true
		case after[0] == '/':
			return path[:at], after, true
		}
	}
}

// withoutHost takes what follows the first // for a host, where the path begins
// with it for the app: of /app//x/admin it gets //x/admin.
func withoutHost(path string) string {
	if i := strings.Index(path, "//"); i > 0 {
		return path[:i] + withoutAuthority(path[i:])
	}
	return path
}
