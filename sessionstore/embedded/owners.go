package embedded

import (
	"context"
	"encoding/binary"

	"go.etcd.io/bbolt"

	"example.com/sidegate/sessionstore"
)

// Own implements sessionstore.Owners. A number that belongs to somebody is
// answered by a read.
func (st *Store) Own(ctx context.Context, c sessionstore.Claim) (owner string, err error) {
	may := false
	err = st.view(ctx, func(tx *bbolt.Tx) error {
		owner, may = owned(tx, c)
		return nil
	})
	if err != nil || !may {
		return owner, err
	}
	err = st.write(ctx, func(tx *bbolt.Tx) error {
		if owner, may = owned(tx, c); !may {
			return nil
		}
		owner = c.Owner
		return tx.Bucket(ownersBucket).Put(ownersKey(c.Number), []byte(owner))
	})
	if err != nil {
		return "", err
	}
	return owner, nil
}

// owned is whom the number belongs to, and whether the claim changes that.
func owned(tx *bbolt.Tx, c sessionstore.Claim) (owner string, may bool) {
	owner = string(tx.Bucket(ownersBucket).Get(ownersKey(c.Number)))
	return owner, c.May(owner, len(userKeys(tx, c.Number)) > 0)
}

func ownersKey(n int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(n)) }
