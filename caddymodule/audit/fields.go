package audit

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/demand"
	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/sessionstore"
)

// How much of a text a line repeats, in bytes.
const (
	longestName = 128
	longestPath = 256
	longestWhy  = 1024
)

// Fields are those of every line, in their order; empty, or 0, is what is not known or
// does not apply.
var Fields = []string{"event", "result", "user_id", "session", "client", "login", "method", "route", "rule", "by", "config"}

// fields are the Fields of a line, and what more there is to tell.
func (l *Log) fields(e entry) []zap.Field {
	fields := make([]zap.Field, 0, 16)
	fields = append(fields,
		zap.String("event", e.event), zap.String("result", e.result),
		zap.Int64("user_id", e.UserID), zap.String("session", idOf(e.Session)), zap.String("client", clientOf(e.Event)),
		text("login", e.Login, longestName), text("method", e.Method, longestName), text("route", e.Path, longestPath),
		text("rule", ruleOf(e.Event), longestWhy), text("by", e.byWhom(), longestPath), zap.String("config", l.config.Digest()))
	if e.Host != "" {
		fields = append(fields, text("host", e.Host, longestPath))
	}
	if ended(e.Event) && e.Count != 1 {
		fields = append(fields, zap.Int("count", e.Count))
	}
	for _, more := range []struct {
		name, value string
		most        int
	}{{nameOf(e.Event), e.Name, longestPath}, {"account_id", e.account(), longestName}, {"why", whyOf(e.Event), longestWhy}} {
		if more.value != "" {
			fields = append(fields, text(more.name, more.value, more.most))
		}
	}
	return fields
}

// ended reports whether it is sessions that have ended.
func ended(e lifecycle.Event) bool {
	return e.Kind == lifecycle.SessionEnded || e.Kind == lifecycle.EndedByOperator
}

func idOf(key sessionstore.Key) string {
	if key == (sessionstore.Key{}) {
		return ""
	}
	return key.ID()
}

func clientOf(e lifecycle.Event) string {
	if !e.Client.IsValid() {
		return ""
	}
	return e.Client.String()
}

// ruleOf is what was not met, as the configuration says it.
func ruleOf(e lifecycle.Event) string {
	switch {
	case e.Kind == demand.Forbidden || e.Kind == demand.Anonymous:
		return e.Result
	case e.Kind == lifecycle.TooMany, e.Kind == lifecycle.SessionEnded && e.Result == lifecycle.EndForRoom:
		return "max_sessions"
	case e.Kind == lifecycle.NumberTaken || e.Kind == lifecycle.NumberReserved:
		return "same_people"
	}
	return ""
}

func (e entry) byWhom() string {
	if e.by == byOperator {
		return byOperator + cmp.Or(e.Result, "unknown")
	}
	return e.by
}

// nameOf is what the name of the event is: what somebody typed, or what an operator
// asked for.
func nameOf(e lifecycle.Event) string {
	if e.Kind == lifecycle.EndedByOperator {
		return "asked_for"
	}
	return "account"
}

// account is the one that somebody has chosen to act for.
func (e entry) account() string {
	if e.Kind == endpoint.AccountChosen || e.Kind == endpoint.AccountRefused {
		return e.Result
	}
	return ""
}

func whyOf(e lifecycle.Event) string {
	switch {
	case e.Kind == lifecycle.RightsChanged:
		return e.Result
	case e.Kind == demand.Forbidden && e.Err != nil:
		return "has " + e.Err.Error()
	case e.Err != nil:
		return e.Err.Error()
	}
	return ""
}

// text is a field of what anybody may have made up.
func text(name, value string, most int) zap.Field { return zap.String(name, shown(value, most)) }

// shown is a text as a line may repeat it: cut at a character's edge, and with what
// would begin a line, move the cursor, turn the line around, or is no text, in its
// place in letters. However the line is written down, nobody makes it two, or has it
// read as another (CWE-117).
func shown(value string, most int) string {
	if plain(value) && len(value) <= most {
		return value
	}
	var b strings.Builder
	for i, c := range value {
		_, size := utf8.DecodeRuneInString(value[i:])
		one := value[i : i+size]
		switch {
		case c == utf8.RuneError && size == 1:
			one = fmt.Sprintf(`\x%02x`, value[i])
		case !unicode.IsPrint(c):
			one = fmt.Sprintf(`\u{%x}`, c)
		}
		if b.Len()+len(one) > most {
			break
		}
		b.WriteString(one)
	}
	return b.String()
}

func plain(value string) bool {
	for i := range len(value) {
		if value[i] < ' ' || value[i] >= 0x7f {
			return false
		}
	}
	return true
}
