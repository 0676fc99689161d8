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
)

// api is Sidegate's part of an admin endpoint.
type api struct{ address string }

// maxAnswer bounds what is read of one answer, in bytes: a page of a thousand sessions
// with the longest texts has less.
const maxAnswer = 64 << 20

// do asks below /sidegate/ and reads the answer into the value.
func (a *api) do(method, path string, query url.Values, into any) error {
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
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("at %s answers something that is no gateway of this kind (%w): see that --address is the admin endpoint of one", a.address, err)
	}
	return nil
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
		return fmt.Errorf("the admin endpoint at %s gives no answer: %w; is Caddy running, and is that its address? Name it by --address, or the configuration that it runs by --config",
			a.address, err)
	}
	status, _ := strconv.Atoi(found[1])
	var answer struct {
		Error string `json:"error"`
	}
	if json.Unmarshal([]byte(found[2]), &answer) == nil && answer.Error != "" {
		if status == http.StatusForbidden {
			return errors.New("the admin endpoint refuses this: " + printable(answer.Error) + "; see its access control and origins in Caddy's configuration")
		}
		return errors.New(asCommand.Replace(printable(answer.Error)))
	}
	if status == http.StatusNotFound {
		return fmt.Errorf("the Caddy at %s has no Sidegate built in: name the admin endpoint of the gateway by --address", a.address)
	}
	return fmt.Errorf("the admin endpoint at %s answers %d: %s; see Caddy's log", a.address, status, printable(strings.TrimSpace(found[2])))
}
