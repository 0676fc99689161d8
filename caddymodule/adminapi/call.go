package adminapi

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/caddyserver/caddy/v2"

	"example.com/sidegate/caddymodule/web"
)

// call is one request.
type call struct {
	w     http.ResponseWriter
	r     *http.Request
	desk  func() (*Desk, error) // of the configuration in force
	name  string                // below a path that ends in /
	query map[string]string
}

// fault is an answer other than success: what is wrong, and the next step.
func fault(status int, format string, args ...any) caddy.APIError {
	return caddy.APIError{HTTPStatus: status, Message: fmt.Sprintf(format, args...)}
}

// reply answers with the value as JSON: 200.
func (c *call) reply(value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/json")
	_, _ = c.w.Write(append(web.EscapeUnseen(text), '\n')) // who has gone is told nothing
	return nil
}

// maxQuery bounds what is read of a query, in bytes.
const maxQuery = 4096

// readQuery reads the parameters, each once, and none but those.
func (c *call) readQuery(known []string) error {
	takes := "it takes none"
	if len(known) > 0 {
		takes = "it takes " + strings.Join(known, ", ")
	}
	if len(c.r.URL.RawQuery) > maxQuery {
		return fault(http.StatusBadRequest, "the query is too long: %s", takes)
	}
	values, err := url.ParseQuery(c.r.URL.RawQuery)
	if err != nil {
		return fault(http.StatusBadRequest, "the query cannot be read: percent-encode its values, %%2B for a plus sign in an address; %s", takes)
	}
	c.query = make(map[string]string, len(values))
	for name, given := range values {
		switch {
		case !slices.Contains(known, name):
			return fault(http.StatusBadRequest, "this route has no parameter %q: %s", shown(name), takes)
		case len(given) > 1:
			return fault(http.StatusBadRequest, "the parameter %s is given %d times: give it once", name, len(given))
		case given[0] == "":
			return fault(http.StatusBadRequest, "the parameter %s is empty: give it a value, or leave it out", name)
		}
		c.query[name] = given[0]
	}
	return nil
}

const maxShown = 300 // runes

// userinfo is a name and a password in an address.
var userinfo = regexp.MustCompile(`://[^/@\s]*@`)

// shown is a text of somebody else's in an answer or in the log: of bounded length,
// printable, and without the credentials of an address.
func shown(text string) string {
	text = userinfo.ReplaceAllString(text, "://")
	runes := []rune(strings.ToValidUTF8(text, "\uFFFD"))
	if len(runes) > maxShown {
		runes = append(runes[:maxShown:maxShown], '…')
	}
	for i, r := range runes {
		if !unicode.IsPrint(r) {
			runes[i] = '\uFFFD'
		}
	}
	return string(runes)
}
