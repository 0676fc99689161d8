package mapping

import (
	"errors"
	"fmt"
	"time"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

func readTruth(v ref.Val, _ string) (bool, error) {
	b, ok := v.(types.Bool)
	return bool(b), expect(ok, "bool", v)
}

func readText(v ref.Val, most int) (string, error) {
	s, ok := v.(types.String)
	if ok && len(s) > most {
		return "", fmt.Errorf("the string has %d bytes: %d at most", len(s), most)
	}
	return string(s), expect(ok, "string", v)
}

// readIdentifier refuses zero too, which a source means as "none": the store
// hands out a number where the operator says `registry`, and nowhere else.
func readIdentifier(v ref.Val, _ string) (int64, error) {
	n, ok := v.(types.Int)
	if ok && (n < 1 || n > sessionstore.MaxNumber) {
		return 0, errors.New("the number is not 1 to 2^53-1")
	}
	return int64(n), expect(ok, "int", v)
}

const wantsDate = "timestamp, string or int"

// dateLayouts are those of RFC 3339 and of SQL, which has no zone and is taken
// as UTC. Fractions of a second are read behind any of them.
var dateLayouts = []string{time.RFC3339, time.DateTime, time.DateOnly}

// minSeconds and maxSeconds are the first and the last second of the years 1
// to 9999. Beyond, time.Unix hands out other years than were meant.
const (
	minSeconds = -62_135_596_800
	maxSeconds = 253_402_300_799
)

var errDateRange = errors.New("the date is not in the years 1 to 9999: an int is taken as seconds since 1970")

// readDate reads a timestamp, text in one of dateLayouts, or unix seconds.
func readDate(v ref.Val, _ string) (t time.Time, err error) {
	switch v := v.(type) {
	case types.Timestamp:
		t = v.Time
	case types.Int:
		if v < minSeconds || v > maxSeconds {
			return t, errDateRange
		}
		t = time.Unix(int64(v), 0)
	case types.String:
		if t, err = parseDate(string(v)); err != nil {
			return t, err
		}
	default:
		return t, mismatch(wantsDate, typeName(v))
	}
	if t = t.UTC(); t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}, errDateRange
	}
	return t, nil
}

func parseDate(text string) (time.Time, error) {
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("the text is no date: wanted RFC 3339, `2006-01-02` or `2006-01-02 15:04:05`")
}

func readAttributes(v ref.Val, expr string) (map[string]string, error) {
	m, ok := v.(traits.Mapper)
	if !ok {
		return nil, mismatch("map of strings", typeName(v))
	}
	if n, _ := m.Size().(types.Int); n > profile.MaxAttributes {
		return nil, fmt.Errorf("the map has %d entries: %d at most", n, profile.MaxAttributes)
	}
	attributes := make(map[string]string)
	for i := m.Iterator(); i.HasNext() == types.True; {
		key := i.Next()
		name, err := readText(key, profile.MaxName)
		if err != nil {
			return nil, fmt.Errorf("a key: %w", err)
		}
		if attributes[name], err = readText(m.Get(key), profile.MaxText); err != nil {
			return nil, fmt.Errorf("the value of %s: %w", shownKey(name, expr), err)
		}
	}
	return attributes, nil
}
