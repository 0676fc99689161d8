package caddymodule_test

import (
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// withNames is a site whose roles admin, editor, lead and team-a permit something,
// and where somebody of the users file has the role and the permission.
func withNames(t *testing.T, role, permission, options, routes string) gatewaytest.Site {
	t.Helper()
	dir := t.TempDir()
	people := strings.Replace(gatewaytest.UsersFile, "roles: [admin]", "roles: [admin, "+role+"]", 1)
	people = strings.Replace(people, "[reports:run]", "[reports:run, '"+permission+"']", 1)
	gatewaytest.WriteFile(t, dir+"/users.yaml", people)
	return gatewaytest.Site{
		Dir: dir, Options: "role lead {\npermissions reports:run docs:read a:see\n}\nrole team-a\nrole team1\nrole app-admin\n" + options,
		Routes: "session_endpoints\n" + routes + "\nrespond OK",
	}
}

func inDemands(line string) string { return "session_auth {\n" + line + "\n}" }

// A name that nothing declares is a name all the same, and is refused only where it
// is nearly another one and nobody has it.
func TestNamesThatAreNearlyDeclaredOnesAreRefused(t *testing.T) {
	const mapped = "login oidc sso {\nissuer https://sso.example.com\nclient_id a\nclient_secret b\nmap {\nMAPPED `token.groups`\n}\n}"
	for _, c := range []struct{ name, role, permission, options, routes, want string }{
		{"a role that nothing is near", "x1", "y1", "", inDemands("role visitor"), ""},
		{"a role in another case", "x1", "y1", "", inDemands("role Admin"), "role: there is no role Admin: did you mean `admin`?"},
		{"a role with another letter", "x1", "y1", "", inDemands("role admjn"), "role: there is no role admjn: did you mean `admin`?"},
		{"a role of the users file in another case", "Lead", "y1", "", "session_auth", "there is no role Lead: did you mean `lead`?"},
		{"a role that comes with one, in another case", "x1", "y1", "role boss {\nincludes Lead\n}", "session_auth", "role boss: includes: there is no role Lead: did you mean `lead`?"},
		{"a role with another letter, in a rule by path", "x1", "y1", "", inDemands("path /x/* {\nrole admjn\n}"), "path /x/*: role: there is no role admjn: did you mean `admin`?"},
		{"a role with another letter, of the matcher", "x1", "y1", "", "@a session role admjn\nsession_auth @a", "matcher session: role: there is no role admjn: did you mean `admin`?"},
		{"a role with another letter that somebody has", "read", "y1", "", inDemands("role read"), ""},
		{"a role with another letter that nobody has", "x1", "y1", "", inDemands("role read"), "role: there is no role read: did you mean `lead`?"},
		{"a role with another letter that comes with one", "x1", "y1", "role boss {\nincludes read\n}", inDemands("role read"), ""},
		{"a role with another letter that is declared, too", "x1", "y1", "role read", inDemands("role read"), ""},
		{"a role with another letter, where a provider gives roles", "x1", "y1", strings.Replace(mapped, "MAPPED", "roles", 1), inDemands("role read\npermission report:run"), "permission: there is no permission report:run"},
		{"roles that a letter by itself tells apart", "x1", "y1", "", inDemands("role team-b"), ""},
		{"roles that a digit tells apart", "x1", "y1", "", inDemands("role team2"), ""},

		{"a permission by a slip", "x1", "y1", "", inDemands("permission report:run"), "permission: there is no permission report:run: did you mean `reports:run`?"},
		{"a permission with another letter", "x1", "y1", "", inDemands("permission docs:reed"), "permission: there is no permission docs:reed: did you mean `docs:read`?"},
		{"a permission by a slip, in a rule by path", "x1", "y1", "", inDemands("path /x/* {\npermission report:run\n}"), "path /x/*: permission: there is no permission report:run"},
		{"a permission by a slip, of the matcher", "x1", "y1", "", "@a session permission report:run\nsession_auth @a", "matcher session: permission: there is no permission report:run"},
		{"a permission by a slip that somebody has", "x1", "report:run", "", inDemands("permission report:run"), ""},
		{"a permission by a slip, where a provider gives permissions", "x1", "y1", strings.Replace(mapped, "MAPPED", "permissions", 1), inDemands("permission report:run"), ""},
		{"permissions that a letter by itself tells apart", "x1", "y1", "", inDemands("permission b:see"), ""},

		{"a role of headers by a slip", "x1", "y1", "", inDemands("header_roles admn"), "header_roles: there is no role admn: did you mean `admin`?"},
		{"roles of headers that begin by a slip", "x1", "y1", "", inDemands("header_roles ap-*"), "header_roles: there is no role that begins ap-: did you mean `app-*`?"},
		{"roles of headers that begin with another letter", "x1", "y1", "", inDemands("header_roles apb-*"), "header_roles: there is no role that begins apb-: did you mean `app-*`?"},
		{"roles of headers that begin as one that somebody has", "ap-viewer", "y1", "", inDemands("header_roles ap-*"), ""},
		{"roles of headers that begin as a declared one", "x1", "y1", "", inDemands("header_roles app-*"), ""},
		{"roles of headers that begin with a declared one", "x1", "y1", "", inDemands("header_roles lead-*"), ""},
		{"roles of headers that nothing is near", "x1", "y1", "", inDemands("header_roles unit-*"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			site := withNames(t, c.role, c.permission, c.options, c.routes)
			if c.want != "" {
				wantRefused(t, site, c.want)
				return
			}
			_, config := adapted(t, site)
			if err := validate(t, config); err != nil {
				t.Error(err)
			}
		})
	}
}

// A users file that is named by a placeholder is looked at when it is loaded.
func TestNamesAreComparedWithAUsersFileThatIsReadLater(t *testing.T) {
	for role, want := range map[string]string{"read": "", "x1": "there is no role read: did you mean `lead`?"} {
		site := withNames(t, role, "y1", "", inDemands("role read"))
		t.Setenv("SIDEGATE_TEST_USERS", site.Dir+"/users.yaml")
		site.Bare, site.Options = true, "login users {env.SIDEGATE_TEST_USERS}\n"+site.Options
		_, config := adapted(t, site)
		if want != "" {
			wantInvalid(t, config, want)
		} else if err := validate(t, config); err != nil {
			t.Error(err)
		}
	}
}

// Nobody may have the right name yet: it is no mistake, and said all the same.
func TestADemandThatNobodyMeetsIsWarnedAbout(t *testing.T) {
	const provider = "login oidc sso {\nissuer https://sso.example.com\nclient_id a\nclient_secret b\nmap {\nroles `token.groups`\n}\n}"
	for _, c := range []struct {
		name, options, routes string
		demand                string // none: no warning
	}{
		{"a role that nobody has", "", inDemands("role accountant"), "role accountant"},
		{"a role that nobody has, by path", "", inDemands("path /x/* {\nrole accountant\n}"), "role accountant"},
		{"a permission that nobody has", "", inDemands("permission x:y"), "permission x:y"},
		{"a role that somebody has", "", inDemands("role admin"), ""},
		{"one of two that somebody has", "", inDemands("role accountant admin"), ""},
		{"a role that is declared", "role accountant", inDemands("role accountant"), ""},
		{"a role that comes with one", "role boss {\nincludes accountant\n}", inDemands("role accountant"), ""},
		{"a permission that a role permits", "role boss {\npermissions x:y\n}", inDemands("permission x:y"), ""},
		{"where a provider gives roles", provider, inDemands("role accountant"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := gatewaytest.StartProcess(t, gatewaytest.Site{Options: c.options, Routes: "session_endpoints\n" + c.routes + "\nrespond OK"})
			if c.demand != "" {
				s.AwaitLog(`"level":"warn"`, "a demand keeps everybody out", `"demand":"`+c.demand+`"`)
			} else if strings.Contains(s.Log.String(), "keeps everybody out") {
				t.Errorf("the log says\n%s", s.Log.String())
			}
		})
	}
}
