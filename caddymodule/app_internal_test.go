package caddymodule

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
)

// A group that is not among the groups would be configured and never looked at.
func TestEveryOptionIsOfAGroup(t *testing.T) {
	a := new(App)
	groups := a.groups()
	for field, value := range reflect.ValueOf(a).Elem().Fields() {
		if field.IsExported() && !slices.ContainsFunc(groups, func(o options) bool { return o == value.Addr().Interface() }) {
			t.Errorf("%s is provisioned by nobody", field.Name)
		}
	}
}

// The words of all groups are joined: of two that are alike, one would never
// be read.
func TestNoTwoGroupsOfOptionsHaveOneWord(t *testing.T) {
	before := make(map[string]options)
	for _, group := range new(App).groups() {
		for word := range group.words() {
			if other, taken := before[word]; taken {
				t.Errorf("%s is a word of %T and of %T", word, other, group)
			}
			before[word] = group
		}
	}
}

// The syntax above UnmarshalCaddyfile is where one looks an option up.
func TestTheSyntaxOfTheOptionsHasEveryWord(t *testing.T) {
	syntax := syntaxOfApp(t)
	var words []string
	for _, group := range new(App).groups() {
		words = slices.AppendSeq(words, maps.Keys(group.words()))
	}
	slices.Sort(words)
	if written := slices.Sorted(maps.Keys(syntax)); !slices.Equal(written, words) {
		t.Errorf("written down:\n%q\nread:\n%q", written, words)
	}
	for word, inner := range syntax {
		for _, name := range inner {
			text := "sidegate {\n" + word + " {\n" + name + "\n}\n}\n"
			if word == "role" {
				text = strings.Replace(text, word, "role admin", 1)
			}
			err := new(App).UnmarshalCaddyfile(caddyfile.NewTestDispenser(text))
			if err != nil && strings.Contains(err.Error(), "unrecognized") {
				t.Errorf("%s of %s is written down, and not read: %v", name, word, err)
			}
		}
	}
}

// syntaxOfApp reads the comment: the words of the sidegate block, and for each
// those of its own block.
func syntaxOfApp(t *testing.T) map[string][]string {
	t.Helper()
	syntax := make(map[string][]string)
	var within []string
	for line := range strings.Lines(docOf(t, "app.go", "UnmarshalCaddyfile")) {
		words := strings.Fields(line)
		if !strings.HasPrefix(line, "\t") || len(words) == 0 {
			continue
		}
		switch {
		case words[0] == "}" && len(within) > 0:
			within = within[:len(within)-1]
			continue
		case len(within) == 1:
			syntax[words[0]] = nil
		case len(within) == 2:
			syntax[within[1]] = append(syntax[within[1]], words[0])
		}
		if words[len(words)-1] == "{" {
			within = append(within, words[0])
		}
	}
	if len(syntax) == 0 || len(within) != 0 {
		t.Fatalf("the syntax cannot be read: %q", syntax)
	}
	return syntax
}

// docOf returns the comment above a function of that file.
func docOf(t *testing.T, file, function string) string {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, declared := range parsed.Decls {
		if f, ok := declared.(*ast.FuncDecl); ok && f.Name.Name == function {
			return f.Doc.Text()
		}
	}
	t.Fatalf("%s has no %s", file, function)
	return ""
}

func TestASecretThatCouldBeGuessedIsWarnedAbout(t *testing.T) {
	core, logs := observer.New(zap.WarnLevel)
	weak := strings.Repeat("0", 32)
	o := SecretOptions{secrets: []string{"qOCd1Dxs0zVn0kq1o0y7wRr5bS0H8nJ3lQ2gZ6mT4uE=", weak}}
	o.warnOfWeak(zap.New(core))
	told := logs.All()
	if len(told) != 1 || told[0].ContextMap()["number"] != int64(2) || told[0].ContextMap()["option"] != "secret" {
		t.Fatalf("the log says %+v", told)
	}
	if strings.Contains(fmt.Sprint(told[0].Message, told[0].ContextMap()), weak) {
		t.Error("the secret is in the log")
	}
}

// Where other gateways share the store it is a way to have it, else nobody ever is
// signed in.
func TestAGatewayWhereNobodyCanSignInIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		asks, answers bool
		store         StoreModule
		want          string
	}{
		"sessions that are asked for, and nowhere to sign in": {true, false, new(MemoryStore), "warn"},
		"sessions of other gateways":                          {true, false, new(RedisStore), "info"},
		"somewhere to sign in":                                {true, true, new(MemoryStore), ""},
		"nobody who is asked":                                 {false, false, new(MemoryStore), ""},
	} {
		core, logs := observer.New(zap.InfoLevel)
		a := &App{logger: zap.New(core), asks: c.asks, answers: c.answers, StoreOptions: StoreOptions{store: c.store}}
		a.warnOfNoEndpoints()
		told := logs.All()
		if len(told) == 1 != (c.want != "") || c.want != "" && told[0].Level.String() != c.want {
			t.Errorf("%s: the log says %+v", name, told)
		}
	}
}

func TestTheLogSaysWhoIsServedWhileTheStoreIsAway(t *testing.T) {
	for want, c := range map[string]CacheConfig{
		"who is signed in is answered with 503 (cache off)":                                   {Off: true},
		"is served for 10s after the store was asked about them last (cache 10s, stale 0s)":   {},
		"is served for 5m5s after the store was asked about them last (cache 5s, stale 5m0s)": {TTL: caddy.Duration(5 * time.Second), Stale: caddy.Duration(5 * time.Minute)},
	} {
		if got := c.served(); !strings.Contains(got, want) {
			t.Errorf("%+v: the log says %q; want %q", c, got, want)
		}
	}
}
