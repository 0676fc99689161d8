package redis

import (
	"context"
	"errors"
	"strconv"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
)

// unconfirmed ends a number that replicas may not have yet.
const unconfirmed = "?"

var errCounter = errors.New("the counter of numbers does not hold one that a number can follow: " +
	"see what has written to the key that ends in {0000}:c, and set it to the highest number that was given")

// Number hands out the number of a name: see sessionstore.Numbers. A number is
// three keys without an end: a counter that the next one is tried by, a
// reservation that says whose it is, and the number of the name. Two gateways
// that number one name at once waste a number; none is ever given twice as long
// as its reservation is there, even if the counter is lost or goes back.
//
// Redis is the only place that has them, and "for good" is as good as it is:
//   - With a maxmemory-policy of allkeys-* they may be evicted: who comes again
//     is then numbered anew, and a number whose reservation went as well may
//     become somebody else's. Use noeviction, or at least volatile-*.
//   - A failover to a replica that lags behind, or a restart without appendfsync
//     always, undoes the last of them. Options.WaitReplicas rules the failover
//     out: a number is then answered only once that many replicas have both its
//     reservation and its name, else the answer is "cannot tell" and asking
//     again goes on from there. A number that they once had is not waited for
//     again, so that people can sign in while a replica is down.
//   - Restoring an old copy takes what was numbered since back, whatever the
//     options: set the counter ahead by more than that before letting people in.
func (st *Store) Number(ctx context.Context, name string) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, st.timeout+2*st.wait.within)
	defer cancel()
	n, err := st.number(ctx, name)
	return n, st.failed("numbering a name in redis", err)
}

func (st *Store) number(ctx context.Context, name string) (int64, error) {
	key := st.numberKey(name)
	value, err := st.fetch(ctx, key)
	switch {
	case err == goredis.Nil: //nolint:errorlint // see read
		n, err := st.reserve(ctx, hashOf(name))
		if err != nil {
			return 0, err
		}
		return st.assign(ctx, key, strconv.FormatInt(n, 10))
	case err != nil:
		return 0, err
	}
	digits, open := strings.CutSuffix(string(value), unconfirmed)
	if open && st.wait.replicas > 0 {
		return st.assign(ctx, key, digits)
	}
	return parseNumber(digits)
}

// reserve takes the next number that nobody has. Behind a counter that was lost
// it steps twice as far each time, and so finds the end of millions in a few
// steps; it wastes at most as many as were given.
func (st *Store) reserve(ctx context.Context, owner string) (int64, error) {
	for step := int64(1); ; step *= 2 {
		n, err := st.client.IncrBy(ctx, st.counterKey(), step).Result()
		switch {
		case err != nil && strings.Contains(err.Error(), "not an integer"):
			return 0, errCounter
		case err != nil:
			return 0, err
		case n < 1 || n > sessionstore.MaxNumber:
			return 0, errCounter
		}
		if kept, err := st.claim(ctx, st.ownerKey(n), owner); err != nil || kept == owner {
			return n, err
		}
	}
}

// assign gives the name that number, unless it has one by now, and answers what
// the name has.
func (st *Store) assign(ctx context.Context, key, digits string) (int64, error) {
	if st.wait.replicas == 0 {
		kept, err := st.claim(ctx, key, digits)
		if err != nil {
			return 0, err
		}
		return parseNumber(strings.TrimSuffix(kept, unconfirmed))
	}
	kept, err := st.claim(ctx, key, digits+unconfirmed)
	if err != nil {
		return 0, err
	}
	digits = strings.TrimSuffix(kept, unconfirmed)
	// If that fails the next who asks waits once more, and no harm is done.
	_ = settleScript.Run(ctx, st.client, []string{key}, digits+unconfirmed, digits).Err()
	return parseNumber(digits)
}

// claim keeps a value under a key for good, unless there is one already, and
// answers which is kept, once enough replicas have it.
func (st *Store) claim(ctx context.Context, key, value string) (kept string, err error) {
	write := func(client goredis.Scripter) (err error) {
		kept, err = claimScript.Run(ctx, client, []string{key}, value).Text()
		return err
	}
	err = write(st.client)
	if err == nil && st.wait.replicas > 0 {
		err = st.confirmWritten(ctx, key, write)
	}
	return kept, err
}

// parseNumber reads a number that is kept for a name.
func parseNumber(digits string) (int64, error) {
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil || n < 1 || n > sessionstore.MaxNumber {
		return 0, sessionstore.ErrCorrupt
	}
	return n, nil
}
