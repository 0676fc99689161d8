package redis

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
)

// ErrTaken says that there already is something under the key of a session
// that was to be created. Secrets are random, so this is a mistake: nothing
// was written.
var ErrTaken = errors.New("session key is already taken")

// Create keeps a new session: see sessionstore.Store. It refuses one that has
// already expired, whose key is taken (ErrTaken), or whose key is not of the
// shard of its person.
func (st *Store) Create(ctx context.Context, s *sessionstore.Session, limit sessionstore.Limit) ([]sessionstore.Ended, error) {
	ended, err := st.create(ctx, s, limit)
	return ended, st.failed("writing a session to redis", err)
}

func (st *Store) create(ctx context.Context, s *sessionstore.Session, limit sessionstore.Limit) (ended []sessionstore.Ended, err error) {
	if s.Key.Shard != sessionstore.ShardOf(s.User.ID) {
		return nil, errors.New("session key is not of the shard of its person: make it with NewSecret")
	}
	now := st.now()
	life, kept := lifeAfter(s, s.LastSeenAt, now)
	if life < time.Millisecond {
		return nil, errors.New("session would have expired already: check the lifetime, the idle timeout and the clock")
	}
	first := *s
	first.Version = 1
	return st.createWithin(ctx, &first, []any{
		st.sealer.Seal(&first), life.Milliseconds(), member(s.Key), kept.Milliseconds(), graceMillis,
	}, limit)
}

// Update replaces a session: see sessionstore.Store. It asks Redis twice: what
// stays as it is has to be read first, since it is sealed.
func (st *Store) Update(ctx context.Context, s *sessionstore.Session) (*sessionstore.Session, error) {
	ctx, cancel := st.bound(ctx)
	defer cancel()
	next, err := st.update(ctx, s)
	return next, st.failed("writing a session to redis", err)
}

func (st *Store) update(ctx context.Context, s *sessionstore.Session) (*sessionstore.Session, error) {
	held, err := st.read(ctx, s.Key)
	if err != nil {
		return nil, err
	}
	if held.Version != s.Version {
		return nil, sessionstore.ErrConflict
	}
	next := *s
	next.User.ID = held.User.ID
	next.CreatedAt, next.ExpiresAt = held.CreatedAt, held.ExpiresAt
	next.IdleTimeout, next.LastSeenAt = held.IdleTimeout, held.LastSeenAt
	next.Version++
	record := st.sealer.Seal(&next)

	const versionEnd = sessionstore.RecordVersionAt + sessionstore.RecordVersionSize
	expected := append([]byte(nil), record[:versionEnd]...)
	binary.BigEndian.PutUint64(expected[sessionstore.RecordVersionAt:], held.Version)
	status, seen, err := run(ctx, st.client, updateScript, []string{st.sessionKey(s.Key)},
		record, expected, st.channel(), s.Key.AppendTo(nil))
	if err != nil {
		return nil, err
	}
	if err := answered(status, seen); err != nil {
		return nil, err
	}
	// Somebody may have been seen since: Redis kept the later moment.
	copy(record[sessionstore.RecordLastSeenAt:][:sessionstore.RecordLastSeenSize], seen)
	return st.sealer.Open(s.Key, record)
}

// Touch notes activity: see sessionstore.Store.
func (st *Store) Touch(ctx context.Context, s *sessionstore.Session, seen time.Time) error {
	if !st.now().Before(s.ExpiresAt) {
		return sessionstore.ErrNotFound
	}
	ctx, cancel := st.bound(ctx)
	defer cancel()
	left, err := st.touch(ctx, s, seen, 0)
	if err == errEndedIdle { //nolint:errorlint // it comes from touch as it is
		// Unless nobody could write for so long: only then is that asked for.
		lost, lostErr := st.lost(ctx, s, left)
		switch {
		case lostErr != nil:
			err = lostErr
		case lost+left > 0:
			_, err = st.touch(ctx, s, seen, lost)
		}
	}
	if err == errEndedIdle { //nolint:errorlint // see above
		err = sessionstore.ErrNotFound
	}
	return st.failed("noting activity in redis", err)
}

// errEndedIdle is what touch answers when the session has ended for want of
// activity and is kept all the same.
var errEndedIdle = errors.New("session has ended idle")

// touch notes activity of a session, from whose idleness as much as lost is
// taken. With errEndedIdle comes how much of it is left, which is less than
// nothing.
func (st *Store) touch(ctx context.Context, s *sessionstore.Session, seen time.Time, lost time.Duration) (left time.Duration, err error) {
	now := st.now()
	life, kept := lifeAfter(s, seen, now)
	status, with, err := run(ctx, st.client, touchScript,
		[]string{st.sessionKey(s.Key), st.indexKey(s.User.ID)},
		binary.BigEndian.AppendUint64(nil, uint64(seen.UnixMilli())), life.Milliseconds(), member(s.Key),
		kept.Milliseconds(), graceMillis, max(0, now.Sub(seen).Milliseconds()), lost.Milliseconds(), s.IdleTimeout.Milliseconds())
	switch {
	case err != nil:
		return 0, err
	case status != "idle":
		return 0, answered(status, with)
	}
	millis, err := strconv.ParseInt(string(with), 10, 64)
	if err != nil {
		return 0, err
	}
	return time.Duration(millis) * time.Millisecond, errEndedIdle
}

// Revoke ends a session: see sessionstore.Store. A record that cannot be read
// names no person and so no index, yet its session ends all the same.
func (st *Store) Revoke(ctx context.Context, key sessionstore.Key) (*sessionstore.Session, error) {
	ctx, cancel := st.boundRevocation(ctx)
	defer cancel()
	one := refs{sessions: []sessionstore.Key{key}, keys: []string{st.sessionKey(key)}, members: []any{member(key)}}
	index := ""
	record, err := st.fetch(ctx, one.keys[0])
	s, unreadable := st.sealer.Open(key, record)
	if err == nil && unreadable == nil {
		index = st.indexKey(s.User.ID)
	}
	// Whatever kept us from reading it, "none" from a replica that lags behind
	// included, only the server that ends it can say that it has ended.
	done, err := st.revoke(ctx, one, index)
	if err != nil {
		return nil, st.failed("ending a session in redis", err)
	}
	if done.taken == 0 {
		return nil, nil // somebody else has ended it since it was read
	}
	return s, nil
}

// lifeAfter is how long a session lives from now on when it was last active at
// the moment seen, and for how long it is kept: if it ends idle, for the grace
// that sessionstore demands, but never past its whole life. A moment that is yet
// to come does not count for more.
func lifeAfter(s *sessionstore.Session, seen, now time.Time) (life, kept time.Duration) {
	active := *s
	active.LastSeenAt = seen
	life = min(active.IdleExpiresAt().Sub(now), s.LiveFor(now))
	return life, min(life+sessionstore.Grace, s.ExpiresAt.Sub(now))
}

// graceMillis is sessionstore.Grace as scripts take it.
const graceMillis = int64(sessionstore.Grace / time.Millisecond)

// run runs a script that answers a list: its status, and what goes with it.
func run(ctx context.Context, client goredis.Scripter, script *goredis.Script, keys []string, args ...any) (status string, with []byte, err error) {
	answer, err := script.Run(ctx, client, keys, args...).StringSlice()
	switch {
	case err != nil:
		return "", nil, err
	case len(answer) == 0:
		return "", nil, fmt.Errorf("script answered nothing")
	case len(answer) == 1:
		return answer[0], nil, nil
	}
	return answer[0], []byte(answer[1]), nil
}
