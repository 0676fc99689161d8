package storecommand

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// nobody is the --address at which none is asked, as `admin off` is in a Caddyfile.
const nobody = "off"

// ask asks the gateway that runs; false where none does, so that the file is nobody's.
func (o *options) ask(ctx context.Context, method, route string, take func(io.Reader) error) (there bool, err error) {
	address, err := o.endpoint()
	if err != nil || address == nobody {
		return false, err
	}
	if away := listens(ctx, address); away != nil {
		if o.address == "" {
			return false, nil
		}
		return false, fmt.Errorf("no gateway answers at %s: %w; see whether it runs, or open the file itself by --address off", address, away)
	}
	resp, err := request(ctx, address, method, route)
	if err != nil {
		return true, explain(address, err)
	}
	defer resp.Body.Close()
	// Else who stops this would wait for the rest of it.
	defer context.AfterFunc(ctx, func() { _ = resp.Body.Close() })()
	if err := take(resp.Body); err != nil {
		return true, fmt.Errorf("the answer of the gateway at %s has broken off or is none of its kind: %w; see its log, and run the command again", address, err)
	}
	return true, nil
}

// endpoint is the address of the admin endpoint; nobody where it is off.
func (o *options) endpoint() (string, error) {
	address := o.address
	if address == "" {
		c, err := o.configuration()
		if err != nil {
			return "", err
		}
		if c.Admin.Disabled {
			return nobody, nil
		}
		address = cmp.Or(c.Admin.Listen, caddy.DefaultAdminListen)
	}
	address, err := caddy.NewReplacer().ReplaceOrErr(address, true, true)
	if err != nil {
		return "", fmt.Errorf("the address of the admin endpoint has a placeholder that stands for nothing here: %w; name the endpoint by --address", err)
	}
	return address, nil
}

// request is one to the admin endpoint, until ctx ends. Caddy's own knows no context;
// with this process its connection ends, and with that what it has asked for.
func request(ctx context.Context, address, method, route string) (*http.Response, error) {
	type answer struct {
		resp *http.Response
		err  error
	}
	answered := make(chan answer, 1)
	go func() {
		resp, err := caddycmd.AdminAPIRequest(address, method, route, nil, nil) //nolint:bodyclose // by who asked; who has stopped ends with the process
		answered <- answer{resp, err}
	}()
	select {
	case a := <-answered:
		return a.resp, a.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// refused is how Caddy puts an answer other than success.
var refused = regexp.MustCompile(`(?s)HTTP (\d{3}): (.*)$`)

// explain says who has refused, and the next step.
func explain(address string, err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	found := refused.FindStringSubmatch(err.Error())
	if found == nil {
		return fmt.Errorf("what listens at %s gives no answer: %w; see whether that is the admin endpoint of the gateway, and name it by --address", address, err)
	}
	status, _ := strconv.Atoi(found[1])
	var said struct {
		Error string `json:"error"`
	}
	if json.Unmarshal([]byte(found[2]), &said) != nil || said.Error == "" {
		if status == http.StatusNotFound {
			return fmt.Errorf("the Caddy at %s has no Sidegate built in that can do this: name the admin endpoint of the gateway by --address; "+
				"where no gateway runs, open the file itself by --address off", address)
		}
		return fmt.Errorf("the admin endpoint at %s answers %d: %q; see Caddy's log", address, status, strings.TrimSpace(found[2]))
	}
	switch status {
	case http.StatusForbidden:
		return fmt.Errorf("the admin endpoint at %s refuses who asks: %s; ask it by an address among its `origins`, or as whom its access control admits (`admin` in Caddy's configuration)",
			address, said.Error)
	case http.StatusNotFound:
		return fmt.Errorf("the Caddy at %s is no gateway: %s; where no gateway runs, open the file itself by --address off", address, said.Error)
	}
	return fmt.Errorf("the gateway at %s refuses: %s", address, said.Error)
}

// listens is why nobody can be asked there; nil where somebody listens, or where the
// address is one that Caddy says more of.
func listens(ctx context.Context, address string) error {
	at, err := caddy.ParseNetworkAddress(address)
	if err != nil || at.IsFdNetwork() {
		return nil
	}
	if at.IsUnixNetwork() {
		at.Host, _, _ = strings.Cut(at.Host, "|") // the mode of the socket
	}
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, at.Network, at.JoinHostPort(0))
	if err != nil {
		return err
	}
	return conn.Close()
}

const dialTimeout = 5 * time.Second

// into reads the answer as JSON.
func into(value any) func(io.Reader) error {
	return func(r io.Reader) error { return json.NewDecoder(r).Decode(value) }
}
