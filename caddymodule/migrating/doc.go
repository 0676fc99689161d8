// Package migrating is tests alone: the pairs of files of deploy/migration, theirs
// and ours, are started, and somebody whom the other gateway has signed in moves
// from the one to the other. Begin reading at worked_test.go.
package migrating
