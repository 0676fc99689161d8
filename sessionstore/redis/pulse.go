package redis

import (
	"context"
	"errors"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
)

const (
	// pulseShards is of how many shards a server of a cluster keeps its outages
	// in the first that it has: enough that there is one for each server.
	pulseShards = 256
	// outagesKept is for how long they are kept: longer than people are away
	// and not signed out.
	outagesKept = 30 * 24 * time.Hour
)

// Beat proves that every server can be written: see sessionstore.Store. Each
// server of a cluster has outages of its own, for each can be away by itself. A
// server that is full notes the beat and answers with OOM: activity is written
// down there, and nothing new is.
func (st *Store) Beat(ctx context.Context) error {
	keys, err := st.pulses(ctx)
	for _, key := range keys {
		err = errors.Join(err, st.beat(ctx, key))
	}
	return st.failed("writing to redis", err)
}

func (st *Store) beat(ctx context.Context, key string) error {
	ctx, cancel := st.bound(ctx)
	defer cancel()
	return beatScript.Run(ctx, st.client, []string{key},
		sessionstore.BeatPatience.Milliseconds(), sessionstore.MaxOutages, outagesKept.Milliseconds()).Err()
}

// pulses are the keys of outages, one for each server, by its address.
func (st *Store) pulses(ctx context.Context) (map[string]string, error) {
	shards, err := st.firstShards(ctx)
	keys := make(map[string]string, len(shards))
	for addr, shard := range shards {
		keys[addr] = st.outagesKey(shard)
	}
	return keys, err
}

// firstShards are a shard of each server, by its address.
func (st *Store) firstShards(ctx context.Context) (map[string]uint16, error) {
	cluster, ok := st.client.(*goredis.ClusterClient)
	if !ok {
		return map[string]uint16{"": 0}, nil
	}
	shards := make(map[string]uint16)
	for shard := range uint16(pulseShards) {
		node, err := cluster.MasterForKey(ctx, st.outagesKey(shard))
		if err != nil {
			return shards, err
		}
		if _, known := shards[node.Options().Addr]; !known {
			shards[node.Options().Addr] = shard
		}
	}
	return shards, nil
}

// pulse is the key of the outages of the server that has the session.
func (st *Store) pulse(ctx context.Context, key sessionstore.Key) (string, error) {
	keys, err := st.pulses(ctx)
	if err != nil {
		return "", err
	}
	cluster, ok := st.client.(*goredis.ClusterClient)
	if !ok {
		return keys[""], nil
	}
	node, err := cluster.MasterForKey(ctx, st.sessionKey(key))
	if err != nil {
		return "", err
	}
	return keys[node.Options().Addr], nil
}

// confirmLive makes sure that a session has not ended that may have; the error
// is ErrNotFound when it has.
func (st *Store) confirmLive(ctx context.Context, s *sessionstore.Session) error {
	millis, err := leftScript.Run(ctx, st.client, []string{st.sessionKey(s.Key), st.indexKey(s.User.ID)},
		member(s.Key), graceMillis, s.IdleTimeout.Milliseconds()).Int64()
	left := time.Duration(millis) * time.Millisecond
	switch {
	case err == goredis.Nil: //nolint:errorlint // see read
		return sessionstore.ErrNotFound
	case err != nil || left > 0:
		return err
	}
	lost, err := st.lost(ctx, s, left)
	if err == nil && lost+left <= 0 {
		err = sessionstore.ErrNotFound
	}
	return err
}

// lost is for how long nobody could write to the server of the session since it
// was last seen, when so much of it is left, which is less than nothing. All of
// it goes by the clock of the server.
func (st *Store) lost(ctx context.Context, s *sessionstore.Session, left time.Duration) (time.Duration, error) {
	key, err := st.pulse(ctx, s.Key)
	if err != nil || key == "" || s.IdleTimeout <= 0 {
		return 0, err
	}
	answer, err := outagesScript.Run(ctx, st.client, []string{key}).Slice()
	if err != nil {
		return 0, err
	}
	if len(answer) == 2 {
		millis, isNumber := answer[0].(int64)
		value, isText := answer[1].(string)
		if isNumber && isText {
			now := time.UnixMilli(millis)
			return sessionstore.ParseOutages([]byte(value)).Lost(now.Add(left-s.IdleTimeout), now), nil
		}
	}
	return 0, errors.New("redis did not answer with the time and what is known of its outages")
}
