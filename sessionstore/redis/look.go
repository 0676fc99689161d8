package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	goredis "github.com/redis/go-redis/v9"
)

// Advice is what is not as it should be with a server that answers.
type Advice struct {
	// What is the matter, and Step what an operator does about it.
	What, Step string
	// Unseen says that it could not be looked at, so that nothing need be wrong.
	Unseen bool
}

// leastVersion is the first Redis that does all that is asked of it.
const leastVersion = 6

// Look tries on each server all that its user must be allowed, and asks for its
// role, its version and what it does when it is full. A user who may not ask is
// advised to be let, which is no mistake. What a server does not answer at all is
// an error; what is known by then is told all the same.
func (st *Store) Look(ctx context.Context) ([]Advice, error) {
	ctx, cancel := st.bound(ctx)
	defer cancel()
	rights, notTried := st.lookAtRights(ctx)
	state, err := st.lookAtState(ctx)
	return append(rights, state...), st.failed("looking at redis", errors.Join(notTried, err))
}

// lookAtState asks each server how it is.
func (st *Store) lookAtState(ctx context.Context) ([]Advice, error) {
	switch client := st.client.(type) {
	case *goredis.Client:
		return look(ctx, client)
	case *goredis.ClusterClient:
		var mu sync.Mutex
		var all []Advice
		err := client.ForEachMaster(ctx, func(ctx context.Context, node *goredis.Client) error {
			advice, err := look(ctx, node)
			mu.Lock()
			defer mu.Unlock()
			for _, a := range advice {
				if !slices.Contains(all, a) {
					all = append(all, a)
				}
			}
			return err
		})
		return all, err
	}
	return nil, nil
}

// look asks one server.
func look(ctx context.Context, client *goredis.Client) ([]Advice, error) {
	text, err := client.Info(ctx).Result()
	if goredis.IsPermissionError(err) {
		return lookUnseen(ctx, client, err)
	}
	if err != nil {
		return nil, err
	}
	return adviceOn(infoOf(text)), nil
}

// lookUnseen is look for a user who may not ask INFO: the role alone has a
// command of its own that is no danger.
func lookUnseen(ctx context.Context, client *goredis.Client, refused error) ([]Advice, error) {
	missing := []string{refusedCommand(refused)}
	role, err := client.Do(ctx, "role").Slice()
	switch {
	case goredis.IsPermissionError(err):
		missing = append(missing, refusedCommand(err))
	case err != nil:
		return nil, err
	case len(role) > 0 && role[0] == "slave":
		return []Advice{replicaAdvice}, nil
	}
	return []Advice{{
		What: fmt.Sprintf("redis could not be looked at, for its user may not ask %s: whether it is full of what it evicts, or a replica, is not known",
			strings.Join(missing, " and ")),
		Step:   "nothing, if maxmemory-policy is noeviction there; to have it looked at: ACL SETUSER <user> +info +role",
		Unseen: true,
	}}, nil
}

// refusedCommand is the command that a NOPERM names, in either wording of Redis.
func refusedCommand(err error) string {
	_, after, _ := strings.Cut(err.Error(), "'")
	command, _, named := strings.Cut(after, "'")
	if !named {
		return "about it"
	}
	return strings.ToUpper(command)
}

var replicaAdvice = Advice{
	What: "this redis is a replica, which takes no writes",
	Step: "give the store the address of its primary, or those of the sentinels (sentinel <master>)",
}

// adviceOn reads what INFO says.
func adviceOn(info map[string]string) (advice []Advice) {
	if policy := info["maxmemory_policy"]; policy != "" && policy != "noeviction" {
		advice = append(advice, Advice{
			What: fmt.Sprintf("redis evicts when it is full (maxmemory-policy %s, maxmemory %s), and whose session it evicts is signed out", policy, orNone(info["maxmemory_human"])),
			Step: "set maxmemory-policy noeviction in redis.conf, and maxmemory high enough",
		})
	}
	if info["role"] == "slave" {
		advice = append(advice, replicaAdvice)
	}
	major, _, _ := strings.Cut(info["redis_version"], ".")
	if n, err := strconv.Atoi(major); err == nil && n < leastVersion {
		advice = append(advice, Advice{What: "redis is of version " + info["redis_version"], Step: "upgrade it: it must be 6.0 or later"})
	}
	return advice
}

func orNone(size string) string {
	if size == "" || size == "0B" {
		return "not set"
	}
	return size
}

// infoOf reads the lines of INFO.
func infoOf(text string) map[string]string {
	info := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimRight(line, "\r\n"), ":"); ok {
			info[name] = value
		}
	}
	return info
}

// Answered is the word by which Redis began the error that it has answered, such
// as READONLY; empty when it has not answered.
func Answered(err error) string {
	var answer goredis.Error
	if err == nil || !errors.As(err, &answer) {
		return ""
	}
	word, _, _ := strings.Cut(answer.Error(), " ")
	return word
}
