package directory

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"example.com/sidegate/caddymodule/source"
)

// Directory is one configured source that is asked about people. It is safe
// for concurrent use.
type Directory struct {
	config    Config
	address   *source.Address
	transport *http.Transport
	// wait passes the time between two attempts; tests put it forward.
	wait func(ctx context.Context, pause time.Duration) error
}

// New makes the directory, without touching the network. Its errors name what
// is wrong with the configuration, and never show a value.
func New(c Config) (*Directory, error) {
	name := c.Name
	c, err := c.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("directory %s: %w", name, err)
	}
	address, err := source.ParseAddress(c.URL, placeholders...)
	if err != nil {
		return nil, fmt.Errorf("directory %s: %w", name, err)
	}
	return &Directory{config: c, address: address, transport: source.NewTransport(c.RootCAs), wait: wait}, nil
}

// Name is the directory's name in the configuration.
func (d *Directory) Name() string { return d.config.Name }

// Close gives idle connections back. The directory can be asked all the same.
func (d *Directory) Close() { d.transport.CloseIdleConnections() }

// ask returns what the directory knows of the person: errNotKnown when it
// knows nobody, ErrOtherPerson when it speaks of somebody else, else trouble.
// However many attempts it takes, it takes no longer than the time-out.
func (d *Directory) ask(ctx context.Context, who identity) (map[string]any, error) {
	u, err := d.address.Expand(who.values())
	if err != nil {
		return nil, fmt.Errorf("it cannot be asked: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, d.config.Timeout)
	defer cancel()
	for attempt := 0; ; attempt++ {
		answer, err := source.Ask(ctx, source.Who{Kind: source.Directory, Name: d.config.Name}, d.transport, d.request(u))
		pause, retry := d.pause(answer, err, attempt)
		if !retry || attempt == d.config.Retries || !fits(ctx, pause) {
			if err != nil {
				return nil, err
			}
			return read(answer, who)
		}
		if err := d.wait(ctx, pause); err != nil {
			return nil, fmt.Errorf("waiting for another attempt: %w", err)
		}
	}
}

// request is made anew for each attempt: a transport may hold on to one that
// has failed.
func (d *Directory) request(u *url.URL) *http.Request {
	r := &http.Request{Method: http.MethodGet, URL: u, Host: u.Host, Header: http.Header{
		"Accept":     {"application/json"},
		"User-Agent": {"sidegate"},
	}}
	source.SetHeaders(r, d.config.Headers)
	if d.config.isBasic() {
		r.SetBasicAuth(d.config.BasicUser, d.config.BasicPassword)
	}
	return r
}
