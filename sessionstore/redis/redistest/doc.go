// Package redistest runs real redis-servers for tests: alone, behind sentinels
// or as a cluster, all on loopback, all gone when the test ends. They can be
// killed, started again and made to hang.
package redistest
