// Package providertest signs people in through the real gateway at a real
// OpenID provider and at an app with a login of its own. It is a module of its
// own, so that whoever builds the gateway does not fetch a provider.
//
// The parts are packages of their own, for other tests and for trying out by
// hand: provider, standin, legacy, crm, and the fault and loopback that they
// share.
package providertest
