package apps_test

import (
	"encoding/xml"
	"fmt"
	"net/http"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// python is the system's: modules are installed for that one.
const python = "/usr/bin/python3"

// radicale keeps calendars. It names people by a header of its own, and a folder
// is named after each.
var radicale = app{
	name: "Radicale",
	start: func(t *testing.T, dir string) string {
		program, config := debian(t, "radicale"), filepath.Join(dir, "radicale.conf")
		address := listens(t, func(port int) *exec.Cmd {
			gatewaytest.WriteFile(t, config, fmt.Sprintf(`[server]
hosts = 127.0.0.1:%d
[auth]
type = http_x_remote_user
[rights]
type = owner_only
[storage]
filesystem_folder = %s
[web]
type = none
`, port, filepath.Join(dir, "collections")))
			return exec.Command(program, "-C", config) // #nosec G204 -- of this test
		})
		return "reverse_proxy " + address
	},
	auth:   "headers x-remote-user\nuser_header username",
	forged: []string{"X-Remote-User", "Remote-User"},
	who: func(b *gatewaytest.Browser, header ...string) string {
		a := b.Do("PROPFIND", "/", `<propfind xmlns="DAV:"><prop><current-user-principal/></prop></propfind>`, append(header, "Depth", "0")...)
		if a.StatusCode == http.StatusForbidden && strings.Contains(a.Body, "Access to the requested resource forbidden.") {
			return "" // it is Radicale's word
		}
		var answer struct {
			Principal string `xml:"response>propstat>prop>current-user-principal>href"`
		}
		if err := xml.Unmarshal([]byte(a.Want(b.T, http.StatusMultiStatus).Body), &answer); err != nil {
			b.T.Fatalf("%v in %s", err, a.Body)
		}
		name, err := url.PathUnescape(strings.Trim(answer.Principal, "/"))
		if err != nil {
			b.T.Fatal(err)
		}
		return name
	},
	ada: "ada", jürgen: misread("jürgen"),
	more: func(t *testing.T, with standing) {
		t.Run("a calendar is its owner's", func(t *testing.T) {
			with.ada.At(t, with.ada.Server).Do("MKCALENDAR", "/ada/errands/", "").Want(t, http.StatusCreated)
			for who, b := range map[string]*gatewaytest.Browser{"somebody else": with.jürgen, "nobody": with.nobody} {
				if a := b.At(t, b.Server).Do("PROPFIND", "/ada/errands/", "", "X-Remote-User", "ada"); a.StatusCode != http.StatusForbidden {
					t.Errorf("%s gets %s", who, a.Status)
				}
			}
			with.ada.At(t, with.ada.Server).Do("PROPFIND", "/ada/errands/", "").Want(t, http.StatusMultiStatus)
		})
		t.Run("somebody whose name is beyond ASCII has a folder as well", func(t *testing.T) {
			own := "/" + url.PathEscape(misread("jürgen")) + "/calendar/"
			with.jürgen.At(t, with.jürgen.Server).Do("MKCALENDAR", own, "").Want(t, http.StatusCreated)
		})
	},
}

// django is whoami.py, which stands here to be copied.
var django = app{
	name: "Django",
	start: func(t *testing.T, dir string) string {
		address := listens(t, func(port int) *exec.Cmd {
			cmd := exec.Command(python, "whoami.py", fmt.Sprint(port)) // #nosec G204 -- of this test
			cmd.Env = append(cmd.Environ(), "DATABASE="+filepath.Join(dir, "db.sqlite3"))
			return cmd
		})
		return "reverse_proxy " + address
	},
	auth:   "headers remote-user",
	forged: []string{"Remote-User", "Remote-Groups"},
	who:    func(b *gatewaytest.Browser, header ...string) string { return djangoKnows(b, header...).User },
	ada:    gatewaytest.Ada, jürgen: jürgen,
	more: func(t *testing.T, with standing) {
		t.Run("the groups are the roles, and a comma in one makes no further group", func(t *testing.T) {
			got := djangoKnows(with.ada.At(t, with.ada.Server), "Remote-Groups", "root")
			if want := "Größe,admin,editor,night%2Cshift"; strings.Join(got.Groups, ",") != want || got.Email != gatewaytest.Ada {
				t.Errorf("got %+v; want %s", got, want)
			}
		})
	},
}

// knows is what whoami.py answers.
type knows struct {
	User, Email string
	Groups      []string
}

func djangoKnows(b *gatewaytest.Browser, header ...string) (answer knows) {
	b.Do(http.MethodGet, "/", "", header...).Want(b.T, http.StatusOK).Decode(b.T, &answer)
	return answer
}
