package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
)

// List returns the person's live sessions: see sessionstore.Store.
func (st *Store) List(ctx context.Context, userID int64) ([]*sessionstore.Session, error) {
	ctx, cancel := st.bound(ctx)
	defer cancel()
	var l listing
	err := st.eachPage(ctx, userID, func(members []string) (gone int, err error) {
		return st.listPage(ctx, userID, members, &l)
	})
	if err != nil {
		return nil, st.failed("listing sessions from redis", err)
	}
	slices.SortStableFunc(l.sessions, func(a, b *sessionstore.Session) int {
		return b.CreatedAt.Compare(a.CreatedAt)
	})
	return l.sessions, l.unreadable.OrNil()
}

// listing is what was read of a person's sessions so far.
type listing struct {
	sessions   []*sessionstore.Session
	unreadable sessionstore.UnreadableError
}

// eachPage reads the index page by page and visits the members of each, which
// says how many of them have gone and so left it. Each page begins at the score
// that the last one ended with: unlike a rank, a score does not move under the
// feet of a reader when sessions end, and one that moves only moves ahead.
func (st *Store) eachPage(ctx context.Context, userID int64, visit func(members []string) (gone int, err error)) error {
	listed := make(map[string]bool)
	from, skip := "-inf", int64(0)
	for {
		page, err := st.client.ZRangeByScoreWithScores(ctx, st.indexKey(userID),
			&goredis.ZRangeBy{Min: from, Max: "+inf", Offset: skip, Count: pageSize}).Result()
		if err != nil {
			return err
		}
		gone := 0
		if members := unlisted(page, listed); len(members) > 0 {
			if gone, err = visit(members); err != nil {
				return err
			}
		}
		if len(page) < pageSize {
			return nil
		}
		last := strconv.FormatFloat(page[len(page)-1].Score, 'f', -1, 64)
		if last == from {
			// A whole page expires in one millisecond: step through it by rank,
			// but not over those who move up for what has left the index.
			skip += int64(len(page) - gone)
		} else {
			from, skip = last, 0
		}
	}
}

// unlisted picks the members of a page that are not listed yet, and lists them.
func unlisted(page []goredis.Z, listed map[string]bool) []string {
	members := make([]string, 0, len(page))
	for _, z := range page {
		if m, ok := z.Member.(string); ok && !listed[m] {
			listed[m] = true
			members = append(members, m)
		}
	}
	return members
}

// listPage reads the sessions of a page of the index, and says how many of them
// have gone and so left it.
func (st *Store) listPage(ctx context.Context, userID int64, members []string, l *listing) (gone int, err error) {
	refs := st.refer(userID, members)
	answer, err := st.readPage(ctx, listScript, userID, refs, 2)
	if err != nil {
		return 0, err
	}
	for i, key := range refs.sessions {
		record, ok := answer[2*i].(string)
		if !ok {
			gone++
			continue
		}
		left, _ := answer[2*i+1].(int64)
		if err := st.openInto(ctx, l, userID, key, []byte(record), left > 0); err != nil {
			return 0, err
		}
	}
	return gone, nil
}

// readPage has a script answer so many values of each session of a page.
func (st *Store) readPage(ctx context.Context, script *goredis.Script, userID int64, r refs, values int) ([]any, error) {
	answer, err := script.Run(ctx, st.client, append([]string{st.indexKey(userID)}, r.keys...), append([]any{graceMillis}, r.members...)...).Slice()
	if err == nil && len(answer) != values*len(r.members) {
		err = fmt.Errorf("redis answered %d values when asked for %d sessions", len(answer), len(r.members))
	}
	return answer, err
}

// openInto opens a record and lists it, unless it has ended. One that may have
// and cannot be opened has: it is kept for a while, and nobody can ask further.
func (st *Store) openInto(ctx context.Context, l *listing, userID int64, key sessionstore.Key, record []byte, live bool) error {
	s, err := st.sealer.Open(key, record)
	if err != nil {
		if live {
			l.unreadable.Add(key, err)
		}
		return nil
	}
	// The index is not sealed: it shows nobody the session of somebody else.
	if s.User.ID != userID || !st.now().Before(s.ExpiresAt) {
		return nil
	}
	if !live {
		err = st.confirmLive(ctx, s)
	}
	switch {
	case errors.Is(err, sessionstore.ErrNotFound):
		return nil
	case err != nil:
		return err
	}
	l.sessions = append(l.sessions, s)
	return nil
}

// RevokeUser ends the person's sessions: see sessionstore.Store. It ends them
// in pages, each of which is atomic; when it fails between two of them the
// number says how many have ended, and asking again ends the rest. A session
// created meanwhile may be among them.
func (st *Store) RevokeUser(ctx context.Context, userID int64, except ...sessionstore.Key) (int, error) {
	ctx, cancel := st.boundRevocation(ctx)
	defer cancel()
	kept := make(map[string]bool, len(except))
	for _, key := range except {
		kept[member(key)] = true
	}
	total := 0
	// Every turn takes what it ends out of the index and the deadline is
	// looked at before each, so that the loop ends.
	for {
		ended, more, err := st.revokePage(ctx, userID, kept)
		total += ended
		if err != nil || !more {
			return total, st.failed("ending sessions in redis", err)
		}
	}
}

// revokePage ends up to pageSize sessions and reports whether there may be
// more. The first page is always taken anew, wide enough for those that stay:
// were they skipped by rank, a session that moves could slip past.
func (st *Store) revokePage(ctx context.Context, userID int64, kept map[string]bool) (ended int, more bool, err error) {
	index := st.indexKey(userID)
	page, err := st.client.ZRange(ctx, index, 0, int64(pageSize+len(kept)-1)).Result()
	if err != nil {
		return 0, false, err
	}
	members := slices.DeleteFunc(page, func(m string) bool { return kept[m] })
	if len(members) == 0 {
		return 0, false, nil
	}
	refs := st.refer(userID, members[:min(len(members), pageSize)])
	ended, err = st.revoke(ctx, refs, index)
	return ended, len(members) >= pageSize, err
}

// refs name some sessions of one person, all three lists in the same order.
type refs struct {
	sessions []sessionstore.Key
	keys     []string // of Redis
	members  []any    // of the index
}

// refer makes refs of members of the person's index.
func (st *Store) refer(userID int64, members []string) refs {
	var r refs
	shard := sessionstore.ShardOf(userID)
	for _, m := range members {
		key := sessionstore.Key{Shard: shard}
		copy(key.Hash[:], m)
		r.sessions = append(r.sessions, key)
		r.keys = append(r.keys, st.memberKey(shard, m))
		r.members = append(r.members, m)
	}
	return r
}
