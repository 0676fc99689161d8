// Package gatewaytest runs whole gateways for black-box tests, in the test's
// own process or in one beside it, with the people, the clients, the upstreams
// and the provider that such tests need. Begin reading at [Site], which says
// what a gateway is configured with, and at [Start] and [StartProcess], which
// run it.
//
// A test package that uses it calls [Main] from its TestMain.
package gatewaytest
