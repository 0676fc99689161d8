// Package faults is tests alone: what becomes of the people who are signed in
// when a store, a gateway, a configuration or a clock is in trouble, seen from
// outside through whole servers. Begin reading at load_test.go, whose load runs
// beside most of the troubles.
package faults
