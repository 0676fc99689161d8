package caddymodule

import (
	"fmt"
	"net/http"
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"golang.org/x/net/http/httpguts"

	"example.com/sidegate/caddymodule/directive"
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

// standInHeaders are headers as far as they are known while the Caddyfile is read.
func standInHeaders(configured []HeaderConfig) []HeaderConfig {
	known := slices.Clone(configured)
	for i, h := range known {
		known[i].Value = standIn(h.Value, unknownHost)
	}
	return known
}

// parseHeader reads `header <name> <value>`.
func parseHeader(target *[]HeaderConfig) directive.Option {
	return func(d *caddyfile.Dispenser) error {
		var h HeaderConfig
		if !d.Args(&h.Name, &h.Value) || d.NextArg() {
			return directive.Err(d, "header needs a name and a value: header X-Api-Key {env.CRM_KEY}")
		}
		*target = append(*target, h)
		return nil
	}
}
