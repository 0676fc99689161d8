package embedded

import (
	"context"
	"encoding/binary"
	"errors"

	"go.etcd.io/bbolt"

	"example.com/sidegate/sessionstore"
)

var errNumbersUsedUp = errors.New("all numbers up to 2^53-1 are given, which no gateway lives to see: the database is damaged, restore a copy")

// Number implements sessionstore.Numbers. Who has one is answered by a read.
// Numbers are in the same file as the sessions and nowhere else: whoever moves
// the file away has everybody numbered anew.
func (st *Store) Number(ctx context.Context, name string) (n int64, err error) {
	key := hashOf(name)
	err = st.view(ctx, func(tx *bbolt.Tx) error {
		n, err = readNumber(tx, key)
		return err
	})
	if err != nil || n != 0 {
		return n, err
	}
	err = st.write(ctx, func(tx *bbolt.Tx) error {
		if n, err = readNumber(tx, key); err != nil || n != 0 {
			return err
		}
		n, err = nextNumber(tx, key)
		return err
	})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// readNumber is the number of that name, and 0 when it has none.
func readNumber(tx *bbolt.Tx, key []byte) (int64, error) {
	value := tx.Bucket(numbersBucket).Get(key)
	if value == nil {
		return 0, nil
	}
	if len(value) != 8 {
		return 0, sessionstore.ErrCorrupt
	}
	n := binary.BigEndian.Uint64(value)
	if n == 0 || n > sessionstore.MaxNumber {
		return 0, sessionstore.ErrCorrupt
	}
	return int64(n), nil
}

// nextNumber takes the next number of the bucket's sequence, which goes back
// with its transaction when that fails, and forth with it when it is kept.
func nextNumber(tx *bbolt.Tx, key []byte) (int64, error) {
	bucket := tx.Bucket(numbersBucket)
	n, err := bucket.NextSequence()
	if err != nil {
		return 0, err
	}
	if n > sessionstore.MaxNumber {
		return 0, errNumbersUsedUp
	}
	return int64(n), bucket.Put(key, binary.BigEndian.AppendUint64(nil, n))
}

// Numbered implements sessionstore.Numbers.
func (st *Store) Numbered(ctx context.Context, n int64) (given bool, err error) {
	err = st.view(ctx, func(tx *bbolt.Tx) error {
		given = n >= 1 && uint64(n) <= tx.Bucket(numbersBucket).Sequence()
		return nil
	})
	return given, err
}
