package sessionscommand

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
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
		add(func(i int) string { return cmp.Or(cut(printable(columns[i].of(s))), "-") })
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

// What makes one picture of several characters: an emoji is ugly without.
const (
	joiner     = '\u200d'
	asPicture  = '\ufe0f'
	unreadable = '\uFFFD'
)

// printable is a text of strangers on a terminal: a control character would be a
// command to it, and one of those that turn the direction of a line would have it read
// otherwise than it is (CVE-2021-42574). What joins stands behind what is seen, so that
// nobody hides a row of them.
func printable(text string) string {
	var before rune // as it is shown; 0 where nothing joins behind it
	return strings.Map(func(r rune) rune {
		if before != 0 && (r == joiner || r == asPicture && before != asPicture) {
			if before = 0; r == asPicture {
				before = asPicture
			}
			return r
		}
		before = 0
		if r == utf8.RuneError || !unicode.IsPrint(r) || unicode.In(r, unicode.Mn, unicode.Me, unicode.Bidi_Control) {
			return unreadable
		}
		before = r
		return r
	}, strings.ToValidUTF8(text, string(unreadable)))
}
