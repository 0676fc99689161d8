// Package operations is tests alone: what deploy/OPERATIONS.md says is held here
// against the code, a real redis-server and whole gateways. Begin reading at
// said_test.go, which finds every message that the code logs.
package operations
