package appearance

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"example.com/sidegate/caddymodule/web"
)

// ownKeys is what the keys begin with of texts that templates of one's own take.
const ownKeys = "own."

// readTexts reads the texts of a language. An error begins with the line.
func readTexts(text string) (map[string]string, error) {
	d := json.NewDecoder(strings.NewReader(text))
	line := func() int { return 1 + strings.Count(text[:d.InputOffset()], "\n") }
	if first, err := d.Token(); err != nil || first != json.Delim('{') {
		return nil, errors.New("1: the texts stand in one JSON object, each under its key")
	}
	english, found := web.English(), map[string]string{}
	for d.More() {
		key, err := word(d)
		if err != nil {
			return nil, fmt.Errorf("%d: %w", line(), err)
		}
		at := line()
		said, err := word(d)
		if err == nil {
			err = checkSaid(key, said, english)
		}
		if _, twice := found[key]; twice && err == nil {
			err = fmt.Errorf("%q is there twice", key)
		}
		if err != nil {
			return nil, fmt.Errorf("%d: %w", at, err)
		}
		found[key] = said
	}
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("%d: %w", line(), errNoJSON)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%d: something stands behind the texts", line())
	}
	return found, nil
}

var errNoJSON = errors.New("this cannot be read as JSON: keys and texts stand in quotes, with a colon between and a comma behind all but the last")

// word is the next text, a key or what stands under it.
func word(d *json.Decoder) (string, error) {
	next, err := d.Token()
	if err != nil {
		return "", errNoJSON
	}
	text, ok := next.(string)
	if !ok {
		return "", errors.New("a text is meant here")
	}
	return text, nil
}

func checkSaid(key, said string, english map[string]string) error {
	if strings.TrimSpace(said) == "" {
		return fmt.Errorf("%q says nothing: take it away, and what there was before is said", key)
	}
	if strings.HasPrefix(key, ownKeys) {
		return nil
	}
	original, ok := english[key]
	if !ok {
		return fmt.Errorf("there is no text %q%s", key, nearestKey(key, english))
	}
	if want, got := places(original), places(said); !slices.Equal(want, got) {
		return fmt.Errorf("%q has the places %s, and in English it has %s: what people are told there would be missing, or wrong",
			key, listed(got), listed(want))
	}
	return nil
}

func nearestKey(key string, english map[string]string) string {
	keys := slices.Sorted(maps.Keys(english))
	if said := meant(key, keys); strings.Contains(said, "meant?") {
		return said
	}
	return "; one of your own begins with " + ownKeys
}

var place = regexp.MustCompile(`\{[0-9]+\}`)

func places(text string) []string {
	found := place.FindAllString(text, -1)
	slices.Sort(found)
	return slices.Compact(found)
}

func listed(places []string) string {
	if len(places) == 0 {
		return "none"
	}
	return strings.Join(places, " and ")
}
