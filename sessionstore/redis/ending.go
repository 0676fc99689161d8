package redis

import (
	"cmp"
	"context"
	"errors"
	"slices"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
)

// RevokeFound ends sessions of anybody: see sessionstore.Browser. Those of one person
// in a page end at once, and are told of in one message; each of these steps has the
// store's time-out to itself. What fails keeps nobody else's from ending, unless a
// server fails again and again. Of none it has enough replicas of every server confirm
// what has ended before.
func (st *Store) RevokeFound(ctx context.Context, found ...sessionstore.Found) (ended int, err error) {
	if len(found) == 0 {
		return 0, st.failed("ending sessions in redis", st.settleAll(ctx))
	}
	e := &ending{st: st, failures: make(map[string]int)}
	for page := range slices.Chunk(found, pageSize) {
		e.page(ctx, page)
	}
	return e.ended, st.failed("ending sessions in redis", cmp.Or(e.failed, e.unconfirmed))
}

// mostFailures is how often in a row a server may fail before it is asked no more.
const mostFailures = 3

// ending ends sessions of many, and remembers what kept it from some.
type ending struct {
	st    *Store
	ended int
	// failed is the first error but that too few replicas have confirmed it, which is
	// unconfirmed: then they are not waited for again.
	failed, unconfirmed error
	failures            map[string]int // in a row, of each server
}

// whose are sessions of one slot that end together: of one person, whose index is
// known, or of whom nobody can tell.
type whose struct {
	shard uint16
	index string
	as    sight
}

// sight is what somebody saw of a session.
type sight int

const (
	living sight = iota
	over
	unseen
)

func (e *ending) page(ctx context.Context, page []sessionstore.Found) {
	done := make(map[string][]revocation)
	for w, r := range e.grouped(ctx, page) {
		if err := ctx.Err(); err != nil {
			e.failed = cmp.Or(e.failed, err)
			break
		}
		server := e.st.serverOf(ctx, r.sessions[0])
		if e.failures[server] >= mostFailures {
			continue
		}
		if e.end(ctx, server, w, *r) {
			done[server] = append(done[server], e.st.revocation(*r, w.index))
		}
	}
	e.confirm(ctx, done)
}

// note remembers what a server has answered.
func (e *ending) note(server string, err error) {
	if err == nil {
		e.failures[server] = 0
		return
	}
	e.failed = cmp.Or(e.failed, err)
	e.failures[server]++
}

// end ends those sessions, and reports whether they have. When the answer is lost they
// end once more, which does no harm; but how many have is not known then.
func (e *ending) end(ctx context.Context, server string, w whose, r refs) bool {
	err := e.run(ctx, w, r)
	if broken(err) && ctx.Err() == nil {
		e.failed = cmp.Or(e.failed, err)
		err = e.run(ctx, w, r)
	}
	if goredis.HasErrorPrefix(err, "TRYAGAIN") {
		err = e.oneByOne(ctx, w, r)
	}
	e.note(server, err)
	return err == nil
}

// oneByOne is for a slot that is being moved, where the index of a person is at one node
// and a session of theirs at another: no script may name both then. What is left in the
// index is dropped by the next listing.
func (e *ending) oneByOne(ctx context.Context, w whose, r refs) (err error) {
	w.index = ""
	for i := range r.sessions {
		err = cmp.Or(err, e.run(ctx, w, refs{r.sessions[i : i+1], r.keys[i : i+1], r.members[i : i+1]}))
	}
	return err
}

func (e *ending) run(ctx context.Context, w whose, r refs) error {
	ctx, cancel := e.st.bound(ctx)
	defer cancel()
	answer, err := e.st.revocation(r, w.index).run(ctx, e.st.client)
	if err != nil {
		return err
	}
	switch w.as {
	case living: // also those that lived by an outage alone, which no script can tell
		e.ended += answer.taken
	case unseen:
		e.ended += answer.ended
	}
	return nil
}

// confirm has enough replicas of each server confirm what has ended there.
func (e *ending) confirm(ctx context.Context, done map[string][]revocation) {
	if e.st.wait.replicas == 0 {
		return
	}
	for server, all := range done {
		if e.unconfirmed != nil {
			return
		}
		err := e.st.confirm(ctx, all...)
		if errors.Is(err, sessionstore.ErrUnconfirmed) {
			e.unconfirmed = err
		} else {
			e.note(server, err)
		}
	}
}

// grouped are those that end together. Of those of whom it was not seen whose they are
// it is read.
func (e *ending) grouped(ctx context.Context, page []sessionstore.Found) map[whose]*refs {
	of := make(map[whose]*refs)
	var unknown []sessionstore.Key
	seen := make(map[sessionstore.Key]sight)
	for _, f := range page {
		as := living
		switch {
		case f.Ended:
			as = over
		case f.Session == nil && f.Err == nil:
			as = unseen
		}
		user := f.UserID
		if f.Session != nil {
			user = f.Session.User.ID
		}
		if user == 0 {
			seen[f.Key] = as
			unknown = append(unknown, f.Key)
			continue
		}
		e.st.put(of, f.Key, e.st.indexKey(user), as)
	}
	for _, group := range e.st.together(unknown) {
		indexes, err := e.st.indexesOf(ctx, group)
		e.failed = cmp.Or(e.failed, err)
		for i, index := range indexes {
			e.st.put(of, group[i], index, seen[group[i]])
		}
	}
	return of
}

func (st *Store) put(of map[whose]*refs, key sessionstore.Key, index string, as sight) {
	w := whose{key.Shard, index, as}
	if of[w] == nil {
		of[w] = &refs{}
	}
	r := of[w]
	r.sessions, r.keys, r.members = append(r.sessions, key), append(r.keys, st.sessionKey(key)), append(r.members, member(key))
}

// serverOf is the address of the server that has a session, in a cluster.
func (st *Store) serverOf(ctx context.Context, key sessionstore.Key) string {
	cluster, ok := st.client.(*goredis.ClusterClient)
	if !ok {
		return ""
	}
	node, err := cluster.MasterForKey(ctx, st.sessionKey(key))
	if err != nil {
		return ""
	}
	return node.Options().Addr
}

// indexesOf reads in whose indexes these sessions are; empty where that cannot be read.
func (st *Store) indexesOf(ctx context.Context, keys []sessionstore.Key) ([]string, error) {
	var records []any
	err := twice(ctx, func() (err error) {
		records, err = st.recordsOf(ctx, keys)
		return err
	})
	if err != nil {
		return nil, err
	}
	indexes := make([]string, len(keys))
	for i, key := range keys {
		record, _ := records[i].(string)
		if s, err := st.sealer.Open(key, []byte(record)); err == nil {
			indexes[i] = st.indexKey(s.User.ID)
		}
	}
	return indexes, nil
}

// together are the keys that one script may name: in a cluster those of one slot.
func (st *Store) together(keys []sessionstore.Key) [][]sessionstore.Key {
	if len(keys) == 0 {
		return nil
	}
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
