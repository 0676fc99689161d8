package operations_test

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"example.com/sidegate/caddymodule/adminapi"
)

// A command that is in the document and that no binary has would be tried at night.
func TestCommandsOfTheDocumentAreThere(t *testing.T) {
	found, reference := commandsOf(readFile(t, "deploy/OPERATIONS.md")), readFile(t, "deploy/REFERENCE.md")
	told := make(map[string]bool)
	for _, words := range found {
		told[words[0]] = true
		if !strings.Contains(reference, "`caddy "+words[0]) {
			t.Errorf("the reference has no %s", words[0])
		}
		if err := understood(words); err != nil {
			t.Errorf("%s: %v", strings.Join(words, " "), err)
		}
	}
	for _, name := range []string{"sidegate-check", "sidegate-explain", "sidegate-map", "sidegate-sessions", "sidegate-store"} {
		if !told[name] {
			t.Errorf("%s is not told of", name)
		}
	}
}

func TestRoutesOfTheDocumentAreThere(t *testing.T) {
	found, there := routesOf(readFile(t, "deploy/OPERATIONS.md")), adminapi.Paths()
	if len(found) < 3 {
		t.Errorf("only %q are told of", found)
	}
	for _, route := range found {
		if !slices.Contains(there, route) {
			t.Errorf("there is no %s", route)
		}
	}
}

// code is what stands between backquotes, and each line of a block.
func code(text string) (found []string) {
	inBlock := false
	for line := range strings.Lines(text) {
		switch line = strings.TrimSpace(line); {
		case strings.HasPrefix(line, "```"):
			inBlock = !inBlock
		case inBlock:
			found = append(found, line)
		default:
			for i, part := range strings.Split(line, "`") {
				if i%2 == 1 {
					found = append(found, part)
				}
			}
		}
	}
	return found
}

// commandsOf are the commands of ours, without what runs them.
func commandsOf(text string) (found [][]string) {
	for _, line := range code(text) {
		words := strings.Fields(line)
		for i, word := range words {
			if strings.HasPrefix(word, "sidegate-") && (i == 0 || strings.Contains(words[i-1], "caddy") || strings.HasPrefix(words[i-1], "$")) {
				found = append(found, words[i:])
			}
		}
	}
	return found
}

// routesOf are the routes of the admin endpoint.
func routesOf(text string) (found []string) {
	route := regexp.MustCompile(`(?:^|localhost:2019|\b(GET|POST|DELETE) )(/sidegate/[a-z/{}]+)`)
	for _, line := range code(text) {
		for _, m := range route.FindAllStringSubmatch(line, -1) {
			method := m[1]
			if method == "" {
				method = "GET"
			}
			found = append(found, method+" "+m[2])
		}
	}
	return found
}

// understood is what a command of ours says of its words, without doing anything.
func understood(words []string) error {
	registered, ok := caddycmd.Commands()[words[0]]
	if !ok {
		return errNone
	}
	cmd := &cobra.Command{Use: registered.Name}
	if registered.Flags != nil {
		cmd.Flags().AddGoFlagSet(registered.Flags)
	}
	if registered.CobraFunc != nil {
		registered.CobraFunc(cmd)
	}
	cmd, rest, err := cmd.Find(words[1:])
	if err != nil {
		return err
	}
	if cmd.HasSubCommands() && len(rest) > 0 {
		return errNone
	}
	return cmd.ParseFlags(rest)
}

var errNone = errors.New("there is no such command")

// What finds the commands is tested too, for one that is not found is missed by nobody.
func TestCommandsAreFoundAndJudged(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want, good int
	}{
		{"in a line of text", "say `caddy sidegate-sessions count` and `sidegate-store compact`", 2, 2},
		{"in a block", "```\n./caddy.new sidegate-check /etc/caddy/Caddyfile --strict\n```", 1, 1},
		{"behind what runs it", "`$K /caddy sidegate-health $S ready` and `$U sidegate-store check x`", 2, 2},
		{"no part of a path", "`ls /var/backups/sidegate-monday`", 0, 0},
		{"another command", "`caddy sidegate-session count`", 1, 0},
		{"another part of one", "`caddy sidegate-sessions delete 7`", 1, 0},
		{"another part of the store", "`caddy sidegate-store restore x`", 1, 0},
		{"another flag", "`caddy sidegate-sessions list --user 7 --page 2`", 1, 0},
		{"a flag of another part", "`caddy sidegate-sessions list --all --yes`", 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			found, good := commandsOf(c.text), 0
			for _, words := range found {
				if understood(words) == nil {
					good++
				}
			}
			if len(found) != c.want || good != c.good {
				t.Errorf("%q, of which %d are there", found, good)
			}
		})
	}
}
