package redis

import (
	"context"
	"time"
)

// Hold takes or prolongs a lease: see sessionstore.Leases. It ends by Redis'
// clock. One whose answer was lost may have been taken, by this holder alone,
// who may ask again.
func (st *Store) Hold(ctx context.Context, name, holder string, life time.Duration) (bool, error) {
	ctx, cancel := st.bound(ctx)
	defer cancel()
	held, err := holdScript.Run(ctx, st.client, []string{st.leaseKey(name)},
		hashOf(holder), lifeInRedis(life)).Bool()
	return held && err == nil, st.failed("holding a lease in redis", err)
}

// Release gives a lease back: see sessionstore.Leases.
func (st *Store) Release(ctx context.Context, name, holder string) error {
	ctx, cancel := st.bound(ctx)
	defer cancel()
	err := releaseScript.Run(ctx, st.client, []string{st.leaseKey(name)}, hashOf(holder)).Err()
	return st.failed("giving a lease back in redis", err)
}

// lifeInRedis is a life in milliseconds, at least one: Redis takes no other.
func lifeInRedis(life time.Duration) int64 { return max(1, life.Milliseconds()) }
