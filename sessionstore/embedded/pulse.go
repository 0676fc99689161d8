package embedded

import (
	"context"
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
	// counting: longer than it takes until activity is written again.
	failureCounts = 3 * time.Second
	// proofSize is what is written, and taken out again, before beats count after
	// that: more than a session is. On a disk that is full, beats and attempts find
	// room where a session does not.
	proofSize = 64 << 10
)

// The pulse bucket has one key, whose value are the outages, and for a moment that of
// a proof.
var (
	pulseBucket = []byte("pulse")
	outagesKey  = []byte("outages")
	proofKey    = []byte("proof")
)

// pulse knows when the file could not be written.
type pulse struct {
	outages atomic.Pointer[sessionstore.Outages]

	beating sync.Mutex // beats come one after the other
	kept    time.Time  // when one was last written to the file

	mu      sync.Mutex
	failure error // of the last write that failed; nil once a larger one has succeeded
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

// noteFailure keeps beats from counting for a while, and until there is a proof.
func (p *pulse) noteFailure(err error, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failure, p.failed = err, now
}

// failing is why the file could not be written just now; suspected says that it could
// not, then or a while ago, and that no proof has come since.
func (p *pulse) failing(now time.Time) (suspected bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.failure != nil && now.Sub(p.failed) < failureCounts {
		err = p.failure
	}
	return p.failure != nil, err
}

// trust ends a suspicion, unless a write has failed since.
func (p *pulse) trust(since time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.failed.After(since) {
		p.failure = nil
	}
}

// Beat implements sessionstore.Store.
func (st *Store) Beat(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := st.db.beat(ctx, st.now()); err != nil {
		return &writing{err, st.db.path}
	}
	return nil
}

func (db *DB) beat(ctx context.Context, now time.Time) error {
	p := &db.pulse
	p.beating.Lock()
	defer p.beating.Unlock()
	if err := db.place.check(); err != nil {
		return err
	}
	if err := db.proveRoom(ctx, now); err != nil {
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

// proveRoom shows that a session can be written again after a write has failed. The
// room that the proof had stays in the file.
func (db *DB) proveRoom(ctx context.Context, now time.Time) error {
	p := &db.pulse
	suspected, err := p.failing(now)
	if !suspected || err != nil {
		return err
	}
	err = db.write(ctx, (*bbolt.DB).Update, func(tx *bbolt.Tx) error {
		return tx.Bucket(pulseBucket).Put(proofKey, make([]byte, proofSize))
	})
	if err == nil {
		err = db.write(ctx, (*bbolt.DB).Update, func(tx *bbolt.Tx) error {
			return tx.Bucket(pulseBucket).Delete(proofKey)
		})
	}
	if err != nil {
		p.noteFailure(err, now)
		return err
	}
	p.trust(now)
	return nil
}

// live reports whether a session that lies in the file so has not ended.
func (st *Store) live(e entry) bool {
	s := e.life()
	return st.db.pulse.outages.Load().Live(&s, st.now())
}
