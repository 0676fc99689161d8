// Package redistest runs a real redis-server for tests: one that can be
// killed, started again and made to hang.
package redistest
