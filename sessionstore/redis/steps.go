package redis

import (
	"crypto/tls"
	"errors"
	"io"
	"slices"
	"strings"
	"syscall"

	goredis "github.com/redis/go-redis/v9"
)

// step is what an operator does about one kind of error.
type step struct {
	of   func(err error, text string) bool
	does string
}

// steps are in order: the first that is of an error counts. What sentinels have
// said comes before the same from a server, and what is known by its kind before
// what has nothing but its text.
var steps = []step{
	{sentinelsAnd(unknownCommand), "this is a plain redis and no sentinel: give the addresses of the sentinels (port 26379), or leave `sentinel` out for this redis alone"},
	{sentinelsAnd(goredis.IsAuthError), "check the user name and password of the sentinels: they are those in the URL; " +
		"`username` and `password` of the store are for redis itself. See whether it is a sentinel (port 26379), too"},
	{sentinelsAnd(unencrypted), "the sentinels seem not to speak TLS there: write redis:// and leave `tls` out, or let them (tls-port)"},
	{sentinelsAnd(is(goredis.Nil)), "the sentinels watch no primary of that name: take one that they know for `sentinel <master>` (SENTINEL MASTERS lists them)"},
	{text("can't parse", "invalid reply"), "this is no redis: check host and port"},
	{text("sentinels specified"), "see whether the sentinels run, and watch a primary of the configured name (sentinel <master>)"},
	{kind(goredis.IsAuthError), "check the user name and password of the store: `username` and `password`, or those in the URL; " +
		"with `sentinel` those in the URL are for the sentinels first. See whether it is a sentinel (port 26379), which needs `sentinel <master>`"},
	{kind(unencrypted), "the server seems not to speak TLS there: write redis:// and leave `tls` out, or give the port that does (tls-port)"},
	{text("certificate required", "handshake failure", "bad certificate", "unknown certificate"),
		"the server asks for a certificate of the client, or does not take ours: give one that its authority has signed (`cert <file>` and `key <file>` in the block `tls`)"},
	{scanRefused, "ACL SETUSER <user> +scan lets the user of the store look for names, which operators need, and people are signed in and out without"},
	{nodesRefused, "ACL SETUSER <user> +cluster|nodes lets the user of the store see which slots are being moved, which operators need, and people are signed in and out without"},
	{inScript, "a script of the store was refused a command: " + aclStep},
	{kind(goredis.IsPermissionError), aclStep},
	{text("can't publish", "one of the channels"), aclStep},
	{kind(goredis.IsReadOnlyError), "this server is a replica: after a failover that passes, else give the store the address of its primary"},
	{kind(goredis.IsMasterDownError), "this server is a replica whose replication is broken: see its own log, or give the store the address of the primary"},
	{kind(goredis.IsNoReplicasError), "too few replicas follow this primary: see INFO replication, bring them back, or lower min-replicas-to-write of redis"},
	{kind(goredis.IsClusterDownError), slotsStep},
	{movedOn, "a slot is being moved to another node: that passes, see redis-cli --cluster check <host>:<port> if it does not"},
	{text("CROSSSLOT"), "keys that belong together have come apart: give the addresses of the nodes themselves, for a proxy between seems not to heed the braces in keys"},
	{kind(goredis.IsLoadingError), "redis is starting, wait for it"},
	{kind(goredis.IsOOMError), "redis is full: raise maxmemory, and keep maxmemory-policy noeviction, for any other signs people out"},
	{kind(goredis.IsMaxClientsError), "raise maxclients of redis or lower pool_size"},
	{text("MISCONF"), "redis cannot save to its disk, and so takes no writes: see its own log, make room on that disk, or let it write to `dir`"},
	{starts("BUSY "), "a script keeps redis busy, or a FUNCTION: SCRIPT KILL or FUNCTION KILL ends it; the gateway's own take milliseconds"},
	{text("DB index is out of range"), "the server has no database of that number: lower the one at the end of the URL, or raise `databases` of redis"},
	{text("SELECT is not allowed in cluster"), "this server is a node of a cluster, which has database 0 only: leave the number at the end of the URL out, and add `cluster` to the store"},
	{text("cluster support disabled"), "this server is no node of a cluster: leave `cluster` out of the store"},
	{kind(timedOut), "redis did not answer in time: see whether it is reachable, busy or swapping"},
	{kind(is(syscall.ECONNREFUSED)), "see whether redis is running there"},
	{kind(is(syscall.ENOENT)), "there is no such socket: see `unixsocket` of redis, and whether it is running"},
	{kind(is(syscall.EACCES)), "the socket may not be opened: see `unixsocketperm` of redis, and the group of this process"},
	{kind(is(io.EOF), is(io.ErrUnexpectedEOF), is(syscall.ECONNRESET), is(syscall.EPIPE)),
		"the server ended the connection: see whether it was started again, and, if this does not pass, whether it speaks TLS there (write rediss://, or add `tls`) or wants a certificate of ours (`cert <file>` and `key <file>` in the block `tls`)"},
	{text("no such host"), "the name is not known: see the host in the URL"},
}

// nextStep is what an operator does about an error of Redis; empty when the
// error says enough.
func (st *Store) nextStep(err error) string {
	if does := certificateSteps(err); does != "" {
		return does
	}
	said := err.Error()
	if _, told := st.client.(*goredis.ClusterClient); !told {
		switch {
		case goredis.IsClusterDownError(err):
			return nodeStep + "; " + slotsStep
		case movedOn(err, said), strings.Contains(said, "CROSSSLOT"):
			return nodeStep
		}
	}
	i := slices.IndexFunc(steps, func(s step) bool { return s.of(err, said) })
	if i < 0 {
		return ""
	}
	return strings.ReplaceAll(steps[i].does, prefixWord, st.prefix)
}

const (
	// slotsStep is for a cluster that does not serve all of its slots.
	slotsStep = "slots of the cluster are not assigned, or its nodes do not see each other: see redis-cli --cluster check <host>:<port>"
	// nodeStep is for what nodes of a cluster alone say, where the store was not
	// told of one.
	nodeStep = "this server is a node of a cluster: add `cluster` to the store"
)

// movedOn reports whether another node has the slot, or will have it.
func movedOn(err error, said string) bool {
	return goredis.IsTryAgainError(err) || strings.HasPrefix(said, "MOVED ") || strings.HasPrefix(said, "ASK ")
}

// prefixWord stands in a step for the prefix of the store's keys.
const prefixWord = "<key_prefix>"

// unknownStep is for a command that Redis does not know.
const unknownStep = "see rename-command and the version of redis, which must be 6.0 or later, and whether it is a sentinel, which needs `sentinel <master>`"

// aclStep is the least that a user of Redis must be allowed.
const aclStep = "let the user of the store read, write and run scripts on its keys, and publish and subscribe on its channel " +
	"(ACL SETUSER <user> " + aclWords + ")"

// aclWords are those of that user.
const aclWords = "~" + prefixWord + "* &" + prefixWord + "* +@all -@admin -@dangerous"

// unencrypted reports whether TLS was spoken to who does not.
func unencrypted(err error) bool {
	_, other := errors.AsType[tls.RecordHeaderError](err)
	_, silent := errors.AsType[*unshaken](err)
	return other || silent
}

// unknownCommand reports whether Redis does not know what it was asked.
func unknownCommand(err error) bool { return strings.Contains(err.Error(), "unknown command") }

// inScript reports whether Redis refused a command inside of a script: the
// script may be run, and what it does may not.
func inScript(_ error, said string) bool {
	return strings.Contains(said, "script") && !strings.Contains(said, "publish") &&
		(strings.Contains(said, "NOPERM") || strings.Contains(said, "no permissions") || strings.Contains(said, "can't run this command") ||
			strings.Contains(said, "can't access"))
}

// scanRefused reports whether Redis refuses its user the one command that no request
// needs.
func scanRefused(_ error, said string) bool {
	return refusal(said) && strings.Contains(strings.ToLower(said), "'scan'")
}

// nodesRefused is the same for what says where the slots of a cluster are going.
func nodesRefused(_ error, said string) bool {
	return refusal(said) && strings.Contains(said, "(CLUSTER NODES)")
}

// kind is for errors that one of these knows.
func kind(knows ...func(error) bool) func(error, string) bool {
	return func(err error, _ string) bool {
		return slices.ContainsFunc(knows, func(known func(error) bool) bool { return known(err) })
	}
}

func is(target error) func(error) bool {
	return func(err error) bool { return errors.Is(err, target) }
}

// text is for errors that have one of these in their text.
func text(parts ...string) func(error, string) bool {
	return func(_ error, said string) bool {
		return slices.ContainsFunc(parts, func(part string) bool { return strings.Contains(said, part) })
	}
}

func starts(with ...string) func(error, string) bool {
	return func(_ error, said string) bool {
		return slices.ContainsFunc(with, func(prefix string) bool { return strings.HasPrefix(said, prefix) })
	}
}

// sentinelsAnd is for errors of sentinels that one knows.
func sentinelsAnd(known func(error) bool) func(error, string) bool {
	return func(err error, said string) bool { return strings.Contains(said, "sentinels specified") && known(err) }
}

// timedOut reports whether an error is a time-out, of the network or of a context.
func timedOut(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}
