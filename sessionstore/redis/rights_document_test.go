package redis_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
	"example.com/sidegate/sessionstore/redis/redistest"
	"example.com/sidegate/sessionstore/storetest"
)

// documented are the rules of the line in OPERATIONS.md by which an operator makes the
// user, without its name, `on` and the password.
func documented(t *testing.T) (rules []string) {
	t.Helper()
	text, err := os.ReadFile("../../deploy/OPERATIONS.md")
	must(t, err)
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 5 && words[0] == "ACL" && words[1] == "SETUSER" && words[2] == "sidegate" {
			return slices.DeleteFunc(words[3:], func(word string) bool { return word == "on" || word == "reset" || strings.HasPrefix(word, ">") })
		}
	}
	t.Fatal("OPERATIONS.md has no line ACL SETUSER sidegate")
	return nil
}

// asDocumented is a server whose user is made by a client, as an operator does.
func asDocumented(t *testing.T, rules []string, options ...redistest.Option) *redistest.Server {
	t.Helper()
	srv := redistest.Start(t, append(options, redistest.ACLUser("sidegate", "right", "allkeys", "+@all"))...)
	setUser(t, srv, append([]string{"reset", "on", ">right"}, rules...))
	return srv
}

func TestTheUserOfTheOperationsDocumentMayDoAllThatIsNeeded(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		options []redistest.Option
		cluster bool
		more    []string
	}{
		"at one server": {},
		"at a cluster, with what it says of itself": {[]redistest.Option{redistest.Cluster()}, true, strings.Fields(documentedOfCluster)},
	} {
		t.Run(name, func(t *testing.T) {
			srv := asDocumented(t, append(documented(t), c.more...), c.options...)
			cfg := redis.Config{URL: srv.URL()}
			if c.cluster {
				cfg = redis.Config{URL: "redis://" + srv.Addr(), Cluster: true, Username: "sidegate", Password: "right"}
			}
			st := redis.New(open(t, cfg), sealer(t, "a secret"), redis.Options{Timeout: patience, WaitReplicas: 1})
			advice, err := st.Look(t.Context())
			must(t, err)
			wantAdvice(t, advice, nil, false)
			must(t, listens(t, st))
			wantNothingRefused(t, srv)
			st = redis.New(open(t, cfg), sealer(t, "a secret"), redis.Options{Timeout: patience})
			everyMethodWorks(t, st)
			must(t, looksThrough(t, st))
			if long() {
				contract(t, cfg, srv)
			}
			wantNothingRefused(t, srv)
		})
	}
}

// documentedOfCluster is what a user of Redis Cluster needs beside that.
const documentedOfCluster = "+cluster|slots +cluster|nodes"

func TestTheOperationsDocumentSaysWhatAUserOfAClusterNeeds(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../deploy/OPERATIONS.md")
	must(t, err)
	if !strings.Contains(string(text), "With Redis Cluster add `"+documentedOfCluster+"`") {
		t.Errorf("OPERATIONS.md does not say %s", documentedOfCluster)
	}
}

// What goes unnoticed would be left out by the next operator, or be left in for good.
func TestEachRightOfTheOperationsDocumentIsMissedWhenItIsNotThere(t *testing.T) {
	t.Parallel()
	rules := documented(t)
	srv := asDocumented(t, rules)
	for _, rule := range rules {
		if rule == "+ping" {
			continue // asked of a subscription that nothing came by for long
		}
		t.Run(rule, func(t *testing.T) {
			without := slices.DeleteFunc(slices.Clone(rules), func(r string) bool { return r == rule })
			setUser(t, srv, append([]string{"reset", "on", ">right"}, without...))
			st := redis.New(open(t, redis.Config{URL: srv.URL()}), sealer(t, "a secret"), redis.Options{Timeout: patience, WaitReplicas: 1})
			advice, err := st.Look(t.Context())
			if err == nil && len(advice) == 0 {
				err = errors.Join(listens(t, st), looksThrough(t, st))
			}
			if err == nil && len(advice) == 0 && len(refused(t, srv)) == 0 {
				t.Error("nothing is told, and Redis has nothing in its ACL LOG")
			}
		})
	}
}

// looksThrough does what operators do, with a session of somebody, and is why it cannot
// be done.
func looksThrough(t *testing.T, st *redis.Store) error {
	t.Helper()
	s := create(t, st, ada)
	seen := 0
	note := func(page []sessionstore.Found) error {
		seen += len(page)
		return nil
	}
	all := st.WalkAll(t.Context(), note)
	one := st.WalkUser(t.Context(), ada, note)
	_, found, find := st.FindID(t.Context(), s.Key.ID())
	live, count := st.Count(t.Context())
	ended, revoke := st.RevokeFound(t.Context(), storetest.Found(s.Key)...)
	err := errors.Join(all, one, find, count, revoke)
	if err == nil && (seen < 2 || !found || live < 1 || ended != 1) {
		t.Errorf("%d are seen, found %t, %d counted, %d ended; want the one that is there", seen, found, live, ended)
	}
	return err
}

// refused is what Redis has noted that it refused somebody.
func refused(t *testing.T, srv *redistest.Server) []any {
	t.Helper()
	entries, err := srv.Client().Do(t.Context(), "acl", "log").Slice()
	must(t, err)
	must(t, srv.Client().Do(t.Context(), "acl", "log", "reset").Err())
	return entries
}

func wantNothingRefused(t *testing.T, srv *redistest.Server) {
	t.Helper()
	if entries := refused(t, srv); len(entries) > 0 {
		t.Errorf("Redis has refused %v", entries)
	}
}

// listens is why the store cannot be listened to; nil when it can.
func listens(t *testing.T, st *redis.Store) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	heard := false
	err := st.Notify(ctx, func(sessionstore.Key) {}, func() {
		heard = true
		cancel()
	})
	if heard {
		return nil
	}
	return err
}
