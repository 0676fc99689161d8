package redis

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
)

// WalkAll hands out everybody's sessions: see sessionstore.Browser. It goes
// through the names of all keys of the server (SCAN), whosever they are, and reads
// those of the store's sessions: half a minute for a million keys, half of it at rest.
// It ends with an error, whatever was handed out, when a server was restarted or
// replaced meanwhile, or when slots of a cluster moved from one node to another: some
// may have been passed over. One that cannot be read never counts as
// ended, for it does not say whose it is, and so which index knows.
func (st *Store) WalkAll(ctx context.Context, page func([]sessionstore.Found) error) error {
	return st.walkNames(ctx, "*", page)
}

// FindID finds a session by its public name: see sessionstore.Browser. Names are
// compared by the server, and what is found is read: a million keys take about five
// seconds when there is none, and less as it is found sooner.
func (st *Store) FindID(ctx context.Context, id string) (found sessionstore.Found, ok bool, err error) {
	if _, malformed := sessionstore.ParseID(id); malformed != nil {
		return found, false, ctx.Err()
	}
	// It has letters, digits, - and _ alone, which stand for themselves.
	err = st.walkNames(ctx, id+"*", func(page []sessionstore.Found) error {
		found, ok = page[0], true
		return errFound
	})
	if ok {
		return found, true, nil
	}
	return found, false, err
}

// errFound ends a look-up early, and reaches nobody.
var errFound = errors.New("found")

// walkNames hands out the sessions whose hash is written so.
func (st *Store) walkNames(ctx context.Context, hash string, page func([]sessionstore.Found) error) error {
	var found []sessionstore.Found
	var stopped error
	err := st.scan(ctx, st.globbed()+"{*}:s:"+hash, func(ctx context.Context, conn *goredis.Conn, names []string) error {
		some, err := st.readNames(ctx, conn, names)
		found = append(found, some...)
		return err
	}, func() error {
		if len(found) == 0 {
			return nil
		}
		these := found
		found = nil // whoever is given a page may keep it
		stopped = page(these)
		return stopped
	})
	if stopped != nil {
		return stopped
	}
	return st.failed("looking through the sessions of redis", err)
}

// readNames reads and opens the sessions of those Redis keys.
func (st *Store) readNames(ctx context.Context, conn *goredis.Conn, names []string) (found []sessionstore.Found, err error) {
	var keys []sessionstore.Key
	for _, name := range names {
		if key, ok := st.keyOf(name); ok {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	read, err := st.fetchMany(ctx, conn, keys)
	if err != nil {
		return nil, err
	}
	for i, r := range read {
		if !r.there {
			continue
		}
		f, ok, err := st.openFound(ctx, keys[i], r.record, r.kept > sessionstore.Grace || r.kept < 0, 0)
		if err != nil {
			return nil, err
		}
		if ok {
			found = append(found, f)
		}
	}
	return found, nil
}

// fetched is what was read of a session.
type fetched struct {
	record []byte
	kept   time.Duration
	there  bool
}

// fetchMany reads sessions of one server at once. What it sends us on for is asked
// where it says. A value of another kind is a record that nobody can read.
func (st *Store) fetchMany(ctx context.Context, conn *goredis.Conn, keys []sessionstore.Key) ([]fetched, error) {
	records, kept := make([]*goredis.StringCmd, len(keys)), make([]*goredis.DurationCmd, len(keys))
	questions := conn.Pipeline()
	for i, key := range keys {
		records[i], kept[i] = questions.Get(ctx, st.sessionKey(key)), questions.PTTL(ctx, st.sessionKey(key))
	}
	if _, err := questions.Exec(ctx); !alive(err) {
		return nil, shown(err)
	}
	read := make([]fetched, len(keys))
	for i, key := range keys {
		var err error
		if read[i], err = fetchedFrom(records[i], kept[i]); elsewhere(err) {
			a := st.ask(ctx, question{key: st.sessionKey(key)})
			read[i], err = fetched{a.record, a.kept, a.err == nil}, a.err
		}
		if err != nil && err != goredis.Nil { //nolint:errorlint // see read
			return nil, err
		}
	}
	return read, nil
}

func fetchedFrom(record *goredis.StringCmd, kept *goredis.DurationCmd) (fetched, error) {
	value, err := record.Bytes()
	if goredis.HasErrorPrefix(err, "WRONGTYPE") {
		value, err = nil, nil
	}
	if err != nil {
		return fetched{}, err
	}
	left, err := kept.Result()
	return fetched{value, left, err == nil && left != -2}, err
}

// Count is how many sessions are live: see sessionstore.Browser. It goes through the
// names of all keys of the server (SCAN) for those of the persons' indexes, and asks
// each how many sessions of it have not ended, which costs the same for one and for a
// hundred thousand: five seconds for a million keys, half of it at rest. Those whom an outage of the server alone has kept from ending idle
// count again once they have been seen.
func (st *Store) Count(ctx context.Context) (live int, err error) {
	counted := make(map[int64]bool)
	err = st.scan(ctx, st.globbed()+"{*}:u:*", func(ctx context.Context, conn *goredis.Conn, names []string) error {
		n, err := st.countMany(ctx, conn, st.uncounted(names, counted))
		live += n
		return err
	}, func() error { return nil })
	return live, st.failed("counting the sessions of redis", err)
}

// uncounted are the names of indexes that are not counted yet, which they then are.
func (st *Store) uncounted(names []string, counted map[int64]bool) (rest []string) {
	for _, name := range names {
		_, user, ok := st.partsOf(name, "u:")
		id, err := strconv.ParseInt(user, 10, 64)
		if ok && err == nil && name == st.indexKey(id) && !counted[id] {
			counted[id] = true
			rest = append(rest, name)
		}
	}
	return rest
}

// countMany asks many indexes at once. One that the server does not answer for, as it
// does not know the script yet or another node has the slot, is asked by itself.
func (st *Store) countMany(ctx context.Context, conn *goredis.Conn, names []string) (live int, err error) {
	if len(names) == 0 {
		return 0, nil
	}
	answers := make([]*goredis.Cmd, len(names))
	questions := conn.Pipeline()
	for i, name := range names {
		answers[i] = countScript.EvalSha(ctx, questions, []string{name}, graceMillis)
	}
	if _, err := questions.Exec(ctx); !alive(err) {
		return 0, shown(err)
	}
	for i, name := range names {
		n, err := answers[i].Int()
		if goredis.HasErrorPrefix(err, "NOSCRIPT") || elsewhere(err) {
			n, err = countScript.Run(ctx, st.client, []string{name}, graceMillis).Int()
		}
		if err != nil && err != goredis.Nil { //nolint:errorlint // see read
			return 0, err
		}
		live += n
	}
	return live, nil
}

// RevokeKeys ends sessions of anybody: see sessionstore.Browser. Those of one person
// in a page end at once, and are told of in one message; each of these steps has the
// store's time-out to itself. One that cannot be read counts, for it may have lived.
// Of no keys it has enough replicas of every server confirm what has ended before.
func (st *Store) RevokeKeys(ctx context.Context, keys ...sessionstore.Key) (ended int, err error) {
	if len(keys) == 0 {
		return 0, st.failed("ending sessions in redis", st.settleAll(ctx))
	}
	for page := range slices.Chunk(keys, pageSize) {
		if err := ctx.Err(); err != nil {
			return ended, st.failed("ending sessions in redis", err)
		}
		n, err := st.revokeSome(ctx, page)
		ended += n
		if err != nil {
			return ended, st.failed("ending sessions in redis", err)
		}
	}
	return ended, nil
}

// whose are sessions of one slot that end together: of one person, whose index is
// known, or of whom nobody can tell.
type whose struct {
	shard uint16
	index string
}

func (st *Store) revokeSome(ctx context.Context, keys []sessionstore.Key) (ended int, err error) {
	of, err := st.indexesOf(ctx, keys)
	if err != nil {
		return 0, err
	}
	for w, r := range of {
		n, err := st.revokeOf(ctx, *r, w.index)
		ended += n
		if err != nil {
			return ended, err
		}
	}
	return ended, nil
}

func (st *Store) revokeOf(ctx context.Context, r refs, index string) (int, error) {
	ctx, cancel := st.boundRevocation(ctx)
	defer cancel()
	ended, _, err := st.revoke(ctx, r, index)
	return ended, err
}

// indexesOf reads whose sessions these are.
func (st *Store) indexesOf(ctx context.Context, keys []sessionstore.Key) (map[whose]*refs, error) {
	of := make(map[whose]*refs)
	for _, group := range st.together(keys) {
		records, err := st.recordsOf(ctx, group)
		if err != nil {
			return nil, err
		}
		for i, key := range group {
			w := whose{shard: key.Shard}
			record, _ := records[i].(string)
			if s, err := st.sealer.Open(key, []byte(record)); err == nil {
				w.index = st.indexKey(s.User.ID)
			}
			if of[w] == nil {
				of[w] = &refs{}
			}
			r := of[w]
			r.sessions, r.keys, r.members = append(r.sessions, key), append(r.keys, st.sessionKey(key)), append(r.members, member(key))
		}
	}
	return of, nil
}

// together are the keys that one script may name: in a cluster those of one slot.
func (st *Store) together(keys []sessionstore.Key) [][]sessionstore.Key {
	if _, cluster := st.client.(*goredis.ClusterClient); !cluster {
		return [][]sessionstore.Key{keys}
	}
	byShard := make(map[uint16][]sessionstore.Key)
	for _, key := range keys {
		byShard[key.Shard] = append(byShard[key.Shard], key)
	}
	groups := make([][]sessionstore.Key, 0, len(byShard))
	for _, group := range byShard {
		groups = append(groups, group)
	}
	return groups
}

func (st *Store) recordsOf(ctx context.Context, keys []sessionstore.Key) ([]any, error) {
	ctx, cancel := st.bound(ctx)
	defer cancel()
	names := make([]string, len(keys))
	for i, key := range keys {
		names[i] = st.sessionKey(key)
	}
	records, err := recordsScript.Run(ctx, st.client, names).Slice()
	if err == nil && len(records) != len(keys) {
		err = errors.New("redis did not answer with as many sessions as it was asked for")
	}
	return records, err
}
