package redis

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
)

// errLost says that a scan cannot be known to have seen everybody.
var errLost = fmt.Errorf("the server that was being looked through has gone, or is not the primary any more, and %w: ask again", sessionstore.ErrPart)

// lost is an error that came up behind that cursor. What a server refuses is said as
// it is, and so is why there was no beginning.
func lost(cursor uint64, err error) error {
	if cursor == 0 || alive(err) {
		return err
	}
	return fmt.Errorf("%w (%w)", errLost, err)
}

// apart is one new connection to a server, beside those of the pool: requests need
// these, and there may be one alone. Once it broke it answers nothing but errors;
// go-redis makes no other one in its place.
func (st *Store) apart(node *goredis.Client) (conn *goredis.Conn, closeBoth func()) {
	opts := *node.Options()
	settle(&opts)
	opts.PoolSize, opts.MinIdleConns, opts.MaxIdleConns, opts.MaxActiveConns = 1, 0, 0, 0
	client := goredis.NewClient(&opts)
	_, ofCluster := st.client.(*goredis.ClusterClient)
	client.AddHook(newGuard(&opts, ofCluster))
	conn = client.Conn()
	return conn, func() {
		_ = conn.Close()
		_ = client.Close()
	}
}

// prove makes sure that the server of a connection is a primary still, and the one
// that is written and read by everybody else: what was behind its back is not seen
// by going through its keys. Of a node of a cluster self is what it said before.
func (st *Store) prove(ctx context.Context, conn *goredis.Conn, self string) error {
	ctx, cancel := st.bound(ctx)
	defer cancel()
	if _, ofCluster := st.client.(*goredis.ClusterClient); ofCluster {
		now, err := st.standing(ctx, conn)
		if err == nil && now.said != self {
			err = errMoved
		}
		return lost(1, err)
	}
	if err := st.proveSame(ctx, conn); err != nil {
		return fmt.Errorf("%w (%w)", errLost, err)
	}
	return nil
}

// provePrimary makes sure that what that connection has read of a session is a primary's.
// A node of a cluster that is none sends us on instead of answering.
func (st *Store) provePrimary(ctx context.Context, conn *goredis.Conn, key sessionstore.Key) error {
	if err := conn.ZRem(ctx, st.slot(key.Shard)+"p:", "").Err(); !elsewhere(err) {
		return err
	}
	return nil
}

// errOther says that there are two servers.
var errOther = errors.New("another server answers now")

// proveSame writes what nobody can know by that connection, which a replica would
// not take, and takes it away by another.
func (st *Store) proveSame(ctx context.Context, conn *goredis.Conn) error {
	key := st.slot(0) + "p:" + rand.Text()
	err := conn.Set(ctx, key, "x", max(2*st.timeout, time.Second)).Err()
	if goredis.IsOOMError(err) {
		return st.proveSameWhenFull(ctx, conn, key)
	}
	if err != nil {
		return err
	}
	n, err := st.client.Del(ctx, key).Result()
	if err == nil && n != 1 {
		err = errOther
	}
	return err
}

// proveSameWhenFull is for a server that takes nothing more, of whom operators may
// want to end sessions all the more: a primary removes what is not there, and each
// process has a name.
func (st *Store) proveSameWhenFull(ctx context.Context, conn *goredis.Conn, key string) error {
	if err := conn.ZRem(ctx, key, "").Err(); err != nil {
		return err
	}
	here, err := conn.Info(ctx, "server").Result()
	if err != nil {
		return err
	}
	there, err := st.client.Info(ctx, "server").Result()
	if err != nil {
		return err
	}
	if run := infoOf(here)["run_id"]; run == "" || run != infoOf(there)["run_id"] {
		return errOther
	}
	return nil
}
