package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// Refused reports whether Redis has refused what its user may not do, which
// passes only when an operator changes the user.
func Refused(err error) bool {
	return err != nil && (goredis.IsPermissionError(err) || refusal(err.Error()))
}

// refusal reports whether Redis refuses its user something, by what it says
// itself or inside of a script, in the wording of any version.
func refusal(said string) bool {
	return slices.ContainsFunc([]string{"NOPERM", "no permissions", "can't run this command", "can't access at least one", "can't publish"},
		func(part string) bool { return strings.Contains(said, part) })
}

// missing are the words that the user of the store lacks in the ACL of Redis.
type missing []string

// note notes what an error says of the user, and returns one that says something
// else.
func (m *missing) note(command, prefix string, err error) error {
	if !Refused(err) {
		return err
	}
	word, said := "+"+strings.ToLower(command), err.Error()
	switch {
	case strings.Contains(said, "channel"):
		word = "&" + prefix + "*"
	case strings.Contains(said, "key"):
		word = "~" + prefix + "*"
	}
	if !slices.Contains(*m, word) {
		*m = append(*m, word)
	}
	return nil
}

// lookAtRights tries what a gateway does in the course of a day, each command on
// each server, for one that is refused would be found only when it is needed: by
// whoever signs out. Listening is tried by who listens.
func (st *Store) lookAtRights(ctx context.Context) ([]Advice, error) {
	keys, err := st.pulses(ctx)
	var lacks missing
	for _, key := range keys {
		err = errors.Join(err, st.tryRights(ctx, key+"r", &lacks))
	}
	if len(lacks) == 0 {
		return nil, err
	}
	return []Advice{{
		What: fmt.Sprintf("the user of redis lacks %s: some of signing in, staying signed in and signing out fails", strings.Join(lacks, " ")),
		Step: fmt.Sprintf("ACL SETUSER <user> %s; in all it needs %s", strings.Join(lacks, " "), strings.ReplaceAll(aclWords, prefixWord, st.prefix)),
	}}, err
}

// tryRights tries what is done at one server. A script is sent by its name and in
// full, which are two commands.
func (st *Store) tryRights(ctx context.Context, key string, lacks *missing) error {
	named := rightsScript.EvalSha(ctx, st.client, []string{key}, st.channel()).Err()
	if goredis.HasErrorPrefix(named, "NOSCRIPT") {
		named = nil
	}
	failed, err := rightsScript.Eval(ctx, st.client, []string{key}, st.channel()).StringSlice()
	errs := []error{lacks.note("evalsha", st.prefix, named), lacks.note("eval", st.prefix, err)}
	for i := 0; i+1 < len(failed); i += 2 {
		_ = lacks.note(failed[i], st.prefix, errors.New(failed[i+1]))
	}
	if st.wait.replicas > 0 {
		errs = append(errs, lacks.note("wait", st.prefix, st.tryWait(ctx, key)))
	}
	return errors.Join(errs...)
}

// tryWait waits for no replica.
func (st *Store) tryWait(ctx context.Context, key string) error {
	conn, err := st.connection(ctx, key)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return conn.Wait(ctx, 0, time.Millisecond).Err()
}
