package storecommand_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// run runs the command in the house of the gateway.
func run(t *testing.T, p *gatewaytest.Process, code int, words ...string) string {
	t.Helper()
	args := append([]string{"sidegate-store", "--adapter", "caddyfile", "--config", p.ConfigFile()}, words...)
	said, got := gatewaytest.RunCaddy(t, p.Dir, args...)
	if got != code {
		t.Fatalf("%v ends with %d; want %d:\n%s", words, got, code, said)
	}
	return said
}

// fails demands that the command fails and says all that, as an error of its own.
func fails(t *testing.T, p *gatewaytest.Process, says []string, words ...string) string {
	t.Helper()
	said := run(t, p, 1, words...)
	if strings.Contains(said, "\x1b") {
		t.Errorf("%v: it commands the terminal: %q", words, said)
	}
	if !strings.Contains(said, "Error: ") || strings.Contains(said, "{") && strings.Contains(said, "logger") {
		t.Errorf("%v: it is told as %s", words, said)
	}
	for _, part := range says {
		if !strings.Contains(said, part) {
			t.Errorf("%v: no word of %q: %s", words, part, said)
		}
	}
	return said
}

func TestWrongWordsSayTheNextStep(t *testing.T) {
	p := gatewaytest.NewProcess(t, gatewaytest.Site{Options: "secret \"" + gatewaytest.PresentSecret + "\""})
	file := filepath.Join(t.TempDir(), "file")
	gatewaytest.WriteFile(t, file, "x")
	for _, c := range []struct {
		words string
		says  []string
	}{
		{"", []string{"say what to do", "backup <folder>, check [<folder>] or compact"}},
		{"restore", []string{`there is no "restore"`, "backup <folder>, check [<folder>] or compact"}},
		{"restore check", []string{`there is no "restore"`}},
		{"backup", []string{"name the folder", "caddy sidegate-store backup"}},
		{"backup a b", []string{"name the folder"}},
		{"backup " + file, []string{"cannot be made", "name another one"}},
		{"backup " + file + "/below", []string{"cannot be made", "name another one"}},
		{"check a b", []string{"name one folder"}},
		{"compact a", []string{"takes no folder"}},
		{"compact --all", []string{"unknown flag: --all"}},
		{"check /nowhere", []string{"is no whole backup", "name the folder"}},
		{"check " + file, []string{"is no whole backup", "name the folder"}},
		{"check " + filepath.Dir(file), []string{"is no whole backup", "name the folder"}},
		{"check", []string{"there is no file of sessions", "--config"}},
		{"compact", []string{"there is no file of sessions", "--config"}},
		{"check --config /nowhere", []string{"there is no /nowhere: make it, or say with --config"}},
		{"compact --config /nowhere", []string{"there is no /nowhere: make it, or say with --config"}},
		{"backup x --config /nowhere", []string{"there is no /nowhere: make it, or say with --config"}},
		{"check --adapter none", []string{"cannot be read", "none"}},
		{"check --address off", []string{"there is no file of sessions"}},
		{"check \x1b[31mx", []string{"\uFFFD[31mx is no whole backup"}},
		{"check --address off --config \x1b[31mx", []string{"no gateway was asked", "\uFFFD[31mx"}},
		{"check --address unix//\x1b[31mx", []string{"no gateway answers at unix//\uFFFD[31mx"}},
		{"check --address {env.NOWHERE}", []string{"stands for nothing", "--address"}},
	} {
		t.Run(c.words, func(t *testing.T) { fails(t, p, c.says, strings.Fields(c.words)...) })
	}
	if there, err := os.ReadDir(p.Dir); err != nil || slices.ContainsFunc(there, func(e os.DirEntry) bool { return e.Name() == "x" || e.Name() == "sessions.db" }) {
		t.Errorf("something was made: %v, %v", there, err)
	}
}

func TestAStoreThatIsNoFileIsRefused(t *testing.T) {
	t.Setenv("SIDEGATE_SECRET", gatewaytest.PresentSecret)
	for name, options := range map[string]string{
		"memory": "store memory", "redis": "store redis redis://127.0.0.1:1\nsecret {env.SIDEGATE_SECRET}",
	} {
		t.Run(name, func(t *testing.T) {
			p := gatewaytest.NewProcess(t, gatewaytest.Site{Options: options})
			folder := filepath.Join(t.TempDir(), "monday")
			for _, words := range [][]string{{"check"}, {"compact"}, {"backup", folder}} {
				fails(t, p, []string{"is no file (`store embedded`)", "BGSAVE", "gone with the gateway"}, words...)
			}
			wantNothing(t, folder)
		})
	}
}

// wantNothing requires that there is nothing by that name.
func wantNothing(t *testing.T, path string) {
	t.Helper()
	if _, err := os.Lstat(path); !os.IsNotExist(err) {
		t.Errorf("%s is left there: %v", path, err)
	}
}

// What is printed with --json is one document and nothing else.
func TestAProgramReadsWhatIsPrinted(t *testing.T) {
	p := gatewaytest.StartProcess(t, gatewaytest.Site{})
	p.WithCookie(t, gatewaytest.Ada)
	folder := filepath.Join(t.TempDir(), "monday")
	read := func(into any, words ...string) {
		t.Helper()
		if said := run(t, p, 0, append(words, "--json")...); json.Unmarshal([]byte(said), into) != nil {
			t.Errorf("%v prints %s", words, said)
		}
	}
	for _, when := range []string{"beside a gateway", "by itself"} {
		var report struct{ Bytes, Live, Unused int }
		if read(&report, "check"); report.Bytes == 0 || report.Live != 1 {
			t.Errorf("%s: the report is %+v", when, report)
		}
		var sizes struct{ Before, After int }
		if read(&sizes, "compact"); sizes.Before < sizes.After || sizes.After == 0 {
			t.Errorf("%s: the sizes are %+v", when, sizes)
		}
		var taken struct {
			Format, Bytes int
			Secret        string
			SHA256        string
		}
		if read(&taken, "backup", folder); taken.Format != 1 || taken.Bytes == 0 || taken.Secret != "secret" || len(taken.SHA256) != 64 {
			t.Errorf("%s: the backup is %+v", when, taken)
		}
		if read(&report, "check", folder); report.Live != 1 {
			t.Errorf("%s: the report of the backup is %+v", when, report)
		}
		if when == "beside a gateway" {
			p.Terminate()
			folder += "-too"
		}
	}
}

// Help and completion are Caddy's.
func TestACommandIsCompletedAndExplained(t *testing.T) {
	caddy := func(args ...string) string {
		t.Helper()
		said, code := gatewaytest.RunCaddy(t, t.TempDir(), args...)
		if code != 0 {
			t.Fatalf("%v: %s", args, said)
		}
		return said
	}
	const directories, nothing = ":16", ":4"
	for _, c := range []struct {
		args []string
		want []string
	}{
		{[]string{"sidegate-st"}, []string{"sidegate-store"}},
		{[]string{"sidegate-store", ""}, []string{"backup", "check", "compact"}},
		{[]string{"sidegate-store", "check", "--"}, []string{"--json", "--address", "--config", "--adapter"}},
		{[]string{"sidegate-store", "compact", "--adapter", ""}, []string{"caddyfile", nothing}},
		{[]string{"sidegate-store", "compact", "--address", ""}, []string{nothing}},
		{[]string{"sidegate-store", "backup", ""}, []string{directories}},
		{[]string{"sidegate-store", "check", ""}, []string{directories}},
		{[]string{"sidegate-store", "compact", ""}, []string{nothing}},
	} {
		got := strings.Fields(caddy(append([]string{"__completeNoDesc"}, c.args...)...))
		for _, want := range c.want {
			if !slices.Contains(got, want) {
				t.Errorf("%v is completed by %v, without %s", c.args, got, want)
			}
		}
	}
	if said := caddy("completion", "bash"); !strings.Contains(said, "__complete") {
		t.Errorf("the completion of bash is %s", said)
	}
	if said := caddy("help"); !strings.Contains(said, "sidegate-store") {
		t.Errorf("caddy's help has no word of it: %s", said)
	}
	for _, command := range []string{"backup", "check", "compact"} {
		if said := caddy("sidegate-store", "--help"); !strings.Contains(said, "Available Commands:") || !strings.Contains(said, command) {
			t.Errorf("the help is %s", said)
		}
		if said := caddy("sidegate-store", command, "--help"); !strings.Contains(said, "caddy sidegate-store "+command) || !strings.Contains(said, "--address") {
			t.Errorf("the help of %s is %s", command, said)
		}
	}
}
