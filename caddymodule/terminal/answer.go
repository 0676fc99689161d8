package terminal

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
)

// Foreign says that what answers at an address is no gateway of ours.
func Foreign(address, why string) error {
	return fmt.Errorf("what answers at %s is no gateway of this kind (%s): name the admin endpoint of one by --address", Printable(address), Printable(why))
}

// Read reads an answer, in which all the fields must be: any server may answer 200.
func Read(address string, text []byte, into any, fields ...string) error {
	var there map[string]json.RawMessage
	err := json.Unmarshal(text, &there)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return Foreign(address, err.Error())
	}
	for _, field := range fields {
		if value := there[field]; value == nil || string(value) == "null" {
			return Foreign(address, "its answer has no "+field)
		}
	}
	return nil
}

// word is how the site of a gateway says an error: what an endpoint says is a sentence.
var word = regexp.MustCompile(`^[a-z_]+$`)

// FromSite reports whether a site has refused, and no admin endpoint.
func FromSite(status int, said string) bool {
	return status == http.StatusUnauthorized || word.MatchString(said)
}
