package sessionscommand

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	"example.com/sidegate/caddymodule/terminal"
)

// api is Sidegate's part of an admin endpoint.
type api struct{ address string }

// maxAnswer bounds what is read of one answer, in bytes: a page of a thousand sessions
// with the longest texts has less.
const maxAnswer = 64 << 20

// do asks below /sidegate/ and reads the answer into the value,
// which must have the fields.
func (a *api) do(method, path string, query url.Values, into any, fields ...string) error {
	uri := "/sidegate/" + path
	if len(query) > 0 {
		uri += "?" + query.Encode()
	}
	resp, err := caddycmd.AdminAPIRequest(a.address, method, uri, nil, nil)
	if err != nil {
		return a.explain(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("the answer broke off: %w; run the command again", err)
	}
	return terminal.Read(a.address, text, into, fields...)
}

// refused is how Caddy puts an answer other than success.
var refused = regexp.MustCompile(`(?s)HTTP (\d{3}): (.*)$`)

// asCommand has what the endpoint advises in the words of the command.
var asCommand = strings.NewReplacer(
	"GET /sidegate/sessions?all=true lists those", "list --all lists those",
	"repeat the request", "run the command again",
	", with a plus sign as %2B", "", // that is done here
	"ask by email=<address>", "ask by --email <address>",
	"user is the number", "--user takes the number",
	"email is no address", "--email is no address",
	"the parameter user is empty", "--user is empty", "the parameter email is empty", "--email is empty", "the parameter login is empty", "--login is empty",
)

// explain says what went wrong, and the next step.
func (a *api) explain(err error) error {
	found := refused.FindStringSubmatch(err.Error())
	if found == nil {
		return fmt.Errorf("the admin endpoint at %s gives no answer: %s; is Caddy running, and is that its address? Name it by --address, or the configuration that it runs by --config",
			a.address, terminal.Printable(err.Error()))
	}
	status, _ := strconv.Atoi(found[1])
	var answer struct {
		Error string `json:"error"`
	}
	if json.Unmarshal([]byte(found[2]), &answer) == nil && answer.Error != "" {
		if terminal.FromSite(status, answer.Error) {
			return terminal.Foreign(a.address, "it answers "+found[1]+", "+answer.Error+", as a site does")
		}
		if status == http.StatusForbidden {
			return errors.New("the admin endpoint refuses this: " + terminal.Printable(answer.Error) + "; see its access control and origins in Caddy's configuration")
		}
		return errors.New(asCommand.Replace(terminal.Printable(answer.Error)))
	}
	if status == http.StatusNotFound {
		return fmt.Errorf("what answers at %s is no Caddy, or one that has no Sidegate built in: name the admin endpoint of the gateway by --address", a.address)
	}
	return fmt.Errorf("the admin endpoint at %s answers %d: %s; see Caddy's log, or name that of the gateway by --address where this is no Caddy", a.address, status, terminal.Printable(strings.TrimSpace(found[2])))
}
