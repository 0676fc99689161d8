package profile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"

	"example.com/sidegate/sessionstore"
)

// MaxKept is the most bytes that a login may keep in one session, an app's
// cookies and their names among them.
const MaxKept = 80 << 10

// Kept is what a login keeps of a sign-in, sealed in the session, to build the
// session anew later, to end it at its source too, and to speak to the app
// that it came from. It holds credentials: printed, it says nothing.
type Kept struct {
	// Facts are what the source said, by the names that expressions know them
	// by: "token" for OIDC, "login" for an app's own login.
	Facts Facts `json:"facts,omitempty"`
	// RefreshToken and IDToken are of an OpenID provider.
	RefreshToken string `json:"refresh_token,omitempty"`
	IDToken      string `json:"id_token,omitempty"`
	// Access is the provider's access token, where a route sends it to its upstream;
	// nil: it was not looked for.
	Access *AccessToken `json:"access,omitempty"`
	// UpstreamToken and UpstreamCookies ("name=value") are given back to the
	// app that handed them out, and to no other.
	UpstreamToken   string   `json:"upstream_token,omitempty"`
	UpstreamCookies []string `json:"upstream_cookies,omitempty"`
}

// Facts are what sources said, as expressions read them: see DecodeFact.
type Facts map[string]any

// With returns the facts with one more of that name; f itself is not changed.
func (f Facts) With(name string, fact any) Facts {
	with := maps.Clone(f)
	if with == nil {
		with = make(Facts, 1)
	}
	with[name] = fact
	return with
}

// Format answers every verb with the same words: a Kept that is logged by
// mistake gives no credential away.
func (*Kept) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte("[kept by the login]")) }

// Encode is k as the session keeps it; nil gives the empty text.
func (k *Kept) Encode() (string, error) {
	if k == nil {
		return "", nil
	}
	b, err := json.Marshal((*keptJSON)(k)) //nolint:gosec // a session keeps credentials, sealed
	if err != nil {
		return "", errors.New("what the login keeps cannot be written as JSON")
	}
	if len(b) > MaxKept {
		return "", fmt.Errorf("the login keeps %d bytes of the sign-in: %d at most; let the source answer with less", len(b), MaxKept)
	}
	return string(b), nil
}

// keptJSON is Kept without its methods.
type keptJSON Kept

// DecodeKept undoes Encode; the empty text gives nil.
func DecodeKept(text string) (*Kept, error) {
	if text == "" {
		return nil, nil
	}
	k := new(Kept)
	if err := json.Unmarshal([]byte(text), (*keptJSON)(k)); err != nil {
		return nil, errors.New("what the login kept in the session cannot be read")
	}
	return k, nil
}

// UnmarshalJSON reads facts as DecodeFact does.
func (f *Facts) UnmarshalJSON(data []byte) error {
	fact, err := DecodeFact(data)
	if err != nil {
		return err
	}
	*f, _ = fact.(map[string]any)
	return nil
}

// maxFactDepth bounds how deep objects and lists of a source may be nested.
const maxFactDepth = 32

// DecodeFact reads JSON as expressions see it: whole numbers are int64, however
// they are written (1, 1.0, 1e3), others float64, and nulls are left out, so that an absent field and an empty one
// are the same. Its errors say nothing of the content.
func DecodeFact(data []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(data))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		return nil, errors.New("the answer is not JSON")
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("the answer has something behind its JSON")
	}
	return tidyFact(value, maxFactDepth)
}

func tidyFact(value any, depth int) (any, error) {
	if depth == 0 {
		return nil, fmt.Errorf("the answer is nested deeper than %d", maxFactDepth)
	}
	var err error
	switch v := value.(type) {
	case json.Number:
		return tidyNumber(v)
	case map[string]any:
		for key, element := range v {
			if element == nil {
				delete(v, key)
			} else if v[key], err = tidyFact(element, depth-1); err != nil {
				return nil, err
			}
		}
	case []any:
		tidy := v[:0]
		for _, element := range v {
			if element == nil {
				continue
			}
			if element, err = tidyFact(element, depth-1); err != nil {
				return nil, err
			}
			tidy = append(tidy, element)
		}
		return tidy, nil
	}
	return value, nil
}

// tidyNumber makes 1.0 the same as 1: so it is written down in the session, and
// an expression must not find another type when the session is built anew.
func tidyNumber(number json.Number) (any, error) {
	if n, err := number.Int64(); err == nil {
		return n, nil
	}
	f, err := number.Float64()
	if err != nil {
		return nil, errors.New("the answer holds a number that is too large")
	}
	if f == math.Trunc(f) && math.Abs(f) <= sessionstore.MaxNumber { // beyond it a float64 skips whole numbers
		return int64(f), nil
	}
	return f, nil
}
