package users

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"example.com/sidegate/caddymodule/login"
)

// htpasswd reads lines of name:hash.
func (i *importer) htpasswd(text string) {
	n := 0
	for line := range strings.SplitSeq(text, "\n") {
		n++
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, rest, ok := strings.Cut(line, ":")
		if !ok {
			i.tell(n, "is none of the form name:hash: left out")
			continue
		}
		hash, _, _ := strings.Cut(rest, ":")
		if !i.add(imported{line: n, name: name, password: hash}) {
			return
		}
	}
}

// authelia reads a users database of Authelia's file backend.
func (i *importer) authelia(data []byte) error {
	people, err := autheliaUsers(data)
	if err != nil {
		return err
	}
	for n := 0; n+1 < len(people.Content); n += 2 {
		key, value := people.Content[n], people.Content[n+1]
		line := key.Line
		if key.Kind == yaml.AliasNode {
			key = key.Alias
		}
		var entry struct {
			Disabled    bool     `yaml:"disabled"`
			DisplayName string   `yaml:"displayname"`
			Email       string   `yaml:"email"`
			Password    string   `yaml:"password"`
			Groups      []string `yaml:"groups"`
		}
		if err := value.Decode(&entry); err != nil {
			i.tell(line, whyUnreadable(err))
			continue
		}
		if !i.add(imported{line: line, name: key.Value, email: strings.TrimSpace(entry.Email), password: entry.Password,
			called: entry.DisplayName, roles: entry.Groups, disabled: entry.Disabled}) {
			return nil
		}
	}
	return nil
}

// autheliaUsers finds the people of the one document. A second one, and a second
// list, are told of: nobody would miss people of whom nothing is said.
func autheliaUsers(data []byte) (*yaml.Node, error) {
	const form = "the file has no `users:` with names below it, as Authelia's users database does"
	var document, further yaml.Node
	dec := yaml.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&document); errors.Is(err, io.EOF) {
		return nil, errors.New(form)
	} else if err != nil {
		return nil, notYAML("the users database", err)
	}
	if err := dec.Decode(&further); err == nil {
		return nil, fmt.Errorf("line %d: a second YAML document begins here, which Authelia passes over: put all people below one `users:`", further.Line)
	} else if !errors.Is(err, io.EOF) {
		return nil, notYAML("the users database", err)
	}
	var people *yaml.Node
	first := 0
	if root := document.Content[0]; root.Kind == yaml.MappingNode {
		for n := 0; n+1 < len(root.Content); n += 2 {
			if root.Content[n].Value != "users" {
				continue
			}
			if people != nil {
				return nil, fmt.Errorf("line %d: `users:` is there twice, first in line %d: put all people below one", root.Content[n].Line, first)
			}
			people, first = root.Content[n+1], root.Content[n].Line
		}
	}
	if people != nil && people.Kind == yaml.SequenceNode && len(people.Content) > 0 && people.Content[0].Kind == yaml.MappingNode {
		return nil, errors.New("the file has a list below `users:`: it is a users file of Sidegate already, and needs no import")
	}
	if people == nil || people.Kind != yaml.MappingNode {
		return nil, errors.New(form)
	}
	return people, nil
}

func whyUnreadable(err error) string {
	if strings.Contains(err.Error(), "already defined") {
		return "cannot be read: left out; a field is there twice: remove one of them"
	}
	return "cannot be read: left out; a field is of another type than in Authelia"
}

// whyNoName says what to do about a name that ReadName does not read.
func whyNoName(name string) string {
	name = strings.TrimSpace(name)
	why := "holds a character that cannot be seen"
	switch {
	case name == "":
		return "there is no name: left out; give them one"
	case !utf8.ValidString(name):
		return "the name is not in UTF-8: left out; convert the file, as with `iconv -f latin1 -t utf-8`, and import it again"
	case len(name) > login.MaxTyped:
		why = fmt.Sprintf("is longer than %d bytes", login.MaxTyped)
	case strings.Contains(name, "@"):
		why = "has an @ and is no address (name@domain)"
	}
	return "the name is none that people can sign in by here, since it " + why + ": left out; give them another one"
}

// whyNoAddress says what to do about somebody who has none.
func whyNoAddress(p imported) string {
	if p.email != "" {
		return "the email is no address (name@domain): left out; correct it"
	}
	return "there is no address to know the person by, and the name makes none, for it holds a space or another character that no address has: " +
		"left out; give them an email or another name, or write them into the users file yourself"
}

// anotherKind says that the file is not of the kind that somebody has named, which
// every line of it would say otherwise.
func anotherKind(kind string, data []byte) error {
	head := bytes.TrimSpace(bytes.TrimPrefix(data[:min(len(data), 4096)], []byte("\ufeff")))
	switch {
	case bytes.HasPrefix(data, []byte{0xFF, 0xFE}), bytes.HasPrefix(data, []byte{0xFE, 0xFF}):
		return errors.New("the file is UTF-16: make it UTF-8, as with `iconv -f utf-16 -t utf-8`")
	case bytes.IndexByte(data, 0) >= 0:
		return errors.New("the file is no text: name the htpasswd file or the users database itself")
	case kind == KindAuthelia && htpasswdLine.Match(head):
		return errors.New("the file looks like one of htpasswd: say `caddy sidegate-import-users htpasswd <file>`")
	case kind == KindHtpasswd && notHtpasswd.Match(head):
		return errors.New("the file is none of htpasswd, whose lines are name:hash: " +
			"for a users database of Authelia say `caddy sidegate-import-users authelia <file>`")
	}
	return nil
}

var (
	htpasswdLine = regexp.MustCompile(`(?m)\A(?:\s*#.*\n|\s*\n)*[^\s:#][^:\n]*:[${]\S+\s*$`)
	notHtpasswd  = regexp.MustCompile(`(?m)\A(?:\s*#.*\n|\s*\n)*(?:---|users:\s*$|users:\s*[\[{]|[{\[]|-----BEGIN )`)
)

// placeInFile is what a problem of a users file begins with; the place that counts is
// that of the other file.
var placeInFile = regexp.MustCompile(`^users file line \d+: person 1: `)

// inAuthelia has the names of fields there.
var inAuthelia = strings.NewReplacer("name holds", "displayname holds", "name is", "displayname is", "roles ", "groups ")
