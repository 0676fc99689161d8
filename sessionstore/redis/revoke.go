package redis

import (
	"context"
	"errors"
	"fmt"
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

// revoke ends sessions of one person and tells those who keep them. The key of
// their index may be empty, when it is not known. It reports how many had not ended
// before, and how many it has taken away: of those who end one at once, one has.
func (st *Store) revoke(ctx context.Context, r refs, index string) (ended, taken int, err error) {
	message := make([]byte, 0, len(r.sessions)*keySize)
	for _, key := range r.sessions {
		message = key.AppendTo(message)
	}
	args := append([]any{st.channel(), message, graceMillis}, r.members...)
	keys := r.keys
	if index != "" {
		keys = append(keys, index)
	}
	answer, err := revokeScript.Run(ctx, st.client, keys, args...).Int64Slice()
	if err == nil && len(answer) != 2 {
		err = fmt.Errorf("redis answered %d values when it ended sessions; want 2", len(answer))
	}
	if err != nil {
		return 0, 0, err
	}
	if st.wait.replicas > 0 {
		err = st.confirm(ctx, keys[0], func(client goredis.Scripter) error {
			return revokeScript.Run(ctx, client, keys, args...).Err()
		})
	}
	return int(answer[0]), int(answer[1]), err
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
	_, _, err := st.revoke(ctx, refs{[]sessionstore.Key{key}, []string{st.sessionKey(key)}, []any{member(key)}}, "")
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

// confirm writes once more and waits for the replicas on the connection that it
// was done on, since WAIT speaks of its own connection alone. Once more, because
// the client may be led to another connection, or after a failover to another
// primary, that has not heard of it: what is written must do no harm when it is
// written twice, and must be a write even then.
func (st *Store) confirm(ctx context.Context, key string, write func(goredis.Scripter) error) error {
	conn, err := st.connection(ctx, key)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }() // goes back to the pool
	if err := write(conn); err != nil {
		return err
	}
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
