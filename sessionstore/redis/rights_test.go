package redis_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// enoughACL is leastACL with what the server is looked at by.
var enoughACL = slices.Concat(leastACL, []string{"+info", "+role"})

// needed are the commands of the gateway that no connection begins with, but for
// subscribe, which is tried by who listens.
var needed = strings.Fields("eval evalsha time exists get set setrange getrange strlen pttl pexpire del incr decr incrby " +
	"zadd zscore zcount zrange zrangebyscore zrem publish wait")

// Each word is told at the start, or it is found by whoever signs out.
func TestEachRightThatIsMissingIsToldAtTheStartByItsName(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t, redistest.ACLUser("sidegate", "right", enoughACL...))
	rules := map[string][]string{
		"~sidegate:*": {"resetkeys", "~other:*"},
		"&sidegate:*": {"resetchannels", "&other:*"},
		"+eval":       {"-@all", "+hello", "+client", "+info", "+role"},
	}
	for _, command := range needed {
		if rules["+"+command] == nil {
			rules["+"+command] = []string{"-" + command}
		}
	}
	st := redis.New(open(t, redis.Config{URL: srv.URL()}), sealer(t, "a secret"), redis.Options{Timeout: patience, WaitReplicas: 1})
	advice, err := st.Look(t.Context())
	must(t, err)
	wantAdvice(t, advice, nil, false)
	for word, rule := range rules {
		t.Run(word, func(t *testing.T) {
			setUser(t, srv, append([]string{"reset", "on", ">right"}, append(slices.Clone(enoughACL), rule...)...))
			advice, err := st.Look(t.Context())
			must(t, err)
			wantAdvice(t, advice, []string{"lacks ", " " + word, "ACL SETUSER <user> ", "~sidegate:* &sidegate:* +@all -@admin -@dangerous"}, false)
		})
	}
}

func setUser(t *testing.T, srv *redistest.Server, rules []string) {
	t.Helper()
	command := []any{"acl", "setuser", "sidegate"}
	for _, rule := range rules {
		command = append(command, rule)
	}
	must(t, srv.Client().Do(t.Context(), command...).Err())
}

func TestRightsAreTriedAtEachNodeOfACluster(t *testing.T) {
	t.Parallel()
	n := redistest.StartCluster(t)
	for _, node := range n.Primaries()[:1] {
		must(t, node.Client().Do(t.Context(), "acl", "setuser", "default", "-publish").Err())
	}
	st := redis.New(open(t, redis.Config{URL: n.URL(), Cluster: true}), sealer(t, "a secret"), redis.Options{Timeout: patience, WaitReplicas: 1})
	advice, err := st.Look(t.Context())
	must(t, err)
	wantAdvice(t, advice, []string{"lacks +publish"}, false)
}

// Gateways that listen, of any build, must not take what is tried for the end of
// a session, or for messages that were lost. And nothing of it is kept.
func TestWhatIsTriedIsHeardByNobodyAndKeptByNobody(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	st := store(t, srv.URL())
	l := listen(t, st)
	_, err := st.Look(t.Context())
	must(t, err)
	never := sessionstore.NewSecret(ada).Key()
	must(t, errors.Join(ignoreGone(st.Revoke(t.Context(), never))))
	l.wantHeard(t, "a sign-out after it", never)
	if gaps := l.sawGaps(); gaps != 1 || len(l.keys) != 1 {
		t.Errorf("%d gaps and %d messages were heard of", gaps, len(l.keys))
	}
	keys, err := srv.Client().Keys(t.Context(), "*").Result()
	must(t, err)
	if slices.ContainsFunc(keys, func(key string) bool { return strings.HasSuffix(key, "r") }) {
		t.Errorf("it is kept: %q", keys)
	}
}

func ignoreGone(_ *sessionstore.Session, err error) error {
	if errors.Is(err, sessionstore.ErrNotFound) {
		return nil
	}
	return err
}

// A refusal passes when an operator changes the user, and not by itself.
func TestWhoMayNotListenIsToldApartFromAServerThatIsAway(t *testing.T) {
	t.Parallel()
	listening := func(st *redis.Store) error {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		return st.Notify(ctx, func(sessionstore.Key) {}, func() {})
	}
	srv := redistest.Start(t, redistest.ACLUser("sidegate", "right", append(slices.Clone(enoughACL), "resetchannels")...))
	st := store(t, srv.URL())
	for name, rules := range map[string][]string{"no channel": {"resetchannels"}, "no command": {"-subscribe"}} {
		setUser(t, srv, append([]string{"reset", "on", ">right"}, append(slices.Clone(enoughACL), rules...)...))
		err := listening(st)
		cannotTell(t, err)
		if !redis.Refused(err) || !strings.Contains(err.Error(), "&sidegate:*") {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
	srv.Kill()
	if err := listening(st); err == nil || redis.Refused(err) || redis.Refused(nil) {
		t.Errorf("the error of a server that is away is %v", err)
	}
}
