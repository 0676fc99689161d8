package embedded

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"example.com/sidegate/sessionstore"
)

const (
	// keepBeatEvery is how often a beat is written to the file, so that a
	// gateway that was started again knows for how long there was none. Between
	// these a beat only says that no write has failed.
	keepBeatEvery = 10 * time.Second
	// failureCounts is for how long a write that failed keeps beats from
	// counting: longer than it takes until activity is written again. On a disk
	// that is full a beat may find room where a session does not.
	failureCounts = 3 * time.Second
)

// The pulse bucket has one key, whose value are the outages.
var (
	pulseBucket = []byte("pulse")
	outagesKey  = []byte("outages")
)

// pulse knows when the file could not be written.
type pulse struct {
	outages atomic.Pointer[sessionstore.Outages]

	beating sync.Mutex // beats come one after the other
	kept    time.Time  // when one was last written to the file

	mu      sync.Mutex
	failure error // of the last write; nil when it succeeded
	failed  time.Time
}

// load reads what the process before has left.
func (p *pulse) load(b *bbolt.DB) error {
	return b.View(func(tx *bbolt.Tx) error {
		known := sessionstore.ParseOutages(tx.Bucket(pulseBucket).Get(outagesKey))
		p.outages.Store(&known)
		return nil
	})
}

// wrote notes what came of a write of sessions.
func (p *pulse) wrote(err error, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failure, p.failed = err, now
}

// failing is why the file could not be written just now.
func (p *pulse) failing(now time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure != nil && now.Sub(p.failed) < failureCounts {
		return p.failure
	}
	return nil
}

// Beat implements sessionstore.Store.
func (st *Store) Beat(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := st.db.beat(ctx, st.now()); err != nil {
		return fmt.Errorf("writing session database: %w", err)
	}
	return nil
}

func (db *DB) beat(ctx context.Context, now time.Time) error {
	p := &db.pulse
	p.beating.Lock()
	defer p.beating.Unlock()
	if err := p.failing(now); err != nil {
		return err
	}
	known := p.outages.Load()
	next := known.Beat(now)
	if known.Late(now) || now.Sub(p.kept).Abs() >= keepBeatEvery {
		err := db.write(ctx, (*bbolt.DB).Update, func(tx *bbolt.Tx) error {
			return tx.Bucket(pulseBucket).Put(outagesKey, next.AppendTo(nil))
		})
		if err != nil {
			return err
		}
		p.kept = now
	}
	p.outages.Store(&next)
	return nil
}

// live reports whether a session that lies in the file so has not ended.
func (st *Store) live(e entry) bool {
	s := e.life()
	return st.db.pulse.outages.Load().Live(&s, st.now())
}
