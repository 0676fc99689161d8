package operations_test

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// readElsewhere are places whose message is a variable that other places fill in, which
// are read: a place that is not named here fails the test until its messages are known.
var readElsewhere = []string{
	"caddymodule: Happened",            // lines, in events.go
	"caddymodule: tellSome",            // the same
	"caddymodule/explain: Write",       // hands on what others log
	"caddymodule/storewatch: tellHeld", // what Failed and Hold were given
	"caddymodule/storewatch: isAway",   // its two constants are read
}

func TestEveryLineOfTheLogIsExplained(t *testing.T) {
	h, err := readHouse(os.DirFS(top))
	must(t, err)
	for where := range h.unclear {
		if !slices.Contains(readElsewhere, where) {
			t.Errorf("%s: what it logs cannot be read off the code: let the message be a text, or name the place in readElsewhere", where)
		}
	}
	if len(h.messages) < 100 {
		t.Errorf("only %d messages were found", len(h.messages))
	}
	rows, reference := explained(readFile(t, "deploy/OPERATIONS.md")), readFile(t, "deploy/REFERENCE.md")
	for _, message := range slices.Sorted(maps.Keys(h.messages)) {
		matching := slices.DeleteFunc(slices.Clone(rows), func(row string) bool { return !matches(row, message) })
		if len(matching) == 0 && strings.Contains(reference, "`"+message+"`") {
			continue
		}
		if len(matching) != 1 {
			t.Errorf("%v: %q has the rows %q of OPERATIONS.md; want one", h.messages[message], message, matching)
		}
	}
	for _, row := range rows {
		if !slices.ContainsFunc(slices.Collect(maps.Keys(h.messages)), func(m string) bool { return matches(row, m) }) {
			t.Errorf("nothing logs %q", row)
		}
	}
}

// explained are the messages of the tables of lines.
func explained(text string) (rows []string) {
	_, text, _ = strings.Cut(text, "\n## What each line of the log means\n")
	text, _, _ = strings.Cut(text, "\n## ")
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.TrimSpace(line), " | ")
		if message := strings.TrimPrefix(cells[0], "| "); len(cells) == 4 && strings.HasPrefix(message, "`") {
			rows = append(rows, strings.TrimSpace(strings.Trim(strings.ReplaceAll(message, "`` `", "`` \x00"), "`")))
		}
	}
	for i := range rows {
		rows[i] = strings.ReplaceAll(rows[i], "\x00", "`")
	}
	return rows
}

// matches reports whether a row is about a message: "..." stands for any text.
func matches(row, message string) bool {
	parts := strings.Split(row, "...")
	rest, ok := strings.CutPrefix(message, strings.TrimRight(parts[0], " "))
	for _, part := range parts[1:] {
		var found bool
		_, rest, found = strings.Cut(rest, strings.TrimSpace(part))
		ok = ok && found
	}
	return ok && (rest == "" || strings.HasSuffix(row, "..."))
}

func TestRowsMatchTheirMessages(t *testing.T) {
	for _, c := range []struct {
		name, row, message string
		want               bool
	}{
		{"the whole", "signed in", "signed in", true},
		{"no more than that", "signed in", "signed in twice", false},
		{"a beginning", "signed...", "signed in twice", true},
		{"another beginning", "signed...", "was signed in", false},
		{"what differs in the middle", "redis is of version ... and old", "redis is of version * and old", true},
		{"what differs at the beginning", "... refuses", "*: refuses", true},
		{"another end", "a ... refuses", "a *: refuses you", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := matches(c.row, c.message); got != c.want {
				t.Errorf("%t; want %t", got, c.want)
			}
		})
	}
}

// What reads the code is tested too, for a message that is not read is missed by nobody.
func TestMessagesAreReadOffTheCode(t *testing.T) {
	const head = "package a\nimport \"go.uber.org/zap\"\n"
	for _, c := range []struct {
		name, text string
		want       []string
	}{
		{"a text", `func f() { logger.Warn("one", zap.Error(err)) }`, []string{"one"}},
		{"texts that are joined", `func f() { logger.Warn("one " + "two") }`, []string{"one two"}},
		{"a constant", "const c = \"one\"\nfunc f() { logger.Info(c) }", []string{"one"}},
		{"a level and a text", `func f() { logger.Log(zap.WarnLevel, "one") }`, []string{"one"}},
		{"a table", `var lines = map[string]line{"a": {zap.InfoLevel, "one", fields}}`, []string{"one"}},
		{"what is handed to a function that logs it", "func tell(err error, m string) { logger.Warn(m) }\nfunc f() { tell(nil, \"one\") }", []string{"one"}},
		{"one of two", "func f() { m := \"one\"\nif x { m = \"two\" }\nlogger.Warn(m) }", []string{"one", "two"}},
		{"what is not known before", `func f() { logger.Warn("version " + v) }`, []string{"version *"}},
		{"a format", `func f() { logger.Warn(fmt.Sprintf("%s: one", x)) }`, []string{"*: one"}},
		{"nothing for debugging", `func f() { logger.Debug("one"); logger.Log(zap.DebugLevel, "two") }`, nil},
		{"no error of a field", `func f() { logger.Warn("one", zap.Error(x)) }`, []string{"one"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h, err := readHouse(fstest.MapFS{"a/a.go": {Data: []byte(head + c.text)}})
			must(t, err)
			if got := slices.Sorted(maps.Keys(h.messages)); !slices.Equal(got, c.want) || len(h.unclear) > 0 {
				t.Errorf("%q, unclear %v; want %q", got, h.unclear, c.want)
			}
		})
	}
}
