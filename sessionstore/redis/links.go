package redis

import (
	"context"
	"slices"
	"time"

	"example.com/sidegate/sessionstore"
)

// Link links a session to a name: see sessionstore.Links. The link ends by
// Redis' clock. The name and the session lie in two slots of a cluster, so that
// neither is written along with the other.
func (st *Store) Link(ctx context.Context, name string, key sessionstore.Key, life time.Duration) error {
	ctx, cancel := st.bound(ctx)
	defer cancel()
	err := linkScript.Run(ctx, st.client, []string{st.linksKey(name)},
		key.AppendTo(nil), lifeInRedis(life)).Err()
	return st.failed("linking a session in redis", err)
}

// Linked returns the sessions of a name: see sessionstore.Links.
func (st *Store) Linked(ctx context.Context, name string) ([]sessionstore.Key, error) {
	ctx, cancel := st.bound(ctx)
	defer cancel()
	keys, err := st.linked(ctx, st.linksKey(name))
	if err != nil {
		return nil, st.failed("asking redis for linked sessions", err)
	}
	return keys, nil
}

// linked reads the links page by page, by score as list does: a link that moves
// meanwhile moves only ahead.
func (st *Store) linked(ctx context.Context, links string) ([]sessionstore.Key, error) {
	var keys []sessionstore.Key
	seen := make(map[sessionstore.Key]bool)
	from, skip := "0", 0
	for {
		// Members and their scores, by turns.
		page, err := linkedScript.Run(ctx, st.client, []string{links}, from, skip, pageSize).StringSlice()
		if err != nil {
			return nil, err
		}
		for pair := range slices.Chunk(page, 2) {
			// What is no key was not put there by us and names no session.
			if key, err := sessionstore.KeyFromBytes([]byte(pair[0])); err == nil && !seen[key] {
				seen[key] = true
				keys = append(keys, key)
			}
		}
		if len(page) < 2*pageSize {
			return keys, nil
		}
		from, skip = nextPage(page[len(page)-1], from, skip)
	}
}

// nextPage begins at the score that the last page ended with. When a whole page
// ends in one millisecond it steps through that by rank.
func nextPage(last, from string, skip int) (string, int) {
	if last == from {
		return from, skip + pageSize
	}
	return last, 0
}

// IsLinked asks for one session of a name: see sessionstore.Links. It is one
// look into a sorted set.
func (st *Store) IsLinked(ctx context.Context, name string, key sessionstore.Key) (bool, error) {
	ctx, cancel := st.bound(ctx)
	defer cancel()
	linked, err := isLinkedScript.Run(ctx, st.client, []string{st.linksKey(name)}, key.AppendTo(nil)).Bool()
	return linked && err == nil, st.failed("asking redis for a linked session", err)
}

// Unlink forgets links: see sessionstore.Links.
func (st *Store) Unlink(ctx context.Context, name string, keys ...sessionstore.Key) error {
	ctx, cancel := st.bound(ctx)
	defer cancel()
	for page := range slices.Chunk(keys, pageSize) {
		members := make([]any, len(page))
		for i, key := range page {
			members[i] = key.AppendTo(nil)
		}
		if err := st.client.ZRem(ctx, st.linksKey(name), members...).Err(); err != nil {
			return st.failed("forgetting linked sessions in redis", err)
		}
	}
	return nil
}
