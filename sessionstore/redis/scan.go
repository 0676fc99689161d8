package redis

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
)

const (
	// scanSize is how many keys a server looks at in one turn, of whichever kind
	// they are and whosever.
	scanSize = 500
	// askedAtOnce is how many keys one pipeline asks of: a server does all of it
	// before it serves the next client.
	askedAtOnce = 100
	// longestRest bounds the pause between two turns.
	longestRest = 50 * time.Millisecond
)

// visitor reads what those keys have, on the connection that their names came by.
type visitor func(ctx context.Context, conn *goredis.Conn, keys []string) error

// scan goes through the names of all keys of the pattern, on one server after the
// other, and visits them page by page; a name may come twice. The store's time-out
// is for each page, and not for handing over what was read of it. Between pages the
// context is asked, and then it rests for as long as the page took: a server has at
// least half of its time for others.
//
// A cluster must have the same slots in the same places when it ends, and none on
// its way to another, else some may have been passed over. In a context of
// sessionstore.Reaching it goes on where it can, and answers why some may have been.
func (st *Store) scan(ctx context.Context, pattern string, visit visitor, handOver func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	nodes, err := st.servers(ctx)
	if err != nil {
		return err
	}
	reaching := sessionstore.IsReaching(ctx)
	before, missed := st.layout(ctx, nodes)
	if missed != nil && !reaching {
		return missed
	}
	var stopped error
	hand := func() error {
		stopped = handOver()
		return stopped
	}
	for _, node := range nodes {
		err := st.scanAnew(ctx, node, before[node], pattern, visit, hand)
		if err != nil && (!reaching || stopped != nil || ctx.Err() != nil) {
			return err
		}
		missed = cmp.Or(missed, err)
	}
	after, err := st.layout(ctx, nodes)
	if err == nil && !maps.Equal(before, after) {
		err = errMoved
	}
	return cmp.Or(missed, err)
}

// scanAnew is scanOne, which in a context of sessionstore.Reaching begins anew where
// its connection broke: some come twice then, and none is passed over. The error stays.
func (st *Store) scanAnew(ctx context.Context, node *goredis.Client, self, pattern string, visit visitor, handOver func() error) (err error) {
	for range mostFailures {
		again := st.scanOne(ctx, node, self, pattern, visit, handOver)
		err = cmp.Or(err, again)
		if !broken(again) || !sessionstore.IsReaching(ctx) || ctx.Err() != nil {
			break
		}
	}
	return err
}

// scanOne goes through one server, by one connection: what SCAN answers means
// something to the process that has answered, and another one, by which a server was
// restarted or replaced, would go on anywhere and say nothing.
func (st *Store) scanOne(ctx context.Context, node *goredis.Client, self, pattern string, visit visitor, handOver func() error) error {
	conn, closeConn := st.apart(node)
	defer closeConn()
	var cursor uint64
	for {
		began := time.Now()
		next, err := st.turn(ctx, conn, pattern, cursor, visit)
		if err != nil {
			return lost(cursor, err)
		}
		took := time.Since(began)
		if err := handOver(); err != nil {
			return err
		}
		if next == 0 {
			return st.prove(ctx, conn, self)
		}
		if err := rest(ctx, min(took, longestRest)); err != nil {
			return err
		}
		cursor = next
	}
}

// turn scans and visits one page.
func (st *Store) turn(ctx context.Context, conn *goredis.Conn, pattern string, cursor uint64, visit visitor) (next uint64, err error) {
	ctx, cancel := st.bound(ctx)
	defer cancel()
	keys, next, err := conn.Scan(ctx, cursor, pattern, scanSize).Result()
	if err != nil {
		return 0, shown(err)
	}
	for some := range slices.Chunk(keys, askedAtOnce) {
		if err := visit(ctx, conn, some); err != nil {
			return 0, shown(err)
		}
	}
	return next, nil
}

// rest lets others have the server for so long.
func rest(ctx context.Context, d time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// servers are the primaries that have keys of the store.
func (st *Store) servers(ctx context.Context) ([]*goredis.Client, error) {
	ctx, cancel := st.bound(ctx)
	defer cancel()
	switch client := st.client.(type) {
	case *goredis.Client:
		return []*goredis.Client{client}, nil
	case *goredis.ClusterClient:
		var mu sync.Mutex
		var nodes []*goredis.Client
		err := client.ForEachMaster(ctx, func(_ context.Context, node *goredis.Client) error {
			mu.Lock()
			defer mu.Unlock()
			nodes = append(nodes, node)
			return nil
		})
		slices.SortFunc(nodes, func(a, b *goredis.Client) int { return strings.Compare(a.Options().Addr, b.Options().Addr) })
		return nodes, err
	}
	return nil, fmt.Errorf("client of kind %T cannot look for names: make it with Open", st.client)
}

// elsewhere reports whether a node of a cluster has sent us on to another one.
func elsewhere(err error) bool {
	return goredis.HasErrorPrefix(err, "MOVED") || goredis.HasErrorPrefix(err, "ASK") || goredis.HasErrorPrefix(err, "TRYAGAIN")
}
