package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
)

// List returns the person's live sessions: see sessionstore.Store. The store's
// time-out is for each page of them.
func (st *Store) List(ctx context.Context, userID int64) (list []*sessionstore.Session, err error) {
	var unreadable sessionstore.UnreadableError
	listed := make(map[sessionstore.Key]bool)
	err = st.WalkUser(ctx, userID, func(page []sessionstore.Found) error {
		for _, found := range page {
			switch {
			case listed[found.Key], found.Ended:
				continue
			case found.Err != nil:
				unreadable.Add(found.Key, found.Err)
			default:
				list = append(list, found.Session)
			}
			listed[found.Key] = true
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(list, func(a, b *sessionstore.Session) int {
		return b.CreatedAt.Compare(a.CreatedAt)
	})
	return list, unreadable.OrNil()
}

// WalkUser hands out the person's sessions: see sessionstore.Browser.
func (st *Store) WalkUser(ctx context.Context, userID int64, page func([]sessionstore.Found) error) error {
	var found []sessionstore.Found
	var stopped error
	err := st.eachPage(ctx, userID, func(ctx context.Context, members []string) (err error) {
		found, err = st.readMembers(ctx, userID, members)
		return err
	}, func() error {
		these := found
		if found = nil; len(these) > 0 {
			stopped = page(these)
		}
		return stopped
	})
	if stopped != nil {
		return stopped
	}
	return st.failed("listing sessions from redis", err)
}

// spot is where a page of an index ends: the last of its members, and the score of that.
type spot struct{ score, member string }

// eachPage reads the index page by page and visits the members of each. Each page
// begins behind the score and the member that the last one ended with: unlike a rank,
// these do not move under the feet of a reader when sessions end, be it by what is done
// with a page, and a score that moves only moves ahead. So a member may come twice. The
// store's time-out is for each page, and not for handing over what was read of it; a page
// whose connection breaks is read again. Between pages the context is asked.
func (st *Store) eachPage(ctx context.Context, userID int64, visit func(ctx context.Context, members []string) error, handOver func() error) error {
	var from *spot
	for {
		var next *spot
		err := twice(ctx, func() (err error) {
			next, err = st.onePage(ctx, userID, from, visit)
			return err
		})
		if err == nil {
			err = handOver()
		}
		if err != nil || next == nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		from = next
	}
}

// onePage reads and visits one page, and answers where it ends; nil when this was the
// last.
func (st *Store) onePage(ctx context.Context, userID int64, from *spot, visit func(ctx context.Context, members []string) error) (next *spot, err error) {
	ctx, cancel := st.bound(ctx)
	defer cancel()
	args := []any{pageSize}
	if from != nil {
		args = append(args, from.score, from.member)
	}
	page, err := pageScript.Run(ctx, st.client, []string{st.indexKey(userID)}, args...).StringSlice()
	if err != nil {
		return nil, err
	}
	if len(page)%2 != 1 || page[0] != "page" {
		return nil, fmt.Errorf("redis answered %d values when asked for a page of an index", len(page))
	}
	members := make([]string, 0, len(page)/2)
	for pair := range slices.Chunk(page[1:], 2) {
		members = append(members, pair[0])
	}
	if len(members) == 0 {
		return nil, nil
	}
	if err := visit(ctx, members); err != nil {
		return nil, err
	}
	if len(members) == pageSize {
		next = &spot{score: page[len(page)-1], member: members[pageSize-1]}
	}
	return next, nil
}

// fromPrimary asks an index, and along with that for a write that changes nothing,
// which only a primary takes: a server that was replaced while we were connected may
// not know of sessions that were created since, and so must not say that there are
// none. Both go by one connection, so that the one proves the other.
func fromPrimary[T any, C interface{ Result() (T, error) }](ctx context.Context, client goredis.UniversalClient, index string, ask func(goredis.Pipeliner) C) (answer T, err error) {
	questions := client.Pipeline()
	asked := ask(questions)
	proof := questions.ZRem(ctx, index, "")
	if _, err := questions.Exec(ctx); err != nil {
		return answer, err
	}
	if err := proof.Err(); err != nil {
		return answer, err
	}
	return asked.Result()
}

// unlisted picks the members that are not listed yet, and lists them.
func unlisted(page []string, listed map[string]bool) []string {
	members := make([]string, 0, len(page))
	for _, m := range page {
		if !listed[m] {
			listed[m] = true
			members = append(members, m)
		}
	}
	return members
}

// readMembers reads the sessions of a page of the index. Those that have gone leave it.
func (st *Store) readMembers(ctx context.Context, userID int64, members []string) (found []sessionstore.Found, err error) {
	refs := st.refer(userID, members)
	answer, err := st.readPage(ctx, listScript, userID, refs, 2)
	if err != nil {
		return nil, err
	}
	for i, key := range refs.sessions {
		record, ok := answer[2*i].(string)
		if !ok {
			continue
		}
		left, _ := answer[2*i+1].(int64)
		f, ok, err := st.openFound(ctx, key, []byte(record), left > 0, userID)
		if err != nil {
			return nil, err
		}
		// The index is not sealed: it shows nobody the session of somebody else.
		if ok && (f.Session == nil || f.Session.User.ID == userID) {
			found = append(found, f)
		}
	}
	return found, nil
}

// readPage has a script answer so many values of each session of a page.
func (st *Store) readPage(ctx context.Context, script *goredis.Script, userID int64, r refs, values int) ([]any, error) {
	answer, err := script.Run(ctx, st.client, append([]string{st.indexKey(userID)}, r.keys...), append([]any{graceMillis}, r.members...)...).Slice()
	if err == nil && len(answer) != values*len(r.members) {
		err = fmt.Errorf("redis answered %d values when asked for %d sessions", len(answer), len(r.members))
	}
	return answer, err
}

// longestIdle stands for the idle timeout of a session that cannot be read. All that
// is known of outages lies within it.
const longestIdle = outagesKept

// openFound opens a record; false when its life is over. Where it is not known to
// live it is asked whether it has ended idle. What cannot be read does not say whose
// it is, so that it may live unless the index of its person knows: whose is 0 where
// that is not known.
func (st *Store) openFound(ctx context.Context, key sessionstore.Key, record []byte, live bool, whose int64) (f sessionstore.Found, ok bool, err error) {
	s, unreadable := st.sealer.Open(key, record)
	switch {
	case unreadable == nil && !st.now().Before(s.ExpiresAt):
		return f, false, nil
	case unreadable == nil:
		live = live || s.IdleTimeout <= 0
	case whose == 0:
		live = true
	}
	f = sessionstore.Found{Key: key, Session: s, Err: unreadable, UserID: whose}
	if live {
		return f, true, nil
	}
	if unreadable != nil {
		s = unreadableOf(whose, key)
	}
	err = st.confirmLive(ctx, s)
	if errors.Is(err, sessionstore.ErrNotFound) {
		f.Ended, err = true, nil
	}
	return f, err == nil, err
}

// RevokeUser ends the person's sessions: see sessionstore.Store. It ends them
// in pages, each of which is atomic, and has the store's time-out to itself; when it
// fails between two of them the number says how many have ended, and asking again ends
// the rest. That too few replicas have confirmed it, or that an answer was lost, keeps
// no other from ending. A session created meanwhile may be among them.
func (st *Store) RevokeUser(ctx context.Context, userID int64, except ...sessionstore.Key) (int, error) {
	kept := make(map[string]bool, len(except))
	for _, key := range except {
		kept[member(key)] = true
	}
	total, failures, settled := 0, 0, st.wait.replicas == 0
	var unconfirmed, unheard error
	// Every turn takes what it ends out of the index, so that the loop ends.
	for {
		ended, more, err := st.revokePage(ctx, userID, kept, unconfirmed == nil)
		total += ended
		switch {
		case err == nil:
			failures = 0
		case errors.Is(err, sessionstore.ErrUnconfirmed):
			unconfirmed, settled, err = err, true, nil
		case broken(err) && failures < mostFailures:
			failures++
			unheard, more, err = err, true, nil
		}
		if err == nil && !more && ended == 0 && !settled {
			// They may have been ended before, and no replica have heard of it.
			err, more, settled = st.settle(ctx, sessionstore.NewSecret(userID).Key()), true, true
		}
		if err == nil && more {
			err = ctx.Err()
		}
		if err != nil || !more {
			return total, st.failed("ending sessions in redis", cmp.Or(err, unheard, unconfirmed))
		}
	}
}

// revokePage ends up to pageSize sessions and reports whether there may be
// more. The first page is always taken anew, wide enough for those that stay:
// were they skipped by rank, a session that moves could slip past.
func (st *Store) revokePage(ctx context.Context, userID int64, kept map[string]bool, confirmed bool) (ended int, more bool, err error) {
	ctx, cancel := st.boundRevocation(ctx)
	defer cancel()
	index := st.indexKey(userID)
	page, err := fromPrimary(ctx, st.client, index, func(questions goredis.Pipeliner) *goredis.StringSliceCmd {
		return questions.ZRange(ctx, index, 0, int64(pageSize+len(kept)-1))
	})
	if err != nil {
		return 0, false, err
	}
	members := slices.DeleteFunc(page, func(m string) bool { return kept[m] })
	if len(members) == 0 {
		return 0, false, nil
	}
	refs := st.refer(userID, members[:min(len(members), pageSize)])
	v := st.revocation(refs, index)
	v.args[doubtfulAt] = 1
	done, err := v.run(ctx, st.client)
	if err == nil && confirmed && st.wait.replicas > 0 {
		err = st.confirm(ctx, v)
	}
	return done.ended + st.forgiven(ctx, userID, refs, done.doubtful), len(members) >= pageSize, err
}

// forgiven is how many of the doubtful lived, since nobody could write for so long.
// One of which that cannot be told does not count.
func (st *Store) forgiven(ctx context.Context, userID int64, r refs, all []doubtful) (n int) {
	for _, d := range all {
		key := r.sessions[d.which]
		s, unreadable := st.sealer.Open(key, d.record)
		if unreadable != nil {
			s = unreadableOf(userID, key)
		}
		if lost, err := st.lost(ctx, s, d.left); err == nil && lost+d.left > 0 && (unreadable != nil || st.now().Before(s.ExpiresAt)) {
			n++
		}
	}
	return n
}

// unreadableOf stands for a session of the person's that cannot be read.
func unreadableOf(userID int64, key sessionstore.Key) *sessionstore.Session {
	return &sessionstore.Session{Key: key, User: sessionstore.UserSession{ID: userID}, IdleTimeout: longestIdle}
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
