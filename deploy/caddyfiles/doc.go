// Package caddyfiles is tests alone, beside the Caddyfiles that are shipped: each of
// those is started as it says at its top, but for ports and addresses, and does what
// it says that one will see. Those that need a real provider are started in
// deploy/providertest, those that other proxies ask in caddymodule/verifying, and
// those with one gateway in front of one app in caddymodule. Begin reading at
// start_test.go.
package caddyfiles
