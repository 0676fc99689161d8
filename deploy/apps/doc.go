// Package apps is tests alone: programs of others that take who somebody is from
// a proxy, as they are installed, behind a gateway that tells them by a preset of
// `headers`, and libraries that verify the assertion. What is tried here stands in
// the table of apps of deploy/REFERENCE.md. Begin reading at apps_test.go.
package apps
