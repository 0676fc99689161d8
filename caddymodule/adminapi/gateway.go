package adminapi

import (
	"net/http"
	"time"
)

// gatewayRoutes tell of the gateway itself.
var gatewayRoutes = []route{
	{path: "config", methods: map[string]method{http.MethodGet: {answer: config}}},
	{path: "count", methods: map[string]method{http.MethodGet: {answer: count}}},
	{path: "keys", methods: map[string]method{http.MethodGet: {answer: keys}}},
	{path: "live", methods: map[string]method{http.MethodGet: {answer: live}}},
	{path: "ready", methods: map[string]method{http.MethodGet: {answer: ready}}},
}

// config tells one configuration from another.
func config(c *call) error {
	d, err := c.desk()
	if err != nil {
		return err
	}
	return c.reply(struct {
		Digest  string    `json:"digest"`
		Since   time.Time `json:"since"`
		Version string    `json:"version"`
	}{d.Digest(), d.since.UTC(), d.Version})
}

type state struct {
	Status string `json:"status"`
	// Store is what is the matter with it all the same; mostly nothing.
	Store string `json:"store,omitempty"`
}

// live asks nothing.
func live(c *call) error {
	if _, err := c.desk(); err != nil {
		return err
	}
	return c.reply(state{Status: "live"})
}

// ready asks the store, once a second however many ask.
func ready(c *call) error {
	d, err := c.desk()
	if err != nil {
		return err
	}
	if err := d.Ready(c.r.Context()); err != nil {
		if said := refused(err); said != "" {
			return fault(http.StatusServiceUnavailable, "%s", said)
		}
		return fault(http.StatusServiceUnavailable, "the session store gives no answer: %s; look whether it runs and can be reached, and at Caddy's log", shown(err.Error()))
	}
	now := state{Status: "ready"}
	if d.Away != nil && d.Away() { // and answers: whoever is signed in is served
		now.Store = "takes no writes"
	}
	return c.reply(now)
}
