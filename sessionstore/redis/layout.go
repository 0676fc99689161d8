package redis

import (
	"context"
	"errors"
	"fmt"
	"strings"

	goredis "github.com/redis/go-redis/v9"
)

// errMoved says that a scan may have missed what went from one node to another, and
// errMoving that it would.
var (
	errMoved  = errors.New("slots of the cluster have moved meanwhile, and some sessions may have been passed over: ask again when they are where they belong")
	errMoving = errors.New("slots of the cluster are being moved, and some sessions may be passed over: ask again when that is done")
)

// layout is what each of the primaries of a cluster says of itself; nothing where
// there is no cluster. It is an error when these are not all who have slots.
func (st *Store) layout(ctx context.Context, nodes []*goredis.Client) (map[*goredis.Client]string, error) {
	if _, ok := st.client.(*goredis.ClusterClient); !ok {
		return nil, nil
	}
	ctx, cancel := st.bound(ctx)
	defer cancel()
	said, ids, owners := make(map[*goredis.Client]string), make(map[string]bool), make(map[string]bool)
	for _, node := range nodes {
		own, err := standing(ctx, node)
		if err != nil {
			return nil, err
		}
		said[node], ids[own.id] = own.said, true
		for _, id := range own.owners {
			owners[id] = true
		}
	}
	for id := range owners {
		if !ids[id] {
			return nil, errMoved
		}
	}
	return said, nil
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
func standing(ctx context.Context, node goredis.Cmdable) (place, error) {
	text, err := node.ClusterNodes(ctx).Result()
	if err != nil {
		return place{}, fmt.Errorf("asking which slots are being moved (CLUSTER NODES): %w", shown(err))
	}
	var own place
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
		if strings.Contains(own.said, "[") {
			return place{}, errMoving
		}
		if !strings.Contains(flags, ",master,") {
			return place{}, errMoved
		}
	}
	if own.id == "" {
		return place{}, errors.New("a node of the cluster does not say which slots it has")
	}
	return own, nil
}
