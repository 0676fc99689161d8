package redis

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"

	"example.com/sidegate/sessionstore"
)

const (
	// mostReplaced bounds the sessions that one new session replaces. Browsers
	// present one or two.
	mostReplaced = 50
	// spare is how many sessions are named beyond those that must end: so many
	// may sign in at the same time, each in need of another, before one of them
	// has to look again.
	spare = 100
	// mostNamed bounds the sessions that a new one names: see pageSize.
	mostNamed = pageSize - mostReplaced - 10
)

// room is what a new session is told of those that may have to end for it.
type room struct {
	limit    sessionstore.Limit
	replaced []any // members of the index
	idlest   []sessionstore.Key
	// rest are the idlest that are not named yet, of whom so many are over the limit.
	rest []sessionstore.Idle
	over int
	// bound is when all others were seen last at the earliest. Who is seen later
	// is idle for less: so that is true for as long as anybody asks.
	bound int64
}

func newRoom(shard uint16, limit sessionstore.Limit) room {
	r := room{limit: limit}
	r.limit.Replaced = nil
	for _, key := range limit.Replaced {
		if key.Shard == shard && len(r.replaced) < mostReplaced {
			r.limit.Replaced = append(r.limit.Replaced, key)
			r.replaced = append(r.replaced, member(key))
		}
	}
	return r
}

// createWithin keeps a new session. Unless the person has as many as they may
// have that is one step. Else it looks which have been idle the longest, in
// pages that keep nobody waiting, and names those; the script that keeps the
// session looks at them once more, and ends only what no other has outlasted.
// Where a person is far over a limit, as where it is newly set, it names them page by
// page. Each page has the store's time-out to itself, and what has ended has ended.
// It is given what the script is to know of the session.
func (st *Store) createWithin(ctx context.Context, s *sessionstore.Session, about []any, limit sessionstore.Limit) (ended []sessionstore.Ended, err error) {
	r := newRoom(s.Key.Shard, limit)
	for {
		status, gone, err := st.tryCreate(ctx, s, about, r)
		ended = append(ended, gone...)
		switch {
		case err != nil:
			return ended, err
		case status == "ok":
			return ended, nil
		case status == "taken":
			return ended, ErrTaken
		case status != "full":
			return ended, fmt.Errorf("script answered nothing that is known")
		}
		// Of whom one was there still, or seen since, all must be looked for anew.
		if r.over -= len(gone); r.over > 0 && len(r.rest) > 0 && len(gone) == len(r.idlest) {
			r.name()
			continue
		}
		if err := st.lookForRoom(ctx, s.User.ID, &r); err != nil {
			return ended, err
		}
	}
}

// tryCreate keeps the session if there is room, or if what it names makes room.
func (st *Store) tryCreate(ctx context.Context, s *sessionstore.Session, about []any, r room) (status string, ended []sessionstore.Ended, err error) {
	ctx, cancel := st.bound(ctx)
	defer cancel()
	keys := []string{st.sessionKey(s.Key), st.indexKey(s.User.ID)}
	args := slices.Concat(about, []any{
		max(0, r.limit.Sessions), r.bound,
		binary.BigEndian.AppendUint16(nil, s.Key.Shard), st.channel(), len(r.replaced),
	}, r.replaced)
	for _, key := range r.idlest {
		keys, args = append(keys, st.sessionKey(key)), append(args, member(key))
	}
	answer, err := createScript.Run(ctx, st.client, keys, args...).StringSlice()
	if err != nil {
		return "", nil, err
	}
	if len(answer)%2 != 1 {
		return "", nil, fmt.Errorf("script answered %d parts", len(answer))
	}
	for pair := range slices.Chunk(answer[1:], 2) {
		ended = append(ended, st.endedOf(s.User.ID, pair[0], []byte(pair[1])))
	}
	return answer[0], ended, nil
}

// endedOf is what a script has ended of the person's sessions.
func (st *Store) endedOf(userID int64, member string, record []byte) sessionstore.Ended {
	e := sessionstore.Ended{Key: st.refer(userID, []string{member}).sessions[0]}
	if s, err := st.sealer.Open(e.Key, record); err == nil {
		e.Session = s
	}
	return e
}

// lookForRoom finds the person's sessions that have been idle the longest, or
// answers ErrTooMany.
func (st *Store) lookForRoom(ctx context.Context, userID int64, r *room) error {
	var live []sessionstore.Idle
	listed := make(map[string]bool)
	err := st.eachPage(ctx, userID, func(ctx context.Context, members []string) error {
		if members = unlisted(members, listed); len(members) == 0 {
			return nil
		}
		refs := st.refer(userID, members)
		seen, err := st.readPage(ctx, idleScript, userID, refs, 1)
		for i, at := range seen {
			if at, lives := at.(string); lives {
				live = append(live, sessionstore.Idle{Key: refs.sessions[i], LastSeenAt: lastSeen(at)})
			}
		}
		return err
	}, nothing)
	if err != nil {
		return err
	}
	over, err := r.limit.Over(live)
	if err == nil && !r.limit.Refuse {
		r.rest = slices.DeleteFunc(live, func(s sessionstore.Idle) bool { return slices.Contains(r.limit.Replaced, s.Key) })
		slices.SortFunc(r.rest, func(a, b sessionstore.Idle) int { return a.LastSeenAt.Compare(b.LastSeenAt) })
		r.over = len(over)
		r.name()
	}
	return err
}

// name takes down the idlest of the sessions: more than must end, as others may
// be about to end some of them.
func (r *room) name() {
	n := min(r.over+spare, mostNamed, len(r.rest))
	r.idlest, r.bound = r.idlest[:0], math.MaxInt64/1000
	for _, s := range r.rest[:n] {
		r.idlest = append(r.idlest, s.Key)
	}
	if r.rest = r.rest[n:]; len(r.rest) > 0 {
		r.bound = r.rest[0].LastSeenAt.UnixMilli()
	}
}

// lastSeen reads what idle.lua answers. A damaged record has been idle for ever,
// and for as long as room.lua says.
func lastSeen(b string) time.Time {
	if len(b) != sessionstore.RecordLastSeenSize {
		return time.UnixMilli(-1)
	}
	return time.UnixMilli(int64(binary.BigEndian.Uint64([]byte(b))))
}
