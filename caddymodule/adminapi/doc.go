// Package adminapi is what operators ask of a gateway that runs, below /sidegate/
// at Caddy's admin endpoint: whose sessions there are, the end of them, and how it
// goes. Who may ask is decided by Caddy's own access control of that endpoint. No
// answer holds a credential or a secret.
package adminapi
