// Package validating is empty: its module says which kubectl-validate the tests of
// deploy/install build and start, with the schemas of Kubernetes that it carries. It is
// a module of its own, for it wants older versions than kustomize does.
package validating
