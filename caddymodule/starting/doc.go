// Package starting looks, before caddy run does, for what would keep it from starting:
// a configuration that is not there, an address that another program has, a folder for
// the admin socket that is missing or closed, what options name for Sidegate and is not
// there. Caddy tells of each, and not what to do, or after the names of many modules;
// and its error cannot be added to, for caddy run writes it itself.
package starting
