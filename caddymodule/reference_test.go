package caddymodule_test

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"example.com/sidegate/caddymodule/adminapi"
	auditlog "example.com/sidegate/caddymodule/audit"
	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/identity"
	"example.com/sidegate/caddymodule/login/oidc"
	"example.com/sidegate/caddymodule/profile/mapping"
	asking "example.com/sidegate/caddymodule/source"
	"example.com/sidegate/caddymodule/web"
	"example.com/sidegate/sessionstore"
)

// A part of the reference holds the words that the code has, and no others.
type part struct {
	name string
	code []string
	told func(reference) []string
}

// parts are all of them but the metrics, for which a gateway has to run: see
// TestTheReferenceTellsOfEveryMetric.
func parts(t *testing.T) []part {
	tree := os.DirFS(".")
	return []part{
		{"options", audit(t, tree, optionWords), toldOptions},
		{"kinds of stores, logins and directories", kinds(), toldKinds},
		{"directives and matchers", directives(), toldDirectives},
		{"providers", providers, toldProviders},
		{"fields of a users file", audit(t, tree, peopleFields), toldUnder("login users", "field")},
		{"fields to map", mapping.Fields(), toldUnder("map and require", "field")},
		{"variables of expressions", mapping.Variables(), toldUnder("map and require", "variable")},
		{"placeholders", placeholders(), toldPlaceholders},
		{"endpoints", endpoints(t), toldEndpoints},
		{"fields of a session", jsonFields(sessionstore.UserSession{}), toldUnder("session fields", "field")},
		{"reasons of events", endpoint.EventReasons, toldUnder("events", "reason")},
		{"reasons of why", reasons(), toldUnder("why", "code")},
		{"decisions of why", demand.Prospects, toldUnder("why", "decision")},
		{"refusals", audit(t, tree, refusals), toldRefusals},
		{"presets of identity headers", identity.Presets(), toldPresets},
		{"apps that read headers", apps, toldApps},
		{"identity headers, and how they are written", identityHeaders(t), toldHeaders},
		{"presets that session_auth may name", identity.Presets(), toldChoices("session_auth", "headers")},
		{"claims of an assertion", audit(t, tree, claimNames), toldUnder("assertion", "claim")},
		{"decisions on requests", demand.OutcomeNames[:], toldUnder("decisions", "decision")},
		{"what clear_site_data takes", endpoint.Clearable, toldUnder("clear_site_data", "word")},
		{"spans of traces", spans, toldUnder("Traces", "span")},
		{"fields of the audit log", auditlog.Fields, toldUnder("The audit log", "field")},
		{"what the audit log tells of", auditlog.Results(), toldAudit},
		{"commands", commands(), toldUnder("Commands", "command")},
		{"flags of sidegate-map", commandFlags("sidegate-map"), toldUnder("Commands", "flag")},
		{"flags of sidegate-explain", commandFlags("sidegate-explain"), toldUnder("Commands", "flag of the explanation")},
		{"flags of sidegate-check", commandFlags("sidegate-check"), toldUnder("Commands", "flag of the check")},
		{"flags of sidegate-sessions", subcommandFlags("sidegate-sessions"), toldUnder("Commands", "flag of the sessions")},
		{"commands of sidegate-sessions", subcommands("sidegate-sessions"), toldUnder("Commands", "command of the sessions")},
		{"flags of sidegate-store", subcommandFlags("sidegate-store"), toldUnder("Commands", "flag of the store's file")},
		{"commands of sidegate-store", subcommands("sidegate-store"), toldUnder("Commands", "command of the store's file")},
		{"pages", web.Pages(), toldUnder("Pages of your own", "page")},
		{"functions of pages", web.Functions(), toldUnder("Pages of your own", "function")},
		{"what pages have to show", shownByPages(), func(r reference) (words []string) {
			for _, row := range r.rows("Pages of your own", "page") {
				for _, name := range quoted(row[2]) {
					words = append(words, quoted(row[0])[0]+" "+name)
				}
			}
			return words
		}},
		{"routes of the admin endpoint", adminapi.Paths(), func(r reference) (words []string) {
			for _, row := range r.rows("Admin endpoint", "route") {
				words = append(words, quoted(row[0])...)
			}
			return words
		}},
	}
}

// shownByPages is what each page has to show.
func shownByPages() (words []string) {
	for _, page := range web.Pages() {
		for _, name := range web.Variables(page) {
			words = append(words, page+" "+name)
		}
	}
	return words
}

// spans are the names of what is in a trace, as TestTracesShowWhatWasAskedOfOthers
// and its neighbours hold them.
var spans = []string{"session store", asking.Directory, asking.Login, oidc.Span}

func readReference(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../deploy/REFERENCE.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheReferenceHasTheWordsOfTheCode(t *testing.T) {
	r := referenceOf(readReference(t))
	for _, p := range parts(t) {
		t.Run(p.name, func(t *testing.T) {
			if len(p.code) == 0 {
				t.Fatal("nothing was read from the code")
			}
			for _, found := range drift(p.code, p.told(r)) {
				t.Error(found)
			}
		})
	}
}

// A row that could go, or a table that nobody looks at, would be a promise that
// no test keeps.
func TestEveryRowOfTheReferenceIsHeld(t *testing.T) {
	text := readReference(t)
	all := parts(t)
	rows := 0
	for _, row := range rowsOf(text) {
		if strings.HasPrefix(row, "| `caddy_sidegate_") {
			continue // TestTheReferenceTellsOfEveryMetric
		}
		rows++
		r := referenceOf(strings.Replace(text, row, "", 1))
		if !slices.ContainsFunc(all, func(p part) bool { return len(drift(p.code, p.told(r))) > 0 }) {
			t.Errorf("no test misses\n%s", row)
		}
	}
	if rows < 150 {
		t.Errorf("only %d rows were found", rows)
	}
}

// drift says what is in one and not in the other.
func drift(code, told []string) (found []string) {
	for _, word := range code {
		if !slices.Contains(told, word) {
			found = append(found, word+": is in the code, and not in the reference")
		}
	}
	for i, word := range told {
		switch {
		case !slices.Contains(code, word):
			found = append(found, word+": is in the reference, and not in the code")
		case slices.Contains(told[:i], word):
			found = append(found, word+": is in the reference twice")
		}
	}
	return found
}

// kinds are the modules that the words store, login and directory may name.
func kinds() (words []string) {
	for _, kind := range []struct{ word, namespace string }{
		{"store", "sidegate.stores"}, {"login", "sidegate.logins"}, {"directory", "sidegate.directories"},
	} {
		for _, module := range caddy.GetModules(kind.namespace) {
			words = append(words, kind.word+" "+module.ID.Name())
		}
	}
	return words
}

// toldKinds are the rows of the stores, and the headings of the others.
func toldKinds(r reference) (words []string) {
	for _, kind := range r.words("stores", "kind") {
		words = append(words, "store "+kind)
	}
	for _, s := range r {
		if strings.HasPrefix(s.heading, "login ") || strings.HasPrefix(s.heading, "directory ") {
			words = append(words, s.heading)
		}
	}
	return words
}

// directives are those of Caddy's handlers and matchers that are ours.
func directives() (words []string) {
	for _, kind := range []struct{ before, namespace string }{{"", "http.handlers"}, {"matcher ", "http.matchers"}, {"transport ", "http.reverse_proxy.transport"}, {"format ", "caddy.logging.encoders"}} {
		for _, module := range caddy.GetModules(kind.namespace) {
			if strings.HasPrefix(reflect.TypeOf(module.New()).Elem().PkgPath()+"/", house) {
				words = append(words, kind.before+module.ID.Name())
			}
		}
	}
	return words
}

func toldDirectives(r reference) (words []string) {
	among := false
	for _, s := range r {
		if s.level == 2 {
			among = s.heading == "Directives"
		} else if among && s.heading != "placeholders" {
			words = append(words, s.heading)
		}
	}
	return words
}

func placeholders() (words []string) {
	for _, field := range append(slices.Clone(caller.Fields), caller.Attribute+"<name>") {
		words = append(words, caller.Placeholder+field+"}")
	}
	return words
}

func toldPlaceholders(r reference) (words []string) {
	for _, row := range r.rows("placeholders", "placeholder") {
		words = append(words, quoted(row[0])...)
	}
	return words
}

// endpoints are those of the OpenAPI document, to which the routes are held.
func endpoints(t *testing.T) (words []string) {
	t.Helper()
	var document struct {
		Paths map[string]map[string]yaml.Node `yaml:"paths"`
	}
	if err := yaml.Unmarshal(web.Swagger("/auth", ""), &document); err != nil {
		t.Fatal(err)
	}
	for path, operations := range document.Paths {
		for method := range operations {
			if method != "parameters" && !strings.HasPrefix(method, "x-") {
				words = append(words, strings.ToUpper(method)+" /auth"+path)
			}
		}
	}
	return words
}

// toldEndpoints reads `GET, HEAD /auth/session` as two.
func toldEndpoints(r reference) (words []string) {
	for _, row := range r.rows("Endpoints", "route") {
		route := strings.Join(quoted(row[0]), " ")
		at := strings.LastIndex(route, " ")
		for method := range strings.SplitSeq(route[:max(at, 0)], ", ") {
			words = append(words, method+route[max(at, 0):])
		}
	}
	return words
}

// toldAudit are each event with its result.
func toldAudit(r reference) (words []string) {
	for _, row := range r.rows("The audit log", "`event`") {
		words = append(words, strings.Join(quoted(row[0]+row[1]), " "))
	}
	return words
}

func jsonFields(of any) (words []string) {
	for field := range reflect.TypeOf(of).Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		words = append(words, name)
	}
	return words
}

var errorStatus = regexp.MustCompile(`\b[45]\d\d\b`)

// toldRefusals are each error with each of its statuses.
func toldRefusals(r reference) (words []string) {
	for _, row := range r.rows("Refusals", "`error`") {
		for _, status := range errorStatus.FindAllString(row[1], -1) {
			words = append(words, strings.Join(quoted(row[0]), " ")+" "+status)
		}
	}
	return words
}

// reasons are those why somebody is not signed in.
func reasons() (words []string) {
	for _, reason := range caller.Reasons {
		words = append(words, reason.Code)
	}
	return words
}

// toldChoices are the values that an option's row offers.
func toldChoices(heading, option string) func(reference) []string {
	return func(r reference) []string {
		for _, row := range r.rows(heading, "option") {
			if slices.Contains(bareAll(row[0]), option) {
				return quoted(row[1])
			}
		}
		return nil
	}
}

// commands are ours, and those of Caddy's that the reference speaks of.
func commands() (words []string) {
	for name := range caddycmd.Commands() {
		if strings.HasPrefix(name, "sidegate-") || name == "hash-password" {
			words = append(words, "caddy "+name)
		}
	}
	return words
}

func commandFlags(command string) (words []string) {
	caddycmd.Commands()[command].Flags.VisitAll(func(f *flag.Flag) { words = append(words, "--"+f.Name) })
	return words
}

// commandOf is a command that has commands of its own.
func commandOf(command string) *cobra.Command {
	cmd := new(cobra.Command)
	caddycmd.Commands()[command].CobraFunc(cmd)
	return cmd
}

func subcommands(command string) (words []string) {
	for _, sub := range commandOf(command).Commands() {
		words = append(words, sub.Name())
	}
	return words
}

// subcommandFlags are those of the command and of all of them, each once.
func subcommandFlags(command string) (words []string) {
	whole := commandOf(command)
	for _, sub := range append(whole.Commands(), whole) {
		for word := range strings.FieldsSeq(sub.LocalFlags().FlagUsages()) {
			if name, isFlag := strings.CutPrefix(word, "--"); isFlag && !strings.ContainsAny(name, ",.;") && !slices.Contains(words, word) {
				words = append(words, word)
			}
		}
	}
	return words
}

// toldUnder are the words in the first column of a table.
func toldUnder(heading, column string) func(reference) []string {
	return func(r reference) []string { return r.words(heading, column) }
}

// toldOptions are the options under each heading.
func toldOptions(r reference) (words []string) {
	for _, s := range r {
		for _, word := range r.words(s.heading, "option") {
			words = append(words, fmt.Sprintf("%s: %s", s.heading, word))
		}
	}
	return words
}
