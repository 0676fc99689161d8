package check

import (
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"example.com/sidegate/caddymodule/directive"
)

var (
	// untilOurs is the path of modules that Caddy puts before what one of ours says.
	untilOurs = regexp.MustCompile(`^(?s:.*?)provision (?:sidegate[a-z_.]*|http\.(?:handlers|matchers)\.session[a-z_]*): `)
	// step is one more of it, down to a login, say.
	step = regexp.MustCompile(`^(?:loading [a-z ]*modules?(?: '[^']*')?: |position \d+: |provision [a-z_.]+: )`)
	// tokens is what Caddy puts before what is said of a line; of handle and route,
	// once more.
	tokens = regexp.MustCompile(`^(?:parsing caddyfile tokens for '[^']*': )+`)
	// atLine is where Caddy's own errors have the line.
	atLine = regexp.MustCompile(`^(?s:(.*)), at ([^ ]+:\d+)(?: import chain (\[.*\]))?$`)
	// placed is an error that begins with its line.
	placed = regexp.MustCompile(`^[^ ]+:\d+: `)

	unknownWord  = regexp.MustCompile(`unrecognized (directive|global option): ([^ \n]+)`)
	unknownField = regexp.MustCompile(`^(?s:.*)decoding module config: ((?:sidegate|http\.(?:handlers|matchers)\.session)[a-z_.]*): (json: unknown field "([^"]*)")$`)
)

// Said is what an error says, by file, line and what to do: without the path of
// modules that Caddy puts before what one of ours says, and with what may have been
// meant by a word that Caddy does not know, if that is one of ours.
func Said(err error) string {
	said := strings.TrimPrefix(err.Error(), "adapting config using caddyfile: ")
	if field := unknownField.FindStringSubmatch(said); field != nil {
		return field[1] + ": " + field[2] + meantField(field[1], field[3])
	}
	if path := untilOurs.FindString(said); path != "" {
		return withoutSteps(said[len(path):])
	}
	return lineFirst(withMeant(said))
}

// withoutSteps leaves out the path of modules down to what is wrong; the line where one
// of them stands comes before it.
func withoutSteps(said string) (rest string) {
	at := ""
	for {
		if path := step.FindString(said); path != "" {
			said = said[len(path):]
		} else if line := placed.FindString(said); line != "" && at == "" && step.MatchString(said[len(line):]) {
			at, said = line, said[len(line):]
		} else {
			return at + said
		}
	}
}

// lineFirst has an error about a line begin with it.
func lineFirst(said string) string {
	bare := said[len(tokens.FindString(said)):]
	if placed.MatchString(bare) {
		return bare
	}
	parts := atLine.FindStringSubmatch(bare)
	if parts == nil {
		return said
	}
	if bare = parts[2] + ": " + parts[1]; parts[3] != "" {
		bare += " (imported: " + parts[3] + ")"
	}
	return bare
}

// withMeant says which word of ours may have been meant by one of a site, or of the
// global options, that Caddy does not know.
func withMeant(said string) string {
	found := unknownWord.FindStringSubmatchIndex(said)
	if found == nil {
		return said
	}
	ours, word, inSite := []string{"sidegate"}, said[found[4]:found[5]], said[found[2]:found[3]] == "directive"
	if inSite {
		ours = directives()
	}
	advice := elsewhere(word, inSite)
	if advice == "" {
		advice = meant(word, ours)
	}
	return said[:found[1]] + advice + said[found[1]:]
}

// elsewhere says where a word of ours belongs that stands among the directives of a
// site, or else among the global options; empty for others.
func elsewhere(word string, inSite bool) string {
	var homes []string
	switch {
	case slices.Contains(directives(), word) && !inSite:
		homes = []string{"a directive, in the block of a site"}
	case word == "sidegate" && inSite:
		homes = []string{"a global option: it stands in the braces that begin the Caddyfile, before the sites"}
	case inSite:
		homes = directive.Homes(word)
	case slices.Contains(directive.Blocks()["sidegate"], word):
		homes = []string{"an option of the global block `sidegate { ... }`"}
	}
	if len(homes) == 0 {
		return ""
	}
	return ": it is " + strings.Join(homes, ", and ")
}

func meant(word string, names []string) string {
	if near, ok := directive.Nearest(word, names); ok {
		return ": did you mean `" + near + "`?"
	}
	return ""
}

// directives are those of ours.
func directives() (names []string) {
	for _, module := range caddy.GetModules("http.handlers") {
		if name := module.ID.Name(); strings.HasPrefix(name, "session_") {
			names = append(names, name)
		}
	}
	return names
}

// meantField is meant for a field of a module in JSON. One that stands in the wrong
// place is told by the field that it belongs into.
func meantField(id, name string) string {
	fields := fieldsOf(id)
	if !slices.Contains(fields, name) {
		return meant(name, fields)
	}
	if module, err := caddy.GetModule(id); err == nil {
		if into := parentOf(reflect.TypeOf(module.New()), name); into != "" {
			return ": it belongs into `" + into + "`"
		}
	}
	return ""
}

// parentOf is the field whose value has one of that name; empty where none has, or the
// whole has.
func parentOf(t reflect.Type, name string) string {
	if t = bare(t); t.Kind() != reflect.Struct {
		return ""
	}
	for field := range t.Fields() {
		own, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !field.IsExported() || own == "-" {
			continue
		}
		if own == "" {
			if into := parentOf(field.Type, name); into != "" {
				return into
			}
			continue
		}
		if slices.Contains(fieldsIn(field.Type, nil), name) {
			return own
		}
	}
	return ""
}

// bare is the type of what a pointer leads to, or a list has.
func bare(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	return t
}

// fieldsOf are the fields of a module in JSON, with those inside of them.
func fieldsOf(id string) []string {
	module, err := caddy.GetModule(id)
	if err != nil {
		return nil
	}
	return fieldsIn(reflect.TypeOf(module.New()), nil)
}

func fieldsIn(t reflect.Type, names []string) []string {
	if t = bare(t); t.Kind() != reflect.Struct {
		return names
	}
	for field := range t.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !field.IsExported() || name == "-" || slices.Contains(names, name) && name != "" {
			continue
		}
		if name != "" {
			names = append(names, name)
		}
		if name != "" || field.Anonymous {
			names = fieldsIn(field.Type, names)
		}
	}
	return names
}
