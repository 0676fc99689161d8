package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"time"

	"go.etcd.io/bbolt"

	"example.com/sidegate/sessionstore"
)

// Check reads through a copy of the file as it is at one moment, with what the
// sealer opens: see sessionstore.FileStore.
func (db *DB) Check(ctx context.Context, sealer *sessionstore.Sealer, now time.Time) (report sessionstore.FileReport, err error) {
	done, err := db.keep(ctx)
	defer done()
	if err == nil {
		err = db.copied(ctx, func(file *os.File) error {
			report, err = checkFile(ctx, file.Name(), sealer, now)
			return err
		})
	}
	if err == nil { // a copy leaves out what the file has grown for
		var size int64
		size, err = sizeOf(db.path)
		kept := report.Bytes - report.Unused
		report.Bytes, report.Unused = size, givenBack(size, kept)
	}
	if err != nil {
		return report, fmt.Errorf("checking session database: %w", err)
	}
	return report, nil
}

// CheckFile is Check of a file that no process has open. It leaves the file as it
// is, and makes none. One that is no database at all gives ErrDamaged, and one of another
// program ErrForeign; of one that is broken in part the report says so.
func CheckFile(ctx context.Context, path string, sealer *sessionstore.Sealer, now time.Time) (sessionstore.FileReport, error) {
	report, err := checkFile(ctx, path, sealer, now)
	if err != nil {
		return report, fmt.Errorf("checking session database %s: %w", path, explain(err))
	}
	report.Unused = givenBack(report.Bytes, report.Bytes-report.Unused)
	return report, nil
}

// elementHeader is what bbolt has on a page for each key, beside it and its value.
const elementHeader = 16

// checkFile has all that is no key and no value as what is unused of the file.
func checkFile(ctx context.Context, path string, sealer *sessionstore.Sealer, now time.Time) (report sessionstore.FileReport, err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w (%v)", ErrDamaged, p)
		}
	}()
	if report.Bytes, err = sizeOf(path); err != nil {
		return report, err
	}
	if report.Bytes == 0 {
		return report, fmt.Errorf("%w (it is empty)", ErrDamaged) // bbolt would begin to write it
	}
	b, err := bbolt.Open(path, 0, &bbolt.Options{Timeout: lockTimeout, ReadOnly: true, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	if err := whole(b, path); err != nil {
		return report, err
	}
	c := &checking{sealer: sealer, now: now, report: &report}
	// Before anything else all of it is read here, where a page that leads nowhere
	// is an error: bbolt's own check has a goroutine, in which that ended the process.
	if err := b.View(func(tx *bbolt.Tx) error { return c.sessions(ctx, tx) }); err != nil {
		return report, err
	}
	return report, b.View(func(tx *bbolt.Tx) error { return c.pages(ctx, tx) })
}

// checking is a check under way.
type checking struct {
	sealer  *sessionstore.Sealer
	now     time.Time
	outages sessionstore.Outages
	report  *sessionstore.FileReport
}

// sessions reads every bucket, and opens every session.
func (c *checking) sessions(ctx context.Context, tx *bbolt.Tx) error {
	if pulse := tx.Bucket(pulseBucket); pulse != nil {
		c.outages = sessionstore.ParseOutages(pulse.Get(outagesKey))
	}
	seen := 0
	c.report.Unused = c.report.Bytes
	return tx.ForEach(func(name []byte, bucket *bbolt.Bucket) error {
		return bucket.ForEach(func(k, v []byte) error {
			if seen++; seen%pageSize == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			c.report.Unused -= int64(len(k)+len(v)) + elementHeader
			if string(name) == string(sessionsBucket) {
				c.session(tx, k, v)
			}
			return nil
		})
	})
}

func (c *checking) session(tx *bbolt.Tx, k, v []byte) {
	key, err := sessionstore.KeyFromBytes(k)
	e, damaged := parseEntry(v)
	if err = errors.Join(err, damaged); err == nil {
		var s *sessionstore.Session
		if s, err = c.sealer.Open(key, e.record); err == nil {
			c.count(s)
			if users := tx.Bucket(usersBucket); users == nil || users.Get(userIndexKey(s.User.ID, key)) == nil {
				c.broken("a session is not in the index of its person's: it would outlive the end of all of them")
			}
			return
		}
	}
	switch {
	case errors.Is(err, sessionstore.ErrUnknownKey):
		c.report.OtherSecret++
	case errors.Is(err, sessionstore.ErrFormat):
		c.report.Newer++
	default:
		c.report.Damaged++
	}
}

func (c *checking) count(s *sessionstore.Session) {
	if c.outages.Live(s, c.now) {
		c.report.Live++
	} else {
		c.report.Ended++
	}
}

func (c *checking) broken(what string) {
	if len(c.report.Broken) < sessionstore.MaxBroken {
		c.report.Broken = append(c.report.Broken, what)
	}
}

// pages has bbolt look at how the pages of the file hang together.
func (c *checking) pages(ctx context.Context, tx *bbolt.Tx) error {
	for err := range tx.Check() {
		c.broken(err.Error())
	}
	return ctx.Err()
}
