package adopt

import (
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"example.com/sidegate/caddymodule/identity"
)

const (
	// maxNames is how many cookies a login may name, and maxName how long a name is,
	// in bytes.
	maxNames = 16
	maxName  = 255
	// maxPairs bounds the cookies that one request presents: their parts, and values.
	maxPairs = 32
	// maxBytes bounds what they have together. Caddy's bound on headers is higher.
	maxBytes = 64 << 10
)

// Names are those of another gateway's cookies. Gateways cut what is too long for
// one cookie into several: sid_0 is a part of sid.
type Names struct{ exact, folded []string }

// NewNames checks the names of cookies.
func NewNames(names ...string) (*Names, error) {
	if len(names) > maxNames {
		return nil, fmt.Errorf("%d cookies are named: %d at most", len(names), maxNames)
	}
	n := new(Names)
	for _, name := range names {
		switch {
		case strings.Contains(name, "="):
			before, _, _ := strings.Cut(name, "=") // what is behind may be a secret
			return nil, fmt.Errorf("cookie %s=: that is no name of a cookie: give the name alone, without = and what is behind it", before)
		case strings.Contains(name, "*"):
			return nil, fmt.Errorf("cookie %s: names are whole ones; parts of it, such as %s_0, are known by it", name, strings.TrimRight(name, "*_"))
		case name == "" || len(name) > maxName || strings.ContainsAny(name, " \t;=,\"") || strings.ContainsFunc(name, isControl):
			return nil, fmt.Errorf("cookie %q: that is no name of a cookie", name)
		case slices.Contains(n.exact, name):
			return nil, fmt.Errorf("cookie %s is given twice", name)
		}
		n.exact, n.folded = append(n.exact, name), append(n.folded, identity.FoldCookie(name))
	}
	return n, nil
}

// All are the names as they were given.
func (n *Names) All() []string { return slices.Clone(n.exact) }

// Has reports whether the cookie is one of those, or a part of one.
func (n *Names) Has(name string) bool { return has(n.exact, name) }

// HasFolded is Has for a name as identity.FoldCookie gives it: what only looks
// different from theirs is theirs to some apps.
func (n *Names) HasFolded(name string) bool { return has(n.folded, name) }

func has(names []string, name string) bool {
	for _, of := range names {
		if rest, ok := strings.CutPrefix(name, of); ok && (rest == "" || isPart(rest)) {
			return true
		}
	}
	return false
}

// isPart reports whether that stands behind the name of a part: a number.
func isPart(rest string) bool {
	digits, ok := strings.CutPrefix(rest, "_")
	return ok && digits != "" && len(digits) <= 3 && strings.Trim(digits, "0123456789") == ""
}

// Cookie is one that a request presents.
type Cookie struct{ Name, Value string }

// Presented are the cookies that a request presents, each name once, in the order
// of their names.
type Presented []Cookie

// errPresented says that nobody can be asked about cookies as they came.
var errPresented = errors.New("the cookies cannot be told apart, or cannot stand in a request")

// Read takes those cookies of the names that have a value. An empty Presented
// without error says that there is none. Of two of one name with different values
// nobody knows which the other gateway would take, so neither counts (RFC 6265
// section 8.6); nor do any where some are parts that it would not read.
func (n *Names) Read(cookies iter.Seq2[string, string]) (Presented, error) {
	var p Presented
	size := 0
	for name, value := range cookies {
		if value == "" || !n.Has(name) {
			continue
		}
		if i := slices.IndexFunc(p, func(c Cookie) bool { return c.Name == name }); i >= 0 {
			if p[i].Value != value {
				return nil, errPresented
			}
			continue
		}
		size += len(name) + len(value)
		if len(p) == maxPairs || size > maxBytes || !isValue(value) {
			return nil, errPresented
		}
		p = append(p, Cookie{name, value})
	}
	slices.SortFunc(p, func(a, b Cookie) int { return strings.Compare(a.Name, b.Name) })
	if slices.ContainsFunc(p, n.unread(p)) {
		return nil, errPresented
	}
	return p, nil
}

// unread reports of which cookies a gateway that cuts them reads nothing: parts beside
// the whole one, and those behind a number that is not there. It counts from 0, or
// from 1. Were they let be, anybody could make another cookie of one that is spent by
// adding to it what the other gateway passes over.
func (n *Names) unread(p Presented) func(Cookie) bool {
	has := func(name string) bool {
		return slices.ContainsFunc(p, func(c Cookie) bool { return c.Name == name })
	}
	read := make(map[string]bool)
	for _, whole := range n.exact {
		if has(whole) {
			continue
		}
		number := 0
		if !has(whole + "_0") {
			number = 1
		}
		for ; has(fmt.Sprintf("%s_%d", whole, number)); number++ {
			read[fmt.Sprintf("%s_%d", whole, number)] = true
		}
	}
	return func(c Cookie) bool { return !slices.Contains(n.exact, c.Name) && !read[c.Name] }
}

// Of are those of the names.
func (p Presented) Of(n *Names) (of Presented) {
	for _, c := range p {
		if n.Has(c.Name) {
			of = append(of, c)
		}
	}
	return of
}

// isValue reports whether a value can stand in a Cookie header and be read there as
// the one value that it is (CWE-93).
func isValue(value string) bool {
	return !strings.ContainsFunc(value, func(c rune) bool { return c == ';' || isControl(c) })
}

func isControl(c rune) bool { return c < ' ' || c == 0x7f }

// line is a Cookie header of them.
func (p Presented) line() string {
	var b strings.Builder
	for i, c := range p {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(c.Name + "=" + c.Value)
	}
	return b.String()
}
