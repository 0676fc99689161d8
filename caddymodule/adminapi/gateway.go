package adminapi

import (
	"net/http"
	"time"
)

// gatewayRoutes tell of the gateway itself.
var gatewayRoutes = []route{
	{path: "config", methods: map[string]method{http.MethodGet: {answer: config}}},
	{path: "live", methods: map[string]method{http.MethodGet: {answer: live}}},
}

// config tells one configuration from another.
func config(c *call) error {
	d, err := c.desk()
	if err != nil {
		return err
	}
	return c.reply(http.StatusOK, struct {
		Digest  string    `json:"digest"`
		Since   time.Time `json:"since"`
		Version string    `json:"version"`
	}{d.Digest(), d.since.UTC(), d.Version})
}

type state struct {
	Status string `json:"status"`
}

// live asks nothing.
func live(c *call) error {
	if _, err := c.desk(); err != nil {
		return err
	}
	return c.reply(http.StatusOK, state{"live"})
}
