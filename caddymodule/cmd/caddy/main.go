// Command caddy is Caddy with its standard modules and Sidegate's.
package main

import (
	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "example.com/sidegate/caddymodule"
)

func main() {
	caddycmd.Main()
}
