package redis

import (
	"errors"
	"fmt"
	"strings"
	"syscall"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
)

// failed says what was being done when err came up, and what to do about it.
// The definite answers of a store pass as they are; all others stay "cannot
// tell". No key is ever part of the text.
func failed(doing string, err error) error {
	if err == nil || errors.Is(err, sessionstore.ErrNotFound) || errors.Is(err, sessionstore.ErrConflict) || errors.Is(err, sessionstore.ErrTooMany) {
		return err
	}
	err = shown(err)
	text := err.Error()
	if strings.Contains(text, "WRONGTYPE") {
		return fmt.Errorf("%s: %w", doing, sessionstore.ErrCorrupt)
	}
	// Redis repeats the arguments of a command that it does not know, and the
	// first of them is the key.
	if command, _, cut := strings.Cut(text, ", with args beginning with"); cut {
		return fmt.Errorf("%s: %s: see rename-command and the version of redis, which must be 6.0 or later", doing, command)
	}
	if step := nextStep(err); step != "" {
		return fmt.Errorf("%s: %w: %s", doing, err, step)
	}
	return fmt.Errorf("%s: %w", doing, err)
}

// nextStep is what an operator does about an error of Redis; empty when the
// error says enough.
func nextStep(err error) string {
	switch {
	case goredis.IsAuthError(err):
		return "check the user name and password of the store"
	case goredis.IsPermissionError(err):
		return aclStep
	case goredis.IsReadOnlyError(err):
		return "this server is a replica: after a failover that passes, else give the store the address of its primary"
	case goredis.IsMasterDownError(err), goredis.IsClusterDownError(err), goredis.IsNoReplicasError(err):
		return "the replication of redis is broken: see its own log"
	case goredis.IsTryAgainError(err):
		return "a slot is being moved to another node: that passes, see redis-cli --cluster check if it does not"
	case goredis.IsLoadingError(err):
		return "redis is starting, wait for it"
	case goredis.IsOOMError(err):
		return "redis is full: raise maxmemory"
	case goredis.IsMaxClientsError(err):
		return "raise maxclients of redis or lower pool_size"
	case timedOut(err):
		return "redis did not answer in time: see whether it is reachable, busy or swapping"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "see whether redis is running there"
	}
	return stepByText(err.Error())
}

// aclStep is the least that a user of Redis must be allowed.
const aclStep = "let the user of the store read, write and run scripts on its keys, and publish and subscribe on its channel " +
	"(ACL SETUSER <user> ~<key_prefix>* &<key_prefix>* +@all -@admin -@dangerous)"

// stepByText knows errors that have nothing but their text.
func stepByText(text string) string {
	switch {
	case strings.Contains(text, "can't publish"), strings.Contains(text, "one of the channels"):
		return aclStep
	case strings.Contains(text, "sentinels specified"):
		return "see whether the sentinels run, and watch a primary of the configured name (sentinel <master>)"
	case strings.HasPrefix(text, "MOVED "), strings.HasPrefix(text, "ASK "):
		return "this server is a node of a cluster: add `cluster` to the store, or wait until its slot has moved"
	}
	return ""
}

// timedOut reports whether an error is a time-out, of the network or of a context.
func timedOut(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// answered turns the answer of a script into an error: 'ok' is none.
func answered(status string, head []byte) error {
	switch status {
	case "ok":
		return nil
	case "gone":
		return sessionstore.ErrNotFound
	case "conflict":
		return sessionstore.ErrConflict
	case "unreadable":
		// The head says which; it is too short to pass for a record.
		if err := sessionstore.CheckRecord(head); err != nil {
			return err
		}
	}
	return sessionstore.ErrCorrupt
}
