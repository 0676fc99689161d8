package caddymodule_test

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// missingLine begins the line of the log that tells of a missing secret.
const missingLine = "there are sessions that no configured secret opens"

// missing are the lines that tell of one, read.
func missing(t *testing.T, g *gatewaytest.Process) (lines []map[string]any) {
	t.Helper()
	for line := range strings.Lines(g.Log.String()) {
		if !strings.Contains(line, missingLine) {
			continue
		}
		var read map[string]any
		if err := json.Unmarshal([]byte(line), &read); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, read)
	}
	return lines
}

// wantOneLine demands that the log says it once more than it did, and that it
// names where the former secret is likely to be. It returns the remedy.
func wantOneLine(t *testing.T, g *gatewaytest.Process, told int, where string) string {
	t.Helper()
	gatewaytest.Await(t, "the log tells of it", func() bool { return len(missing(t, g)) >= told }, g.Log.String)
	lines := missing(t, g)
	if len(lines) != told {
		t.Fatalf("the log has %d such lines; want %d", len(lines), told)
	}
	last := lines[told-1]
	if said, _ := last["former_secret"].(string); !strings.Contains(said, where) {
		t.Errorf("the former secret is said to be: %s; want %s", said, where)
	}
	remedy, _ := last["remedy"].(string)
	if last["then"] != "caddy reload" {
		t.Errorf("then one is to %v", last["then"])
	}
	return remedy
}

// Who has changed the secret without naming the former one is told once where
// that is likely to be, and what to write, which then helps.
func TestTheLogSaysOnceWhereTheFormerSecretIs(t *testing.T) {
	t.Run("the one that was made here, after one was configured", func(t *testing.T) {
		g := gatewaytest.StartProcess(t, gatewaytest.Site{})
		made := filepath.Join(g.Dir, "storage", "sidegate", "secret")
		ada, grace := g.WithCookie(t, gatewaytest.Ada), g.WithCookie(t, gatewaytest.Grace)
		without := g.Site.Options
		g.Site.Options = "secret `" + gatewaytest.PresentSecret + "`\n" + without
		g.Reload()
		for range 3 {
			ada.WantCannotTell(t)
			grace.WantCannotTell(t)
		}
		remedy := wantOneLine(t, g, 1, made)
		if want := "secret <number 1 of now> {file." + made + "}"; remedy != want {
			t.Errorf("the remedy is %s; want %s", remedy, want)
		}
		g.Site.Options = strings.Replace(remedy, "<number 1 of now>", "`"+gatewaytest.PresentSecret+"`", 1) + "\n" + without
		g.Reload()
		ada.Get("/auth/session").Want(t, http.StatusOK)
		grace.Get("/auth/session").Want(t, http.StatusOK)
		wantOneLine(t, g, 1, made)
	})
	t.Run("the one that was configured, after it was left out", func(t *testing.T) {
		secret := "secret `" + gatewaytest.FormerSecret + "`\n"
		g := gatewaytest.StartProcess(t, gatewaytest.Site{Options: secret})
		ada := g.WithCookie(t, gatewaytest.Ada)
		g.Site.Options = strings.Replace(g.Site.Options, secret, "", 1)
		g.Reload()
		ada.WantCannotTell(t)
		remedy := wantOneLine(t, g, 1, "what `secret` said before")
		g.Site.Options = strings.Replace(remedy, "<the former one>", "`"+gatewaytest.FormerSecret+"`", 1) + "\n" + g.Site.Options
		g.Reload()
		ada.Get("/auth/session").Want(t, http.StatusOK)
	})
	t.Run("once at each gateway and configuration, with Redis", func(t *testing.T) {
		r := redistest.Start(t)
		former := gatewaytest.StartProcess(t, gatewaytest.Site{}.OnRedis(r, gatewaytest.FormerSecret))
		ada := former.WithCookie(t, gatewaytest.Ada)
		g := gatewaytest.StartProcess(t, gatewaytest.Site{}.OnRedis(r, gatewaytest.PresentSecret))
		there := g.With(t, ada.Cookie, "")
		for told := 1; told <= 2; told++ {
			there.WantCannotTell(t)
			there.WantCannotTell(t)
			wantOneLine(t, g, told, "what `secret` said before")
			g.Site.Routes = gatewaytest.RoundRoutes(told)
			g.Reload()
		}
		ada.Get("/auth/session").Want(t, http.StatusOK)
		if said := missing(t, former); len(said) != 0 {
			t.Errorf("the one that has it says %v", said)
		}
	})
}

// A file of the configuration that changed is in force after `caddy reload
// --force` and not before, which nobody would know: plain `caddy reload` finds
// the configuration unchanged.
func TestASecretFileThatChangedIsNoticedAndToldOnce(t *testing.T) {
	const line = "the file of a secret has changed, and the secret that it held before stays in force"
	dir := t.TempDir()
	file := filepath.Join(dir, "secret")
	gatewaytest.WriteFile(t, file, gatewaytest.FormerSecret)
	g := gatewaytest.StartProcess(t, gatewaytest.Site{Dir: dir, Options: "secret {file." + file + "}\n"})
	reload := func(flags ...string) {
		t.Helper()
		command := append([]string{"reload", "--adapter", "caddyfile", "--config", g.ConfigFile(), "--address", g.Site.Admin}, flags...)
		if said, code := gatewaytest.RunCaddy(t, dir, command...); code != 0 {
			t.Fatalf("caddy reload: %d\n%s", code, said)
		}
	}
	ada := g.WithCookie(t, gatewaytest.Ada)
	gatewaytest.WriteFile(t, file, gatewaytest.PresentSecret)
	gatewaytest.Await(t, "the gateway has noticed", func() bool { return strings.Contains(g.Log.String(), line) })
	reload()
	ada.Get("/auth/session").Want(t, http.StatusOK)
	reload("--force")
	gatewaytest.Await(t, "the new secret is in force", func() bool {
		return ada.Get("/auth/session").StatusCode == http.StatusInternalServerError
	})
	ada.WantCannotTell(t)
	ada.Post("/auth/start-over").Want(t, http.StatusNoContent)
	ada.Get("/auth/session").Want(t, http.StatusUnauthorized)

	// The configuration in force looks at the file in the place of the one before.
	gatewaytest.WriteFile(t, file, gatewaytest.FormerSecret)
	gatewaytest.Await(t, "the gateway has noticed again", func() bool { return strings.Count(g.Log.String(), line) > 1 })
	g.Site.Options = strings.Replace(g.Site.Options, "{file."+file+"}", "`"+gatewaytest.PresentSecret+"`", 1)
	g.Reload() // which has ended its work before it is over
	said := g.Log.String()
	if n := strings.Count(said, line); n != 2 {
		t.Errorf("two changes are told %d times", n)
	}
	for _, secret := range []string{gatewaytest.FormerSecret, gatewaytest.PresentSecret} {
		if strings.Contains(said, secret) {
			t.Error("the log tells the secret")
		}
	}
}

// What cannot be known is not said: a remedy that names a file which is not
// there, or is named already, sends an operator astray at night.
func TestTheRemedyNamesWhatThereIs(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "with a blank")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	present, former := filepath.Join(dir, "present"), filepath.Join(dir, "former")
	gatewaytest.WriteFile(t, present, gatewaytest.PresentSecret)
	gatewaytest.WriteFile(t, former, gatewaytest.FormerSecret)
	r := redistest.Start(t)
	ada := gatewaytest.StartProcess(t, gatewaytest.Site{}.OnRedis(r, gatewaytest.FormerSecret)).WithCookie(t, gatewaytest.Ada)
	for _, c := range []struct{ name, secret, where, remedy string }{
		{"with Redis none is made here", "`" + gatewaytest.PresentSecret + "`", "what `secret` said before", "secret <number 1 of now> <the former one>"},
		{"what a file held before may be in a copy of it", strconv.Quote("{file." + present + "}"), "that is in a copy of the file, if there is one",
			"secret " + strconv.Quote("{file."+present+"}") + " <the former one>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := gatewaytest.StartProcess(t, gatewaytest.Site{Options: "store redis " + r.URL() + "\nsecret " + c.secret})
			g.With(t, ada.Cookie, "").WantCannotTell(t)
			remedy := wantOneLine(t, g, 1, c.where)
			if remedy != c.remedy {
				t.Errorf("the remedy is %s; want %s", remedy, c.remedy)
			}
			remedy = strings.NewReplacer("<number 1 of now>", c.secret, "<the former one>", strconv.Quote("{file."+former+"}")).Replace(remedy)
			g.Site.Options = "store redis " + r.URL() + "\n" + remedy
			g.Reload()
			g.With(t, ada.Cookie, "").Get("/auth/session").Want(t, http.StatusOK)
		})
	}
}
