package redis

import (
	"context"
	"errors"
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
// ended, for it does not say whose it is, and so which index knows: where there are
// such, the indexes that may be theirs are rid of those that are there no more.
func (st *Store) WalkAll(ctx context.Context, page func([]sessionstore.Found) error) error {
	unreadable, stopped := make(map[uint16]bool), false
	err := st.walkNames(ctx, "*", false, func(found []sessionstore.Found) error {
		for _, f := range found {
			if f.Session == nil {
				unreadable[f.Key.Shard] = true
			}
		}
		err := page(found)
		stopped = err != nil
		return err
	})
	if len(unreadable) > 0 && !stopped && ctx.Err() == nil {
		st.tidy(ctx, unreadable)
	}
	return err
}

// FindID finds a session by its public name: see sessionstore.Browser. Names are
// compared by the server, and what is found is read: a million keys take about five
// seconds when there is none, and less as it is found sooner.
func (st *Store) FindID(ctx context.Context, id string) (found sessionstore.Found, ok bool, err error) {
	if _, malformed := sessionstore.ParseID(id); malformed != nil {
		return found, false, ctx.Err()
	}
	// It has letters, digits, - and _ alone, which stand for themselves.
	err = st.walkNames(sessionstore.Reaching(ctx), id+"*", true, func(page []sessionstore.Found) error {
		found, ok = page[0], true
		return errFound
	})
	if !ok {
		return found, false, err
	}
	if found.Session == nil && found.UserID == 0 {
		found.UserID = st.ownerOf(ctx, found.Key)
	}
	return found, true, nil
}

// errFound ends a look-up early, and reaches nobody.
var errFound = errors.New("found")

// walkNames hands out the sessions whose hash is written so. Who does not walk to the
// end, where that is made sure of, wants it proven that it is a primary that has them.
func (st *Store) walkNames(ctx context.Context, hash string, proven bool, page func([]sessionstore.Found) error) error {
	var found []sessionstore.Found
	var stopped error
	err := st.scan(ctx, st.globbed()+"{*}:s:"+hash, func(ctx context.Context, conn *goredis.Conn, names []string) error {
		some, err := st.readNames(ctx, conn, names)
		if err == nil && proven && len(some) > 0 {
			err = st.provePrimary(ctx, conn, some[0].Key)
		}
		if err != nil {
			return err
		}
		found = append(found, some...)
		return nil
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
	}, nothing)
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
