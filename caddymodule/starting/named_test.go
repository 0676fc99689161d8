package starting_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// gateway is a configuration with those options, at a port that is free.
func gateway(t *testing.T, options string) string {
	t.Helper()
	dir := t.TempDir()
	gatewaytest.WriteFile(t, filepath.Join(dir, "people.yaml"), gatewaytest.UsersFile)
	file := filepath.Join(dir, "Caddyfile")
	gatewaytest.WriteFile(t, file, fmt.Sprintf("{\n\tadmin off\n\tpersist_config off\n\tsidegate {\n\t\t%s\n\t}\n}\n\nhttp://127.0.0.1:%d {\n\tsession_endpoints\n\tsession_auth\n\trespond hello\n}\n",
		strings.ReplaceAll(options, "\n", "\n\t\t"), gatewaytest.FreePort(t)))
	return file
}

// What is named and not there is told by the step, before whatever else Caddy says of it.
func TestWhatAConfigurationNamesAndIsNotThereIsToldFirst(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "secret")
	empty := filepath.Join(dir, "empty")
	gatewaytest.WriteFile(t, empty, "")
	t.Setenv("SIDEGATE_TEST_SECRET", strings.Repeat("0123456789", 4))
	const people, secret = "login users people.yaml\n", "secret {env.SIDEGATE_TEST_SECRET}\n"
	for _, test := range []struct{ name, options, says string }{
		{"the file of a secret", people + "secret {file." + file + "}", "secret 1: {file." + file + "}: there is no such file: make it: openssl rand -base64 48 > " + file},
		{"the file of a secret where secrets are mounted", people + "secret {file./run/secrets/sidegate-none}", "make the file outside of the container, where /run/secrets/sidegate-none is mounted from"},
		{"a folder in the place of a secret", people + "secret {file." + dir + "}", "{file." + dir + "}: it is a folder: name a file in it"},
		{"an empty file in the place of a secret", people + "secret {file." + empty + "}", "{file." + empty + "} is empty: put the value into the file"},
		{"a variable", people + "secret {env.SIDEGATE_TEST_UNSET}", "{env.SIDEGATE_TEST_UNSET} is missing or empty: set the variable"},
		{"the password of the store", people + secret + "store redis redis://127.0.0.1:1 {\npassword {file." + file + "}\n}", "password: {file." + file + "}: there is no such file: make it, with the value in it"},
		{"the password of the store where secrets are mounted", people + secret + "store redis redis://127.0.0.1:1 {\npassword {file./run/secrets/sidegate-none}\n}", "password: {file./run/secrets/sidegate-none}: there is no such file: make the file outside of the container"},
		{"the password of the store in a pod", people + secret + "store redis redis://127.0.0.1:1 {\npassword {file./run/secrets/sidegate/none}\n}", "put it into the Secret that is mounted at /run/secrets/sidegate (kubectl patch secret sidegate -p"},
		{"a folder in the place of the people", secret + "login users " + dir, "is a folder: name a file in it"},
		{"the people", secret + "login users none.yaml", "make it with: { echo users:"},
		{"the people, where secrets are mounted", secret + "login users /run/secrets/none.yaml", "make the file outside of the container, where /run/secrets/none.yaml is mounted from"},
		{"a key", people + secret + "token {\nsigning_key none.pem\n}", "none.pem: no such file"},
		{"the authorities of the store", people + secret + "store redis rediss://127.0.0.1:1 {\ntls {\nca none.pem\n}\n}", "ca: open "},
	} {
		t.Run(test.name, func(t *testing.T) {
			said, code := gatewaytest.RunCaddy(t, t.TempDir(), "run", "--config", gateway(t, test.options), "--adapter", "caddyfile")
			lines := errorLines(said)
			if code != 1 || len(lines) != 1 || !strings.Contains(lines[0], test.says) || strings.Index(lines[0], "provision ") < strings.Index(lines[0], test.says) {
				t.Errorf("exits with %d and says %s; want 1 and one error that begins with %q", code, said, test.says)
			}
			if strings.Contains(said, "0123456789") {
				t.Errorf("it tells the secret: %s", said)
			}
		})
	}
}

// caddy start runs caddy run, and a configuration that is resumed is looked at as well.
func TestEachWayOfStartingLooksFirst(t *testing.T) {
	lacking := gateway(t, "login users people.yaml\nsecret {env.SIDEGATE_TEST_UNSET}")
	text, _ := gatewaytest.RunCaddy(t, t.TempDir(), "adapt", "--config", lacking)
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "config", "caddy"), 0o700); err != nil {
		t.Fatal(err)
	}
	_, config, _ := strings.Cut(text, "\n{")
	if strings.HasPrefix(text, "{\"admin") {
		config = text[1:]
	}
	gatewaytest.WriteFile(t, filepath.Join(dir, "config", "caddy", "autosave.json"), "{"+config)
	for _, args := range [][]string{{"start", "--config", lacking}, {"run", "--resume"}, {"run", "--watch", "--config", lacking}} {
		said, code := gatewaytest.RunCaddy(t, dir, args...)
		lines := errorLines(said)
		if code != 1 || len(lines) == 0 || !strings.Contains(lines[0], "set the variable") || strings.Index(lines[0], "provision ") < strings.Index(lines[0], "set the variable") {
			t.Errorf("%s: exits with %d and says %s", args, code, said)
		}
	}
}

// starts runs caddy until it serves, and says what it has said.
func starts(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	ctx, end := context.WithCancel(context.Background())
	cmd := gatewaytest.CaddyCommand(ctx, t.TempDir(), append([]string{"run"}, args...)...)
	var log gatewaytest.Output
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		_ = cmd.Wait() // what it said tells how it went
		close(ended)
	}()
	defer func() {
		end()
		<-ended
	}()
	gatewaytest.Await(t, "it serves", func() bool {
		select {
		case <-ended:
			t.Fatalf("it ended: %s", log.String())
		default:
		}
		return strings.Contains(log.String(), "serving initial configuration")
	}, log.String)
	return log.String()
}

func TestWhatWorksIsStarted(t *testing.T) {
	t.Setenv("SIDEGATE_TEST_SECRET", strings.Repeat("0123456789", 4))
	shipped := gateway(t, "login users people.yaml\nsecret {env.SIDEGATE_TEST_SECRET}")
	text, err := os.ReadFile(shipped)
	if err != nil {
		t.Fatal(err)
	}
	piped := strings.ReplaceAll(string(text), "people.yaml", filepath.Join(filepath.Dir(shipped), "people.yaml"))
	variables := filepath.Join(t.TempDir(), "variables")
	gatewaytest.WriteFile(t, variables, "SIDEGATE_TEST_IN_FILE=0123456789012345678901234567890123456789\n")
	for _, test := range []struct {
		name, stdin string
		args        []string
	}{
		{"a file", "", []string{"--config", shipped}},
		{"standard input", piped, []string{"--config", "-", "--adapter", "caddyfile"}},
		{"a pipe", piped, []string{"--config", "/dev/stdin", "--adapter", "caddyfile"}},
		{"a secret in a file of variables", "", []string{"--envfile", variables, "--config", gateway(t, "login users people.yaml\nsecret {env.SIDEGATE_TEST_IN_FILE}")}},
		{"nothing to resume", "", []string{"--resume", "--config", shipped}},
		{"one that is watched", "", []string{"--watch", "--config", shipped}},
		{"a placeholder that means nothing to us", "", []string{"--config", gateway(t, "login users people.yaml\nsecret {env.SIDEGATE_TEST_SECRET}\nappearance {\nname \"{env.SIDEGATE_TEST_UNSET}\"\n}")}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if said := starts(t, test.stdin, test.args...); strings.Contains(said, "0123456789") {
				t.Errorf("it tells the secret: %s", said)
			}
		})
	}
}

// A variable is looked for where caddy run finds it, and printed where it is told to.
func TestVariablesOfFilesAreLookedForAndThoseAskedForArePrinted(t *testing.T) {
	variables := filepath.Join(t.TempDir(), "variables")
	gatewaytest.WriteFile(t, variables, "SIDEGATE_TEST_IN_FILE=canary\n")
	file := gateway(t, "login users people.yaml\nsecret {env.SIDEGATE_TEST_UNSET}")
	for _, test := range []struct {
		args    []string
		printed bool
	}{
		{[]string{"run", "--envfile", variables, "--config", file}, false},
		{[]string{"run", "--envfile", variables, "--environ", "--config", file}, true},
	} {
		said, code := gatewaytest.RunCaddy(t, t.TempDir(), test.args...)
		lines := errorLines(said)
		if code != 1 || len(lines) != 1 || !strings.Contains(lines[0], "set the variable") || strings.Contains(said, "canary") != test.printed {
			t.Errorf("%s: exits with %d and says %s", test.args, code, said)
		}
	}
}
