package redis

import (
	"context"
	"strconv"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
)

// indexes goes through the indexes of the shards of that pattern, wherever they can be
// reached. What comes of it changes no session, so that an error is nobody's concern.
func (st *Store) indexes(ctx context.Context, shards string, visit visitor, handOver func() error) {
	_ = st.scan(sessionstore.Reaching(ctx), st.globbed()+"{"+shards+"}:u:*", visit, handOver)
}

// ownerOf finds whose index has a session that does not say whose it is; 0 if none is
// found.
func (st *Store) ownerOf(ctx context.Context, key sessionstore.Key) (userID int64) {
	shard := st.slot(key.Shard)[len(st.prefix):]
	st.indexes(ctx, shard[len("{"):len("{0000")], func(ctx context.Context, conn *goredis.Conn, names []string) error {
		for _, name := range names {
			if _, user, ok := st.partsOf(name, "u:"); ok && st.has(ctx, conn, name, key) {
				userID, _ = strconv.ParseInt(user, 10, 64)
				return errFound
			}
		}
		return nil
	}, nothing)
	return userID
}

func (st *Store) has(ctx context.Context, conn *goredis.Conn, index string, key sessionstore.Key) bool {
	return conn.ZScore(ctx, index, member(key)).Err() == nil
}

// tidy has those leave the indexes of those shards who are there no more. Who ends a
// session that cannot be read does not know which index has it, and would have it
// counted until its time is up.
func (st *Store) tidy(ctx context.Context, shards map[uint16]bool) {
	var users []int64
	st.indexes(ctx, "*", func(_ context.Context, _ *goredis.Conn, names []string) error {
		for _, name := range names {
			shard, user, ok := st.partsOf(name, "u:")
			if id, err := strconv.ParseInt(user, 10, 64); ok && err == nil && shards[shard] {
				users = append(users, id)
			}
		}
		return nil
	}, func() error {
		these := users
		users = nil
		for _, id := range these {
			err := st.eachPage(ctx, id, func(ctx context.Context, members []string) error {
				_, err := st.readPage(ctx, idleScript, id, st.refer(id, members), 1)
				return err
			}, nothing)
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// nothing is handed over.
func nothing() error { return nil }
