package redis

import (
	"context"
	"fmt"
	"time"

	"example.com/sidegate/sessionstore"
)

// Take counts an attempt: see sessionstore.Attempts. A limit of 0 or less lets
// nothing pass; the wait is then the window.
func (st *Store) Take(ctx context.Context, bucket string, limit int, window time.Duration) (sessionstore.Taken, error) {
	ctx, cancel := st.bound(ctx)
	defer cancel()
	answer, err := takeScript.Run(ctx, st.client, []string{st.bucketKey(bucket)},
		limit, max(1, window.Milliseconds())).Int64Slice()
	if err == nil && len(answer) != 2 {
		err = fmt.Errorf("script answered %d numbers instead of 2", len(answer))
	}
	if err != nil {
		return sessionstore.Taken{}, st.failed("counting an attempt in redis", err)
	}
	return sessionstore.Taken{Count: int(answer[0]), Wait: time.Duration(answer[1]) * time.Millisecond}, nil
}

// Return takes an attempt back: see sessionstore.Attempts.
func (st *Store) Return(ctx context.Context, bucket string) error {
	ctx, cancel := st.bound(ctx)
	defer cancel()
	err := returnScript.Run(ctx, st.client, []string{st.bucketKey(bucket)}).Err()
	return st.failed("taking an attempt back in redis", err)
}

// Forget empties a bucket: see sessionstore.Attempts.
func (st *Store) Forget(ctx context.Context, bucket string) error {
	ctx, cancel := st.bound(ctx)
	defer cancel()
	return st.failed("forgetting attempts in redis", st.client.Del(ctx, st.bucketKey(bucket)).Err())
}
