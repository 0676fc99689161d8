package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"example.com/sidegate/sessionstore"
)

// errMoved says that a scan may have missed what went from one node to another,
// errMoving that it would, and errAbsent that a node was not looked at.
var (
	errMoved  = fmt.Errorf("slots of the cluster have moved meanwhile, and %w: ask again when they are where they belong", sessionstore.ErrPart)
	errMoving = fmt.Errorf("slots of the cluster are being moved, and %w: ask again when that is done", sessionstore.ErrPart)
	errAbsent = fmt.Errorf("a node of the cluster gives no answer, and %w: ask again when it does, or when its slots are another's", sessionstore.ErrPart)
)

// layout is what each of the primaries of a cluster says of itself; nothing where
// there is no cluster. It is an error when these are not all who have slots, or when
// one of them does not say, or is none; then it is what the others say.
func (st *Store) layout(ctx context.Context, nodes []*goredis.Client) (said map[*goredis.Client]string, err error) {
	if _, ok := st.client.(*goredis.ClusterClient); !ok {
		return nil, nil
	}
	said, ids, owners := make(map[*goredis.Client]string), make(map[string]bool), make(map[string]bool)
	for _, node := range nodes {
		own, wrong := st.standing(ctx, node)
		if !alive(wrong) && !errors.Is(wrong, sessionstore.ErrPart) {
			wrong = fmt.Errorf("%w (%w)", errAbsent, wrong)
		}
		err = cmp.Or(err, wrong)
		said[node], ids[own.id] = own.said, true
		for _, id := range own.owners {
			owners[id] = true
		}
	}
	for id := range owners {
		if !ids[id] {
			err = cmp.Or(err, errMoved)
		}
	}
	return said, err
}

// place is what a node of a cluster answers to CLUSTER NODES.
type place struct {
	// id is that of the node, and said its id, epoch and slots: the epoch grows
	// when slots come to it, so that none can come, go and leave no trace.
	id, said string
	// owners are the ids of all who have slots, as far as this one knows.
	owners []string
}

// standing asks a node, which must be a primary, and have no slot that is on its way
// to another or to it: its keys go one by one, and who has the slot changes when all
// have gone.
func (st *Store) standing(ctx context.Context, node goredis.Cmdable) (own place, err error) {
	ctx, cancel := st.bound(ctx)
	defer cancel()
	text, err := node.ClusterNodes(ctx).Result()
	if err != nil {
		return place{}, fmt.Errorf("asking which slots are being moved (CLUSTER NODES): %w", shown(err))
	}
	moving := false
	for line := range strings.Lines(text) {
		// id, address, flags, its primary, ping, pong, epoch, link, and its slots
		words := strings.Fields(line)
		if len(words) < 8 {
			continue
		}
		id, flags, epoch, slots := words[0], ","+words[2]+",", words[6], words[8:]
		if len(slots) > 0 {
			own.owners = append(own.owners, id)
		}
		if !strings.Contains(flags, ",myself,") {
			continue
		}
		own.id, own.said = id, id+" "+epoch+" "+strings.Join(slots, " ")
		if moving = strings.Contains(own.said, "["); !strings.Contains(flags, ",master,") {
			return own, errMoved
		}
	}
	switch {
	case own.id == "":
		return own, errors.New("a node of the cluster does not say which slots it has")
	case moving:
		return own, errMoving
	}
	return own, nil
}
