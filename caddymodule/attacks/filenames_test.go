package attacks_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

const leastOIDC = "login oidc sso {\nissuer https://id.example.com\nclient_id x\n%s\n}"

// fileOptions are those that take the name of a file, each as it stands in a Caddyfile.
var fileOptions = map[string]string{
	"signing_key":                "login users users.yaml\ntoken {\nsigning_key %s\n}",
	"login users":                "login users %s",
	"client_key":                 fmt.Sprintf(leastOIDC, "client_auth private_key_jwt\nclient_key %s"),
	"ca of an OIDC login":        fmt.Sprintf(leastOIDC, "client_secret y\nca %s"),
	"icon of an OIDC login":      fmt.Sprintf(leastOIDC, "client_secret y\nicon %s"),
	"logo":                       "login users users.yaml\nappearance {\nlogo %s\n}",
	"templates":                  "login users users.yaml\nappearance {\ntemplates %s\n}",
	"ca of an app":               "login app shop https://shop.example.com {\nbody json {\nu {login.username}\np {login.password}\n}\nsuccess `login.status == 200`\nca %s\nmap {\nid `login.body.id`\n}\n}",
	"ca of another gateway":      "login users users.yaml\nlogin adopt old https://sso.example.com/auth {\ncookie sid\nuntil 2099-12-31\nca %s\n}",
	"ca of a directory":          "login users users.yaml\ndirectory http crm https://crm.example.com/{identity.email} {\nca %s\n}",
	"ca of Redis":                inRedisTLS("ca"),
	"cert of Redis":              inRedisTLS("cert"),
	"key of Redis":               inRedisTLS("key"),
	"the file of store embedded": "login users users.yaml\nstore embedded %s",
}

func inRedisTLS(option string) string {
	return "login users users.yaml\nsecret 0123456789abcdef0123456789abcdef\nstore redis rediss://localhost:1 {\ntls {\n" + option + " %s\n}\n}"
}

// Whoever writes {file./key.pem} where the key's file should be named has the key
// itself taken for a name. Errors and logs are read by more people than keys are.
func TestNoOptionThatNamesAFileTellsWhatAPlaceholderStandsFor(t *testing.T) {
	const marker = "M4rkerOfAKey"
	dir := t.TempDir()
	key := filepath.Join(dir, "key.pem")
	gatewaytest.WriteFile(t, filepath.Join(dir, "users.yaml"), gatewaytest.UsersFile)
	gatewaytest.WriteFile(t, key, "-----BEGIN PRIVATE KEY-----\n"+marker+"\n-----END PRIVATE KEY-----\n")
	gatewaytest.WriteFile(t, filepath.Join(dir, "password"), marker+"\n")
	t.Setenv("SIDEGATE_TEST_KEY", marker+strings.Repeat("k", 300))
	t.Setenv("SIDEGATE_TEST_PATH", "/nowhere/"+marker)
	for option, block := range fileOptions {
		for name, value := range map[string]string{
			"a key's content":           "{file." + key + "}",
			"a password's content":      "{file." + filepath.Join(dir, "password") + "}",
			"a long secret":             "{env.SIDEGATE_TEST_KEY}",
			"a path that leads nowhere": "{env.SIDEGATE_TEST_PATH}",
			"a key as it is":            "\"-----BEGIN PRIVATE KEY-----\n" + marker + "\"",
			"a password as it is":       marker,
		} {
			if option == "the file of store embedded" && !strings.Contains(value, "BEGIN") && !strings.Contains(value, "key.pem") && !strings.Contains(value, "TEST_KEY") {
				continue // that one is made
			}
			if option == "templates" && value == marker {
				continue // a folder's name has no ending, and is told
			}
			t.Run(option+": "+name, func(t *testing.T) {
				gatewaytest.WriteFile(t, filepath.Join(dir, "Caddyfile"), "{\nadmin off\nsidegate {\n"+fmt.Sprintf(block, value)+
					"\n}\n}\nhttps://a.example.com {\nsession_endpoints\nsession_auth\nrespond OK\n}\n")
				for _, command := range []string{"validate", "sidegate-check"} {
					said, code := gatewaytest.RunCaddy(t, dir, command, "--config", "Caddyfile")
					if code == 0 || strings.Contains(said, marker) || !strings.Contains(said, "error") && !strings.Contains(said, "Error") {
						t.Errorf("%s ends with %d:\n%s", command, code, said)
					}
				}
			})
		}
	}
}

// The table above is whole.
func TestEveryOptionThatNamesAFileIsTried(t *testing.T) {
	reads := regexp.MustCompile(`directive\.(?:File|Files|FileName|MadeFileName)\(`)
	sources, err := filepath.Glob("../*.go")
	elsewhere, err2 := filepath.Glob("../appearance/*.go")
	if err != nil || err2 != nil || len(elsewhere) == 0 {
		t.Fatal(err, err2)
	}
	found := 0
	for _, path := range slices.Concat(sources, elsewhere) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		found += len(reads.FindAll(text, -1))
	}
	if found != len(fileOptions) {
		t.Errorf("%d options take the name of a file, and %d are tried", found, len(fileOptions))
	}
}

// In a folder that strangers share, one of them may have put there what the gateway
// would take for its own file.
func TestWhatStrangersMayHavePutIntoTheWorkingFolderIsNotTaken(t *testing.T) {
	const site = `"http":{"servers":{"s":{"listen":["127.0.0.1:0"],"routes":[{"handle":[{"handler":"session_endpoints"}]}]}}}`
	for name, options := range map[string]string{
		"a users file in JSON":          `"logins":[{"method":"users","file":"users.yaml"}]`,
		"a users file by a placeholder": `"logins":[{"method":"users","file":"{env.SIDEGATE_TEST_USERS}"}]`,
		"a signing key":                 `"token":{"signing_keys":["key.pem"]},"logins":[{"method":"users","file":"good.yaml"}]`,
		"what holds a secret":           `"secrets":["{file.secret}"],"logins":[{"method":"users","file":"good.yaml"}]`,
		"authorities":                   `"logins":[{"method":"oidc","name":"sso","issuer":"https://id.example.com","client_id":"x","client_secret":"y","ca":"ca.pem"}]`,
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("SIDEGATE_TEST_USERS", "./users.yaml")
			gatewaytest.WriteFile(t, filepath.Join(dir, "good.yaml"), gatewaytest.UsersFile)
			for _, file := range []string{"users.yaml", "key.pem", "secret", "ca.pem"} {
				gatewaytest.WriteFile(t, filepath.Join(dir, file), gatewaytest.UsersFile)
				if err := os.Chmod(filepath.Join(dir, file), 0o606); err != nil {
					t.Fatal(err)
				}
			}
			gatewaytest.WriteFile(t, filepath.Join(dir, "c.json"), `{"admin":{"disabled":true},"apps":{"sidegate":{`+options+`},`+site+`}}`)
			said, code := gatewaytest.RunCaddy(t, dir, "sidegate-check", "--config", "c.json")
			if code == 0 || !strings.Contains(said, "may have put it there") || !strings.Contains(said, "give its whole name") {
				t.Errorf("status %d:\n%s", code, said)
			}
		})
	}
}

func TestAUsersFileBesideTheCaddyfileThatAnybodyMayWriteIsWarnedAbout(t *testing.T) {
	dir := t.TempDir()
	gatewaytest.WriteFile(t, filepath.Join(dir, "users.yaml"), gatewaytest.UsersFile)
	gatewaytest.WriteFile(t, filepath.Join(dir, "Caddyfile"), "{\nadmin off\nsidegate {\nlogin users users.yaml\n}\n}\nhttps://a.example.com {\nsession_endpoints\nsession_auth\nrespond OK\n}\n")
	for mode, want := range map[os.FileMode]string{0o606: "1 warning", 0o660: "no warnings"} {
		if err := os.Chmod(filepath.Join(dir, "users.yaml"), mode); err != nil {
			t.Fatal(err)
		}
		said, code := gatewaytest.RunCaddy(t, dir, "sidegate-check")
		if code != 0 || !strings.Contains(said, want) || strings.Contains(said, "anybody on this machine") != (mode == 0o606) {
			t.Errorf("%v: status %d:\n%s", mode, code, said)
		}
	}
}
