package caddymodule

import (
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"golang.org/x/net/http/httpguts"
)

// resolveHeaders makes headers for an outgoing request.
func resolveHeaders(configured []HeaderConfig) (http.Header, error) {
	h := make(http.Header)
	for _, line := range configured {
		value, err := resolve(line.Value)
		if err != nil {
			return nil, fmt.Errorf("header %s: %w", line.Name, err)
		}
		if !httpguts.ValidHeaderFieldName(line.Name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, fmt.Errorf("header %q: its name or its value cannot stand in a request", line.Name)
		}
		h.Add(line.Name, value)
	}
	return h, nil
}

// parseHeader reads `header <name> <value>`.
func parseHeader(target *[]HeaderConfig) option {
	return func(d *caddyfile.Dispenser) error {
		var h HeaderConfig
		if !d.Args(&h.Name, &h.Value) || d.NextArg() {
			return d.Err("header needs a name and a value: header X-Api-Key {env.CRM_KEY}")
		}
		*target = append(*target, h)
		return nil
	}
}
