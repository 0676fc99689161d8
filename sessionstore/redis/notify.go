package redis

import (
	"context"
	"errors"
	"fmt"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
)

const (
	// pingEvery and answerWithin find a connection whose other end is gone
	// without a word: nothing else is sent on it while nobody signs out.
	pingEvery    = time.Second
	answerWithin = 2 * time.Second
	// keySize is the length of a key in a message: see sessionstore.Key.
	keySize = 34
)

var _ sessionstore.Notifier = (*Store)(nil)

// channel is where scripts publish which sessions they have changed or ended:
// their keys, 34 bytes each, one behind the other. A message is sent by the
// script that makes the change, so that there is none without the other.
//
// Redis Cluster hands each message to all of its nodes, whichever of them we
// subscribe to: a sign-out costs as many messages as there are nodes. Sharded
// channels would spare that, for a subscription per shard and gateway.
func (st *Store) channel() string { return st.prefix + "changed" }

// Notify subscribes to the changes that any gateway makes and calls changed for
// the key of each session that was changed or ended. It calls gap once the
// subscription stands, for messages before that were missed, and for a message
// that it cannot read. It returns when the subscription breaks, when the server
// was silent for three seconds, or when ctx is done, and says why, with
// sessionstore.ErrMayNotListen when its user may not subscribe; it does not
// subscribe again by itself, since messages are lost meanwhile. A server that
// is cut off from the others of its cluster still answers, so that what was
// read must not be kept for ever even while Notify runs.
func (st *Store) Notify(ctx context.Context, changed func(sessionstore.Key), gap func()) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	sub := st.client.Subscribe(ctx, st.channel())
	// Nothing but closing it wakes a reader whose context ends.
	stop := context.AfterFunc(ctx, func() { _ = sub.Close() })
	defer func() {
		stop()
		_ = sub.Close()
	}()
	go ping(ctx, sub, cancel)
	err := receive(ctx, sub, changed, gap)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	failed := st.failed("listening to redis for sessions that end", err)
	if err != nil && (Refused(err) || unknownCommand(err)) {
		failed = &mayNotListen{failed}
	}
	return failed
}

// mayNotListen is why Redis lets us not subscribe.
type mayNotListen struct{ cause error }

// Error implements error.
func (m *mayNotListen) Error() string { return m.cause.Error() }

// Unwrap returns what has come up.
func (m *mayNotListen) Unwrap() error { return m.cause }

// Is implements what errors.Is asks.
func (*mayNotListen) Is(target error) bool { return target == sessionstore.ErrMayNotListen }

// ping asks for an answer every second. One that cannot be asked for ends the
// subscription: go-redis would connect anew and not say so.
func ping(ctx context.Context, sub *goredis.PubSub, broken context.CancelCauseFunc) {
	tick := time.NewTicker(pingEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if err := sub.Ping(ctx); err != nil {
				broken(err)
				return
			}
		}
	}
}

// receive reads messages until reading fails. It uses the one call of go-redis
// that reports a broken connection: its channels reconnect in silence.
func receive(ctx context.Context, sub *goredis.PubSub, changed func(sessionstore.Key), gap func()) error {
	subscribed := false
	for {
		// A time-out is final: it may have struck in the middle of a message.
		message, err := sub.ReceiveTimeout(ctx, pingEvery+answerWithin)
		if err != nil {
			return err
		}
		switch m := message.(type) {
		case *goredis.Subscription:
			if subscribed {
				return errors.New("go-redis has subscribed anew, and messages may be lost")
			}
			subscribed = true
			gap()
		case *goredis.Message:
			tell(m.Payload, changed, gap)
		case *goredis.Pong:
		default:
			return fmt.Errorf("redis sent a %T to a subscriber", message)
		}
	}
}

// tell reads a message. Who changed what by one that is of another shape is
// not known, so that everything may have changed.
func tell(message string, changed func(sessionstore.Key), gap func()) {
	if len(message)%keySize != 0 {
		gap()
		return
	}
	for ; message != ""; message = message[keySize:] {
		key, err := sessionstore.KeyFromBytes([]byte(message[:keySize]))
		if err != nil {
			gap()
			return
		}
		changed(key)
	}
}
