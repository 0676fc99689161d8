package web

import (
	"cmp"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// What is read of Accept-Language: more of it is no wish of a person's.
const (
	maxLanguageHeader = 1024 // bytes, of all its lines
	maxRanges         = 32
	maxTag            = 35 // characters: what RFC 5646 section 4.4.1 has buffers hold at least
)

// languageRange is one of the languages that somebody understands, in lower case,
// with how much they want it, from 0, not at all, to 1000.
type languageRange struct {
	tag    string
	weight int
}

// ranges reads Accept-Language (RFC 9110 section 12.5.4), the wanted first. What
// cannot be read is left out, and so is what is beyond the limits.
func ranges(lines []string) []languageRange {
	all := strings.Join(lines, ",")
	if len(all) > maxLanguageHeader {
		all = all[:maxLanguageHeader]
		all = all[:max(0, strings.LastIndexByte(all, ','))] // the last one is cut off
	}
	var found []languageRange
	for element := range strings.SplitSeq(all, ",") {
		tag, parameter, weighed := strings.Cut(element, ";")
		of := languageRange{strings.ToLower(strings.Trim(tag, " \t")), 1000}
		if of.tag != "*" && !isTag(of.tag) {
			continue
		}
		if weighed {
			var ok bool
			if of.weight, ok = readWeight(parameter); !ok {
				continue
			}
		}
		if found = append(found, of); len(found) == maxRanges {
			break
		}
	}
	slices.SortStableFunc(found, func(a, b languageRange) int { return cmp.Compare(b.weight, a.weight) })
	return found
}

// mostLocales is how many languages somebody else is told of.
const mostLocales = 5

// Locales are the languages that who asks wants to read, the wanted first, as
// well-formed tags: for a provider that has pages of its own.
func Locales(r *http.Request) (tags []string) {
	for _, of := range ranges(r.Header.Values("Accept-Language")) {
		if of.tag == "*" || of.weight == 0 || slices.Contains(tags, canonical(of.tag)) {
			continue
		}
		if tags = append(tags, canonical(of.tag)); len(tags) == mostLocales {
			break
		}
	}
	return tags
}

// canonical is a tag in lower case as it is written mostly: zh-Hant-TW (RFC 5646
// section 2.1.1).
func canonical(tag string) string {
	subs := strings.Split(tag, "-")
	for i, sub := range subs {
		switch {
		case i == 0:
		case len(subs[i-1]) == 1:
			return strings.Join(subs, "-") // what follows is an extension's
		case len(sub) == 2:
			subs[i] = strings.ToUpper(sub)
		case len(sub) == 4:
			subs[i] = strings.ToUpper(sub[:1]) + sub[1:]
		}
	}
	return strings.Join(subs, "-")
}

// readWeight reads q=0.8 (RFC 9110 section 12.4.2) as 800.
func readWeight(parameter string) (thousandths int, ok bool) {
	name, value, ok := strings.Cut(strings.Trim(parameter, " \t"), "=")
	if !ok || !strings.EqualFold(name, "q") {
		return 0, false
	}
	whole, part, _ := strings.Cut(value, ".")
	if whole != "0" && whole != "1" || len(part) > 3 || strings.Trim(part, "0123456789") != "" {
		return 0, false
	}
	n, _ := strconv.Atoi(whole + (part + "000")[:3]) // four digits
	return n, n <= 1000
}

// isTag reports whether the text is a well-formed language tag as far as it matters
// here: a language, and subtags of letters and digits (RFC 5646 section 2.1).
func isTag(text string) bool {
	if len(text) > maxTag {
		return false
	}
	for i, sub := range strings.Split(text, "-") {
		if len(sub) == 0 || len(sub) > 8 || strings.ContainsFunc(sub, func(c rune) bool { return !isLetter(c) && (i == 0 || !isDigit(c)) }) {
			return false
		}
		if i == 0 && len(sub) < 2 && sub != "x" && sub != "i" {
			return false
		}
	}
	return true
}

func isLetter(c rune) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
func isDigit(c rune) bool  { return c >= '0' && c <= '9' }

// languages are those that there are, the one for who asks for none of them first.
type languages []*language

// negotiate is the language that is wanted most of those that there are: by lookup
// (RFC 4647 section 3.4), so de-AT is told in de; and pt in pt-BR where there is no
// other. What is refused with q=0 is taken for nobody's wish, unless it is all there is.
func (all languages) negotiate(accept []string) *language {
	if len(accept) == 0 {
		return all[0]
	}
	wanted := ranges(accept)
	for _, of := range wanted {
		if of.weight == 0 {
			break // they are sorted: so are all that follow
		}
		if found := all.of(of.tag, wanted); found != nil {
			return found
		}
	}
	for _, l := range all {
		if !refused(l.tag, wanted) {
			return l
		}
	}
	return all[0]
}

// of is the language for one range; nil where there is none. A star is any that is
// not refused.
func (all languages) of(tag string, wanted []languageRange) *language {
	for part := tag; part != ""; part = parent(part) {
		for _, l := range all {
			if (strings.EqualFold(l.tag, part) || part == "*") && !refused(l.tag, wanted) {
				return l
			}
		}
	}
	for _, l := range all {
		if len(l.tag) > len(tag) && strings.EqualFold(l.tag[:len(tag)+1], tag+"-") && !refused(l.tag, wanted) {
			return l
		}
	}
	return nil
}

// parent is the tag without its last subtag, and without a single letter before that,
// which says nothing by itself (RFC 4647 section 3.4). None is left of the first.
func parent(tag string) string {
	i := strings.LastIndexByte(tag, '-')
	if i < 0 {
		return ""
	}
	shorter := tag[:i]
	if j := strings.LastIndexByte(shorter, '-'); j == len(shorter)-2 && j >= 0 {
		shorter = shorter[:j]
	}
	return shorter
}

// refused reports whether a language, or what it is a kind of, has the weight 0, and
// nothing nearer to it says otherwise.
func refused(tag string, wanted []languageRange) bool {
	for part := strings.ToLower(tag); part != ""; part = parent(part) {
		for _, of := range wanted {
			if of.tag == part {
				return of.weight == 0
			}
		}
	}
	return false
}
