// Package starting looks, before caddy run does, for what would keep it from starting:
// a configuration that is not there, an address that another program has, a folder for
// the admin socket that is missing. Caddy tells of each, and not what to do; and its
// error cannot be added to, for caddy run writes it itself.
package starting
