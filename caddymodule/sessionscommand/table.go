package sessionscommand

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"example.com/sidegate/caddymodule/terminal"
)

// moment is a time as people read it, in UTC.
func moment(at time.Time) string { return at.UTC().Format(time.DateTime) }

// columns are those of the table.
var columns = []struct {
	head string
	of   func(session) string
}{
	{"ID", func(s session) string { return s.ID }},
	{"USER", func(s session) string { return fmt.Sprint(s.User) }},
	{"EMAIL", func(s session) string { return s.Email }},
	{"METHOD", func(s session) string { return s.Method }},
	{"CREATED (UTC)", func(s session) string { return moment(s.CreatedAt) }},
	{"LAST SEEN (UTC)", func(s session) string { return moment(s.LastSeenAt) }},
	{"ENDS IF IDLE (UTC)", func(s session) string { return moment(s.IdleExpiresAt) }},
	{"ADDRESS", func(s session) string { return s.Address }},
	{"USER AGENT", func(s session) string { return s.UserAgent }},
}

// widest is the most that a cell has, in characters.
const widest = 80

// writeTable writes the sessions one a line, each column as wide as it needs to be.
func writeTable(out io.Writer, sessions []session) error {
	if len(sessions) == 0 {
		_, err := fmt.Fprintln(out, "There are none.")
		return err
	}
	widths := make([]int, len(columns))
	rows := make([][]string, 0, len(sessions)+1)
	add := func(cell func(i int) string) {
		row := make([]string, len(columns))
		for i := range columns {
			row[i] = cell(i)
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
		rows = append(rows, row)
	}
	add(func(i int) string { return columns[i].head })
	for _, s := range sessions {
		add(func(i int) string { return cmp.Or(cut(terminal.Printable(columns[i].of(s))), "-") })
	}
	for _, row := range rows {
		var line strings.Builder
		for i, cell := range row[:len(row)-1] {
			line.WriteString(cell)
			line.WriteString(strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		line.WriteString(row[len(row)-1])
		if _, err := fmt.Fprintln(out, line.String()); err != nil {
			return err
		}
	}
	return nil
}

func cut(text string) string {
	if utf8.RuneCountInString(text) <= widest {
		return text
	}
	return string([]rune(text)[:widest-1]) + "…"
}
