package redistest

import (
	"context"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	goredis "github.com/redis/go-redis/v9"
)

// slots are how many a Redis Cluster has.
const slots = 16384

// Nodes are the nodes of a Redis Cluster: three primaries, then their replicas
// in the same order.
type Nodes struct {
	t     testing.TB
	nodes []*Server
	ids   []string
}

// StartCluster runs a cluster of six nodes until the test ends, and returns
// once it is whole: all slots served, each primary with a replica that has its
// data.
func StartCluster(t testing.TB, opts ...Option) *Nodes {
	t.Helper()
	n := &Nodes{t: t}
	opts = append(opts, Cluster(), Args("--cluster-node-timeout", strconv.Itoa(failureShows(800)), "--cluster-migration-barrier", "5"))
	for range 6 {
		node := launch(t, opts...)
		n.nodes = append(n.nodes, node)
		n.ids = append(n.ids, do(n, node, "cluster", "myid").(string))
	}
	n.meet()
	n.share()
	n.AwaitWhole()
	return n
}

// URL has the addresses of three of the nodes: the others are found by these.
func (n *Nodes) URL() string {
	return fmt.Sprintf("%s://%s,%s,%s", n.nodes[0].tls.scheme(), n.nodes[0].Addr(), n.nodes[1].Addr(), n.nodes[5].Addr())
}

// Primaries are the nodes that now have slots.
func (n *Nodes) Primaries() []*Server {
	var primaries []*Server
	for _, node := range n.nodes {
		if node.role(context.Background()) == "master" {
			primaries = append(primaries, node)
		}
	}
	return primaries
}

// PrimaryOf is the node that has the slot of that key.
func (n *Nodes) PrimaryOf(key string) *Server {
	n.t.Helper()
	slot := n.slotOf(key)
	for _, p := range n.Primaries() {
		for _, shard := range p.Client().ClusterShards(context.Background()).Val() {
			if hasSlot(shard, slot) && hasPrimary(shard, p.Addr()) {
				return p
			}
		}
	}
	n.t.Fatalf("no node has slot %d", slot)
	return nil
}

func hasSlot(shard goredis.ClusterShard, slot int) bool {
	return slices.ContainsFunc(shard.Slots, func(r goredis.SlotRange) bool {
		return r.Start <= int64(slot) && int64(slot) <= r.End
	})
}

func hasPrimary(shard goredis.ClusterShard, addr string) bool {
	return slices.ContainsFunc(shard.Nodes, func(n goredis.Node) bool {
		// A node has the one port or the other.
		port := strconv.FormatInt(max(n.Port, n.TLSPort), 10)
		return n.Role == "master" && net.JoinHostPort(n.IP, port) == addr
	})
}

// MoveSlot moves the slot of that key to another primary, key by key, as
// redis-cli --cluster reshard does.
func (n *Nodes) MoveSlot(key string) {
	n.t.Helper()
	n.BeginMove(key)()
}

// BeginMove does that until all keys have gone but those that stay for now, and leaves
// the slot on its way until end is called.
func (n *Nodes) BeginMove(key string, stay ...string) (end func()) {
	n.t.Helper()
	slot, from := n.slotOf(key), n.PrimaryOf(key)
	to := n.Primaries()[0]
	if to == from {
		to = n.Primaries()[1]
	}
	do(n, to, "cluster", "setslot", slot, "importing", n.id(from))
	do(n, from, "cluster", "setslot", slot, "migrating", n.id(to))
	n.moveKeys(from, to, slot, stay)
	return func() {
		n.t.Helper()
		n.moveKeys(from, to, slot, nil)
		// First the node that gets it, so that nobody is sent in a circle.
		for _, node := range append([]*Server{to, from}, n.Primaries()...) {
			do(n, node, "cluster", "setslot", slot, "node", n.id(to))
		}
	}
}

func (n *Nodes) moveKeys(from, to *Server, slot int, stay []string) {
	n.t.Helper()
	for {
		keys := slices.DeleteFunc(do(n, from, "cluster", "getkeysinslot", slot, 10+len(stay)).([]any), func(k any) bool {
			name, _ := k.(string)
			return slices.Contains(stay, name)
		})
		if len(keys) == 0 {
			return
		}
		for _, k := range keys {
			do(n, from, "migrate", "127.0.0.1", to.port, k, 0, Patience.Milliseconds())
		}
	}
}

// AwaitWhole waits until every running node says that all is well.
func (n *Nodes) AwaitWhole() {
	n.t.Helper()
	for _, node := range n.nodes {
		client := node.client(Patience)
		defer client.Close()
		var info, role string
		node.await("the cluster is whole", func(ctx context.Context) bool {
			info, role = client.ClusterInfo(ctx).Val(), client.Info(ctx, "replication").Val()
			return strings.Contains(info, "cluster_state:ok") && strings.Contains(info, "cluster_known_nodes:6") &&
				(strings.Contains(role, "master_link_status:up") || strings.Contains(role, "connected_slaves:1"))
		}, func() string { return info + role })
	}
}

// meet makes the nodes known to one another.
func (n *Nodes) meet() {
	n.t.Helper()
	first := n.nodes[0]
	for i, node := range n.nodes {
		// Nodes of one epoch would have to settle who comes first.
		do(n, node, "cluster", "set-config-epoch", i+1)
		if node != first {
			do(n, node, "cluster", "meet", "127.0.0.1", first.port, first.busPort)
		}
	}
	for _, node := range n.nodes {
		n.await(node, "the nodes know one another", "cluster_known_nodes:6")
	}
}

// share gives each of the first three a third of the slots and a replica.
func (n *Nodes) share() {
	n.t.Helper()
	for i := range 3 {
		do(n, n.nodes[i], "cluster", "addslotsrange", i*slots/3, (i+1)*slots/3-1)
	}
	for i := range 3 {
		replica, primary := n.nodes[i+3], n.ids[i]
		var err error
		replica.await("a replica knows its primary", func(context.Context) bool {
			err = try(replica, "cluster", "replicate", primary).Err()
			return err == nil
		}, func() string { return fmt.Sprint(err) })
	}
}

func (n *Nodes) await(node *Server, what, state string) {
	n.t.Helper()
	info := ""
	node.await(what, func(context.Context) bool {
		info, _ = try(node, "cluster", "info").Text()
		return strings.Contains(info, state)
	}, func() string { return info })
}

func (n *Nodes) id(of *Server) string {
	for i, node := range n.nodes {
		if node == of {
			return n.ids[i]
		}
	}
	return ""
}

func (n *Nodes) slotOf(key string) int {
	n.t.Helper()
	return int(do(n, n.Primaries()[0], "cluster", "keyslot", key).(int64))
}

// do sends a command that must succeed.
func do(n *Nodes, node *Server, command ...any) any {
	n.t.Helper()
	answer, err := try(node, command...).Result()
	if err != nil {
		n.t.Fatalf("%v to %s: %v", command, node.Addr(), err)
	}
	return answer
}

func try(node *Server, command ...any) *goredis.Cmd {
	client := node.client(Patience)
	defer client.Close()
	return client.Do(context.Background(), command...)
}
