package app

import (
	"strings"
	"time"
)

// readCookieDate is the algorithm of RFC 6265 section 5.1.1, by which browsers
// read the date of Expires in whatever form it is.
func readCookieDate(text string) (at time.Time, ok bool) {
	var d cookieDate
	for _, token := range strings.FieldsFunc(text, dateDelimiter) {
		d.read(token)
	}
	switch {
	case d.year >= 70 && d.year <= 99:
		d.year += 1900
	case d.year >= 0 && d.year <= 69:
		d.year += 2000
	}
	if !d.hasTime || !d.hasYear || d.day < 1 || d.month == 0 || d.year < 1601 || d.clock[0] > 23 || d.clock[1] > 59 || d.clock[2] > 59 {
		return at, false
	}
	at = time.Date(d.year, d.month, d.day, d.clock[0], d.clock[1], d.clock[2], 0, time.UTC)
	return at, at.Day() == d.day // there is no 31st of February
}

// cookieDate is what was found of one. The first of a kind counts.
type cookieDate struct {
	clock   [3]int
	hasTime bool
	day     int
	month   time.Month
	year    int
	hasYear bool
}

func (d *cookieDate) read(token string) {
	if !d.hasTime {
		if clock, ok := readClock(token); ok {
			d.clock, d.hasTime = clock, true
			return
		}
	}
	if d.day == 0 {
		if day, rest := digits(token, 2); len(token)-len(rest) >= 1 && !startsWithDigit(rest) {
			d.day = day
			if day == 0 {
				d.day = -1
			}
			return
		}
	}
	if d.month == 0 {
		if d.month = readMonth(token); d.month != 0 {
			return
		}
	}
	if !d.hasYear {
		if year, rest := digits(token, 4); len(token)-len(rest) >= 2 && !startsWithDigit(rest) {
			d.year, d.hasYear = year, true
		}
	}
}

func readClock(token string) (clock [3]int, ok bool) {
	rest := token
	for i := range clock {
		before := len(rest)
		clock[i], rest = digits(rest, 2)
		if len(rest) == before || startsWithDigit(rest) {
			return clock, false
		}
		if i < len(clock)-1 {
			if !strings.HasPrefix(rest, ":") {
				return clock, false
			}
			rest = rest[1:]
		}
	}
	return clock, true
}

func readMonth(token string) time.Month {
	if len(token) < 3 {
		return 0
	}
	i := strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", strings.ToLower(token[:3]))
	if i < 0 || i%3 != 0 {
		return 0
	}
	return time.Month(i/3 + 1)
}

// digits reads as many as most.
func digits(text string, most int) (n int, rest string) {
	i := 0
	for ; i < len(text) && i < most && isDigit(text[i]); i++ {
		n = n*10 + int(text[i]-'0')
	}
	return n, text[i:]
}

func startsWithDigit(text string) bool { return text != "" && isDigit(text[0]) }

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func dateDelimiter(c rune) bool {
	return c == '\t' || ' ' <= c && c <= '/' || ';' <= c && c <= '@' || '[' <= c && c <= '`' || '{' <= c && c <= '~'
}
