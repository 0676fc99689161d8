package embedded

import (
	"bytes"
	"crypto/sha256"
	"time"

	"go.etcd.io/bbolt"
)

// hashOf stands in the file for a name: that holds email and network addresses
// or what somebody else calls a person, which nobody shall read there, and may
// be of any length.
func hashOf(name string) []byte {
	sum := sha256.Sum256([]byte(name))
	return sum[:]
}

// ending is a bucket whose values end at a moment of their own, which is their
// last eight bytes, and the index of those moments that the sweep reads: when
// it ends, the key -> nothing.
type ending struct {
	values, index []byte
}

// get returns the value of the key and when it ends; false says that there is
// none, that it is damaged, or that it has ended.
func (en ending) get(tx *bbolt.Tx, key []byte, now time.Time) (value []byte, ends time.Time, ok bool) {
	return alive(tx.Bucket(en.values).Get(key), now)
}

func alive(entry []byte, now time.Time) (value []byte, ends time.Time, ok bool) {
	if len(entry) < momentSize {
		return nil, time.Time{}, false
	}
	value, moment := entry[:len(entry)-momentSize], entry[len(entry)-momentSize:]
	ends = readMoment(moment)
	return value, ends, now.Before(ends)
}

// put writes the value and its place in the index.
func (en ending) put(tx *bbolt.Tx, key, value []byte, ends time.Time) error {
	if err := en.drop(tx, key); err != nil {
		return err
	}
	if err := tx.Bucket(en.values).Put(key, appendMoment(bytes.Clone(value), ends)); err != nil {
		return err
	}
	return tx.Bucket(en.index).Put(append(appendMoment(nil, ends), key...), nil)
}

// drop removes the value, ended or not, and its place in the index.
func (en ending) drop(tx *bbolt.Tx, key []byte) error {
	entry := tx.Bucket(en.values).Get(key)
	if entry == nil {
		return nil
	}
	if len(entry) >= momentSize {
		place := append(bytes.Clone(entry[len(entry)-momentSize:]), key...)
		if err := tx.Bucket(en.index).Delete(place); err != nil {
			return err
		}
	}
	return tx.Bucket(en.values).Delete(key)
}

// dropEnded is drop for the sweep, which goes by the index alone: a place that
// damage has left behind takes nothing along that goes on.
func (en ending) dropEnded(now time.Time) func(tx *bbolt.Tx, key []byte) error {
	return func(tx *bbolt.Tx, key []byte) error {
		if _, _, ok := en.get(tx, key, now); ok {
			return nil
		}
		return en.drop(tx, key)
	}
}
