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

	"example.com/sidegate/caddymodule/terminal"
)

// nobody is the --address at which none is asked, as `admin off` is in a Caddyfile.
const nobody = "off"

// answered takes an answer of the gateway at an address.
type answered func(address string, resp *http.Response) error

// ask asks the gateway that runs; false where none does, so that the file is nobody's.
func (o *options) ask(ctx context.Context, method, route string, take answered) (there bool, err error) {
	address, err := o.endpoint()
	if err != nil || address == nobody {
		return false, err
	}
	if err := terminal.CheckAddress(address); err != nil {
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
	return true, take(address, resp)
}

// asksNobody reports whether no gateway is asked, as `off` is said.
func (o *options) asksNobody() bool {
	address, err := o.endpoint()
	return err == nil && address == nobody
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
		return fmt.Errorf("what listens at %s gives no answer: %s; see whether that is the admin endpoint of the gateway, and name it by --address", address, terminal.Printable(err.Error()))
	}
	status, _ := strconv.Atoi(found[1])
	var said struct {
		Error string `json:"error"`
	}
	if json.Unmarshal([]byte(found[2]), &said) != nil || said.Error == "" {
		if status == http.StatusNotFound {
			return fmt.Errorf("what answers at %s is no Caddy, or one that has no Sidegate built in that can do this: name the admin endpoint of the gateway by --address; "+
				"where no gateway runs, open the file itself by --address off", address)
		}
		return fmt.Errorf("the admin endpoint at %s answers %d: %s; see Caddy's log, or name that of the gateway by --address where this is no Caddy", address, status, terminal.Printable(strings.TrimSpace(found[2])))
	}
	if terminal.FromSite(status, said.Error) {
		return terminal.Foreign(address, "it answers "+found[1]+", "+said.Error+", as a site does")
	}
	said.Error = terminal.Printable(said.Error)
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

// maxAnswer bounds what is read of an answer in JSON, in bytes.
const maxAnswer = 1 << 20

// into reads the answer as JSON that must have the fields.
func into(value any, fields ...string) answered {
	return func(address string, resp *http.Response) error {
		text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
		if err != nil {
			return brokenOff(address, err)
		}
		return terminal.Read(address, text, value, fields...)
	}
}

// copyKind is the Content-Type of a copy of the file.
const copyKind = "application/octet-stream"

// copyInto takes the answer as a copy of the file.
func copyInto(w io.Writer, n *int64) answered {
	return func(address string, resp *http.Response) (err error) {
		if kind := resp.Header.Get("Content-Type"); kind != copyKind {
			return terminal.Foreign(address, "its answer is no copy of a file")
		}
		if *n, err = io.Copy(w, resp.Body); err != nil {
			return brokenOff(address, err)
		}
		return nil
	}
}

func brokenOff(address string, err error) error {
	return fmt.Errorf("the answer of the gateway at %s has broken off: %w; see its log, and run the command again", address, err)
}
