package oidc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"example.com/sidegate/caddymodule/profile"
)

// claims are a JSON object as expressions see it: see profile.DecodeFact.
type claims map[string]any

// decodeClaims reads a JSON object that every reader reads alike. Errors begin
// with a verb and hold nothing of it.
func decodeClaims(data []byte) (claims, error) {
	if err := checkJSON(data); err != nil {
		return nil, err
	}
	fact, err := profile.DecodeFact(data)
	if err != nil {
		return nil, errors.New("is nested too deep or holds a number out of range")
	}
	c, ok := fact.(map[string]any)
	if !ok {
		return nil, errors.New("is not a JSON object")
	}
	return c, nil
}

// checkJSON refuses what two readers could read in two ways: bytes that are
// not UTF-8, something behind the value, and a member that is there twice
// (RFC 7519 section 4, RFC 8725 section 3.7).
//
// The token room has a reader of its own (decodeObject), which would not do
// here: it reads what we wrote ourselves, one flat object whose members stay
// as they are spelled; this one judges whatever a provider sends, at any depth.
func checkJSON(data []byte) error {
	if !utf8.Valid(data) || !json.Valid(data) {
		return errors.New("is not JSON")
	}
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	if duplicated(decoder) {
		return errors.New("has a member twice")
	}
	return nil
}

// withoutMark is a document without the byte order mark that some editors put
// before it, which readers may skip (RFC 8259 section 8.1).
func withoutMark(document []byte) []byte { return bytes.TrimPrefix(document, []byte("\ufeff")) }

// twice are the members of a JSON object, of valid JSON, that are there more than
// once, in order. What is inside of them is not looked at.
func twice(data []byte) (names []string) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if token, _ := decoder.Token(); token != json.Delim('{') {
		return nil
	}
	seen := map[string]int{}
	for decoder.More() {
		token, _ := decoder.Token()
		name, _ := token.(string)
		if seen[name]++; seen[name] == 2 {
			names = append(names, name)
		}
		var inside json.RawMessage
		if decoder.Decode(&inside) != nil {
			return names
		}
	}
	return names
}

// duplicated reads one value of valid JSON and looks for objects, at any
// depth, of which a member is there twice.
func duplicated(decoder *json.Decoder) bool {
	token, _ := decoder.Token()
	delimiter, nested := token.(json.Delim)
	if !nested {
		return false
	}
	seen := map[any]bool{}
	for decoder.More() {
		if delimiter == '{' {
			name, _ := decoder.Token()
			if seen[name] {
				return true
			}
			seen[name] = true
		}
		if duplicated(decoder) {
			return true
		}
	}
	_, _ = decoder.Token() // the closing one
	return false
}

// readMembers reads the members of a JSON object that have exactly those names
// (RFC 8259 section 8.3) into what the pointers lead to. The library, given a
// struct, takes "ISSUER" for issuer, and so what other readers do not see. With
// an error, what is of the right type has been read all the same.
func readMembers(data []byte, into map[string]any) (err error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil {
		return err
	}
	for name, pointer := range into {
		if raw, there := members[name]; there {
			err = errors.Join(err, json.Unmarshal(raw, pointer))
		}
	}
	return err
}

// text is the claim if it is a text, else empty.
func (c claims) text(name string) string {
	text, _ := c[name].(string)
	return text
}

// The years 1 and 9999: what is before, or behind, is no date. Some write the first
// moment that they know for "always" (0, or the year 1).
const firstMoment, lastMoment = -62135596800, 253402300799

// aNumber is a number in a text. Other forms, such as "1e9" or "0x1", are nobody's
// date.
var aNumber = regexp.MustCompile(`^-?[0-9]{1,12}(\.[0-9]{1,9})?$`)

// moment reads a NumericDate (RFC 7519 section 2): seconds, perhaps with a
// fraction; some write the number as a text. there is false when the claim is
// absent; ok when it is a date.
func (c claims) moment(name string) (at time.Time, there, ok bool) {
	value, there := c[name]
	if text, is := value.(string); is && aNumber.MatchString(text) {
		value, _ = strconv.ParseFloat(text, 64)
	}
	switch n := value.(type) {
	case int64:
		return time.Unix(n, 0), there, firstMoment <= n && n <= lastMoment
	case float64:
		return time.Unix(int64(n), 0), there, firstMoment <= n && n <= lastMoment
	}
	return time.Time{}, there, false
}

// audienceIs says of an aud that names nobody what it is.
func (c claims) audienceIs() string {
	value, there := c["aud"]
	switch list, _ := value.([]any); {
	case !there:
		return ", for it has none"
	case list != nil && len(list) == 0:
		return ", which is an empty list"
	case list != nil && c.audience() == nil:
		return ", which is a list with something else than texts in it"
	case list == nil && c.text("aud") == "":
		return ", which is " + inJSON(value)
	}
	return ""
}

// audience is aud, which may be a text or a list of texts, without those that are
// there again.
func (c claims) audience() []string {
	switch aud := c["aud"].(type) {
	case string:
		return []string{aud}
	case []any:
		list := make([]string, 0, len(aud))
		for _, element := range aud {
			text, ok := element.(string)
			if !ok {
				return nil
			}
			if !slices.Contains(list, text) {
				list = append(list, text)
			}
		}
		return list
	}
	return nil
}

// elsewhere tells of claims that the provider says another place has, where they
// are not fetched from (OpenID Connect Core 1.0 section 5.6.2): Entra ID does so
// with the groups of who has many. Nil: there are none.
func (c claims) elsewhere() error {
	names, _ := c["_claim_names"].(map[string]any)
	if len(names) == 0 {
		return nil
	}
	var shownNames []string
	for _, name := range slices.Sorted(maps.Keys(names))[:min(len(names), maxElsewhere)] {
		shownNames = append(shownNames, shown(name))
	}
	return fmt.Errorf("it says of some people that their claims %s stand elsewhere (_claim_names), which is not asked, so these people lack them: "+
		"have it send them in the token, such as app roles, or fewer groups; or ask a directory", strings.Join(shownNames, ", "))
}

// maxElsewhere is how many of these claims the log names.
const maxElsewhere = 10

// merge joins what two sources say of a person; the first one wins.
//
// email_verified is not merged like that: a source vouches for the address
// that it gives itself. Else one that says "verified" of an old address would
// vouch for a new one that somebody has just typed in.
func merge(first, second claims) claims {
	merged := maps.Clone(second)
	if merged == nil {
		merged = make(claims, len(first))
	}
	maps.Copy(merged, first)
	delete(merged, "email_verified")
	for _, source := range []claims{first, second} {
		verified, says := source["email_verified"]
		if address := source.text("email"); says && address != "" && sameAddress(address, merged.text("email")) {
			merged["email_verified"] = verified
			break
		}
	}
	return merged
}
