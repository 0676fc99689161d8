// Package verifying is tests alone: other proxies, as they are installed, in front
// of apps, with the configurations of deploy/verify, asking a gateway who may pass.
// Of proxies that cannot run here the requests that they ask with are sent in
// their place. Begin reading at proxies_test.go.
package verifying
