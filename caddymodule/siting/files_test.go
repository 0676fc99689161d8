package siting_test

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy/fastcgi"

	"example.com/sidegate/caddymodule/siting"
)

var _ = fastcgi.Transport{} // php_fastcgi stands in sites below

// php_fastcgi answers all requests but those for files that are there.
func TestWhatStandsBehindPHP(t *testing.T) {
	const php, alone = "php_fastcgi unix//run/php.sock", "session_auth is asked of files that are there alone, for php_fastcgi before it"
	for _, c := range []struct{ name, routes, refused, warned string }{
		{"session_auth, and nothing", "route {\n" + php + "\nsession_auth\n}", alone, ""},
		{"session_auth, and files", "route {\n" + php + "\nsession_auth\nfile_server\n}", "", alone},
		{"session_auth on a path, and files", "route {\n" + php + "\nsession_auth /uploads/*\nfile_server\n}", "", ""},
		{"session_auth where PHP has all", "route {\n" + php + " {\ntry_files index.php\n}\nsession_auth\nfile_server\n}", "session_auth never runs, for reverse_proxy", ""},
		{"session_auth where PHP has what is there", "route {\n" + php + " {\ntry_files {path} {path}/index.php =404\n}\nsession_auth\nfile_server\n}", "", ""},
		{"session_auth where there may be no file", "@f file {path} /index.php\n@p path *.php\nroute {\nrewrite @f {http.matchers.file.relative}\nreverse_proxy @p app\nsession_auth\nfile_server\n}", "", ""},
		{"session_auth where PHP has no index", "route {\n" + php + " {\nindex off\n}\nsession_auth\nfile_server\n}", "", ""},
		{"session_auth where PHP has one path", "route {\nphp_fastcgi /blog/* unix//run/php.sock\nsession_auth\nfile_server\n}", "", ""},
		{"session_auth behind another", "route {\nsession_auth\n" + php + "\nsession_auth\nfile_server\n}", "", ""},
		{"session_auth in a handle, and files", "route {\n" + php + "\nhandle {\nsession_auth\nfile_server\n}\n}", "", alone},
		{"files, for session_auth comes first", php + "\nsession_auth\nfile_server", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, warned, err := look(t, at+"session_endpoints\nroot * /srv\n"+c.routes+"\n}", siting.Options{InFrontTLS: true})
			switch {
			case c.refused != "" && (err == nil || !strings.Contains(err.Error(), c.refused)), c.refused == "" && err != nil:
				t.Errorf("got  %v\nwant %s", err, c.refused)
			case !strings.Contains(strings.Join(warned, ""), c.warned), c.warned == "" && len(warned) > 0:
				t.Errorf("warned %q; want %s", warned, c.warned)
			}
		})
	}
}
