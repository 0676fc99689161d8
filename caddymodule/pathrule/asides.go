package pathrule

import (
	"slices"
	"strings"
)

// asides are what some frameworks leave out of a path. What is made of these
// has demands made, and closes nothing: a wiki whose pages are all open below
// /index.php/ stays so.
var asides = []func(string) string{withoutScripts, behindScript, withoutCookies}

// withoutScripts drops the names of scripts that the rest of the path is handed
// to (CGI's PATH_INFO): /index.php/admin is /admin to most of what is written in
// PHP.
func withoutScripts(path string) string {
	return drop(path, ".", isScript)
}

// behindScript is the rest alone: a script may lie in a folder that is not seen in
// the paths by which it is asked (/web/index.php/admin).
func behindScript(path string) string {
	for i := 1; i < len(path); i++ {
		if path[i] == '/' && isScript(path[:i]) {
			return path[i:]
		}
	}
	return path
}

// withoutCookies drops a session that stands in the path: /(S(x))/admin is /admin
// to ASP.NET.
func withoutCookies(path string) string {
	return drop(path, "/(", func(segment string) bool {
		return len(segment) > 4 && segment[0] == '(' && segment[2] == '(' && strings.HasSuffix(segment, "))")
	})
}

// drop leaves segments out but for the last, in a path that has the mark.
func drop(path, mark string, which func(string) bool) string {
	if !strings.Contains(path, mark) {
		return path
	}
	segments := strings.Split(path, "/")
	last := len(segments) - 1
	kept := slices.DeleteFunc(slices.Clone(segments[:last]), which)
	return strings.Join(append(kept, segments[last]), "/")
}

// scripts are the ends of the names of what is run for all paths below it.
var scripts = []string{".php", ".php5", ".php7", ".php8", ".phtml", ".cgi", ".fcgi", ".pl", ".py", ".asp", ".aspx", ".ashx", ".asmx", ".svc", ".jsp", ".cfm"}

// isScript reports whether the path ends in the name of a script.
func isScript(path string) bool {
	dot := strings.LastIndexByte(path[max(0, len(path)-len(".php5")):], '.')
	if dot < 0 {
		return false
	}
	end := path[max(0, len(path)-len(".php5"))+dot:]
	return slices.ContainsFunc(scripts, func(script string) bool { return strings.EqualFold(end, script) })
}
