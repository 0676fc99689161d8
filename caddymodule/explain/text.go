package explain

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"text/tabwriter"
)

// text is the report as people read it.
func (r *Report) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "request: %s %s\n", r.Request.Method, r.Request.URL)
	fmt.Fprintf(&b, "person:  %s\n", r.Person.text())
	r.steps(&b)
	fmt.Fprintf(&b, "\nanswer: %s\n", r.Answer.text(r.Passes, r.Forwarded))
	if !r.Passes && r.Answer.Message != "" {
		fmt.Fprintf(&b, "        %s\n", r.Answer.Message)
	}
	if r.Answer.ofPolicy() {
		b.WriteString("\nthe proxy that asks gets:\n")
		writeHeaders(&b, r.Answer.Headers)
	}
	for _, f := range r.Forwarded {
		f.write(&b)
	}
	for _, part := range []struct {
		name  string
		lines []string
	}{{"log", r.Log}, {"note", r.Notes}} {
		for i, line := range part.lines {
			if i == 0 {
				b.WriteString("\n")
			}
			fmt.Fprintf(&b, "%s: %s\n", part.name, line)
		}
	}
	return b.String()
}

func (p *Person) text() string {
	if p == nil {
		return "nobody is signed in"
	}
	said := fmt.Sprintf("%s, number %d", p.Email, p.ID)
	if p.Login != "" {
		said += ", of login " + p.Login
	}
	if p.Account != "" {
		said += ", for account " + p.Account
	}
	return said + "; roles: " + names(p.Roles) + "; permissions: " + names(p.Permissions)
}

func names(all []string) string {
	if len(all) == 0 {
		return "none"
	}
	return strings.Join(all, " ")
}

// steps are a table.
func (r *Report) steps(to *strings.Builder) {
	if len(r.Steps) > 0 {
		to.WriteString("\n")
	}
	table := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	for i, s := range r.Steps {
		at := s.At
		if at == "" {
			at = strings.TrimPrefix(s.Route, "apps/http/servers/")
		}
		_, _ = fmt.Fprintf(table, "%d\t%s\t%s\t%s\n", i+1, s.Handler, at, s.said())
	}
	_ = table.Flush() // into memory
}

func (s *Step) said() string {
	said := s.Does
	for i, rule := range s.Rules {
		said += map[bool]string{true: ": ", false: ", "}[i == 0] + rule.String()
	}
	if len(s.When) > 0 {
		said += " [" + strings.Join(s.When, "; ") + "]"
	}
	return said
}

// text is the answer in one line.
func (a *Answer) text(passes bool, forwarded []Forwarded) string {
	var rules []string
	for _, rule := range a.Rules {
		rules = append(rules, rule.String())
	}
	by := strings.Join(rules, ", ")
	switch location := a.Headers.Get("Location"); {
	case passes && len(forwarded) > 0 && forwarded[0].To == a.Of:
		return "that of the app, " + a.Of + a.because(by)
	case !passes && by != "" && location != "":
		return fmt.Sprintf("%d to %s: %s", a.Status, location, by)
	case !passes && by != "":
		return fmt.Sprintf("%d %s: %s", a.Status, a.Error, by)
	case location != "":
		return fmt.Sprintf("%d to %s, by %s", a.Status, location, a.named()) + a.because(by)
	case a.Error != "":
		return fmt.Sprintf("%d %s, by %s", a.Status, a.Error, a.named())
	}
	return fmt.Sprintf("%d %s, by %s", a.Status, strings.ToLower(http.StatusText(a.Status)), a.named()) + a.because(by)
}

// because says why a request is not refused; nothing where none of our demands
// decides.
func (a *Answer) because(by string) string {
	switch {
	case by == "":
		return ""
	case a.WouldBe != 0:
		return fmt.Sprintf(", for it is only reported that it would be %d: %s", a.WouldBe, by)
	}
	return ", let pass by " + by
}

func (a *Answer) named() string {
	if a.At == "" {
		return a.Of
	}
	return a.Of + " (" + a.At + ")"
}

// write prints the request that an app gets.
func (f *Forwarded) write(to *strings.Builder) {
	fmt.Fprintf(to, "\n%s gets:\n    %s %s\n    Host: %s\n", f.To, f.Method, f.URI, f.Host)
	writeHeaders(to, f.Headers)
}

func writeHeaders(to *strings.Builder, h http.Header) {
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, value := range h[name] {
			fmt.Fprintf(to, "    %s: %s\n", name, value)
		}
	}
}

// ofPolicy reports whether it is the answer to a question of another proxy: of all
// endpoints those alone decide by demands.
func (a *Answer) ofPolicy() bool { return a.Of == "session_endpoints" && len(a.Rules) > 0 }
