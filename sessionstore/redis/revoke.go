package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
)

// confirmation says how many replicas must have a revocation or a number, and
// how long that may take. The zero value asks for none.
type confirmation struct {
	replicas int
	within   time.Duration
}

// boundRevocation is bound for what may wait for replicas.
func (st *Store) boundRevocation(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, st.timeout+st.wait.within)
}

// revocation is what ends sessions of one slot. It may be done twice.
type revocation struct {
	keys []string
	args []any
}

// doubtfulAt is where its arguments say whether the doubtful are asked for.
const doubtfulAt = 3

// revocation ends sessions of one person and tells those who keep them. The key of
// their index may be empty, when it is not known.
func (st *Store) revocation(r refs, index string) revocation {
	message := make([]byte, 0, len(r.sessions)*keySize)
	for _, key := range r.sessions {
		message = key.AppendTo(message)
	}
	v := revocation{slices.Clone(r.keys), append([]any{st.channel(), message, graceMillis, 0}, r.members...)}
	if index != "" {
		v.keys = append(v.keys, index)
	}
	return v
}

// revoked is how many sessions had not ended before, and how many were taken away: of
// those who end one at once, one has. Behind those that had ended idle come the
// doubtful: an outage may have kept them alive.
type revoked struct {
	ended, taken int
	doubtful     []doubtful
}

// doubtful is a session of which so much was left when it was taken away, which is
// less than nothing.
type doubtful struct {
	which  int
	left   time.Duration
	record []byte
}

func (v revocation) run(ctx context.Context, client goredis.Scripter) (done revoked, err error) {
	answer, err := revokeScript.Run(ctx, client, v.keys, v.args...).Slice()
	if err != nil {
		return done, err
	}
	if len(answer)%3 != 2 {
		return done, fmt.Errorf("redis answered %d values when it ended sessions; want 2, and 3 of each that may have ended idle", len(answer))
	}
	ended, _ := answer[0].(int64)
	taken, _ := answer[1].(int64)
	done.ended, done.taken = int(ended), int(taken)
	for of := range slices.Chunk(answer[2:], 3) {
		which, _ := of[0].(int64)
		left, _ := of[1].(int64)
		record, _ := of[2].(string)
		done.doubtful = append(done.doubtful, doubtful{int(which) - 1, time.Duration(left) * time.Millisecond, []byte(record)})
	}
	return done, nil
}

// revoke does that, and has enough replicas confirm it. With ErrUnconfirmed comes what
// was done.
func (st *Store) revoke(ctx context.Context, r refs, index string) (done revoked, err error) {
	v := st.revocation(r, index)
	done, err = v.run(ctx, st.client)
	if err == nil && st.wait.replicas > 0 {
		err = st.confirm(ctx, v)
	}
	return done, err
}

// settle makes sure that what has ended before in the slot of that key, which is of
// nobody's session, is known to enough replicas: whoever asks again for an end that
// none has confirmed finds nothing any more, and must not take that for success.
func (st *Store) settle(ctx context.Context, key sessionstore.Key) error {
	if st.wait.replicas == 0 {
		return nil
	}
	ctx, cancel := st.boundRevocation(ctx)
	defer cancel()
	_, err := st.revoke(ctx, refs{[]sessionstore.Key{key}, []string{st.sessionKey(key)}, []any{member(key)}}, "")
	return err
}

// settleAll is settle for all servers.
func (st *Store) settleAll(ctx context.Context) error {
	if st.wait.replicas == 0 {
		return nil
	}
	shards, err := st.firstShards(ctx)
	for _, shard := range shards {
		key := sessionstore.NewSecret(0).Key()
		key.Shard = shard
		err = errors.Join(err, st.settle(ctx, key))
	}
	return err
}

// confirm ends sessions of one server once more, and waits for the replicas.
func (st *Store) confirm(ctx context.Context, all ...revocation) error {
	return st.confirmWritten(ctx, all[0].keys[0], func(client goredis.Scripter) error {
		for _, v := range all {
			ctx, cancel := st.bound(ctx)
			_, err := v.run(ctx, client)
			cancel()
			if err != nil {
				return err
			}
		}
		return nil
	})
}

// confirmWritten writes once more and waits for the replicas on the connection that it
// was done on, since WAIT speaks of its own connection alone. Once more, because
// the client may be led to another connection, or after a failover to another
// primary, that has not heard of it: what is written must do no harm when it is
// written twice, and must be a write even then.
func (st *Store) confirmWritten(ctx context.Context, key string, write func(goredis.Scripter) error) error {
	conn, err := st.connection(ctx, key)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // goes back to the pool
	if err := write(conn); err != nil {
		return err
	}
	ctx, cancel := st.boundRevocation(ctx)
	defer cancel()
	have, err := conn.Wait(ctx, st.wait.replicas, st.wait.within).Result()
	if err != nil {
		return err
	}
	if have < int64(st.wait.replicas) {
		return fmt.Errorf("%d of %d replicas have confirmed it in time, %w: see INFO replication, or lower `wait`",
			have, st.wait.replicas, sessionstore.ErrUnconfirmed)
	}
	return nil
}

// connection is a connection of its own to the primary that has the key.
func (st *Store) connection(ctx context.Context, key string) (*goredis.Conn, error) {
	switch client := st.client.(type) {
	case *goredis.ClusterClient:
		node, err := client.MasterForKey(ctx, key)
		if err != nil {
			return nil, err
		}
		return node.Conn(), nil
	case *goredis.Client:
		return client.Conn(), nil
	}
	return nil, fmt.Errorf("client of kind %T cannot wait for replicas: make it with Open", st.client)
}
