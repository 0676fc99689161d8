// Package rendering is empty: its module says which kustomize and which reader of
// compose files the tests of deploy/install build and start. It is a module of its own,
// so that whoever builds the gateway does not fetch them.
package rendering
