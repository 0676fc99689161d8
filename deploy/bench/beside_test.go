package main

import (
	"context"
	"testing"
)

func TestTheOtherBinaryTakesTurnsWithOurs(t *testing.T) {
	ours := &arm{name: "gateway", about: "ours"}
	peer := &arm{name: "peer", launch: func(context.Context, *rig, *running) error { return nil }}
	if list, ratios := new(rig).twin([]*arm{ours, peer}); len(list) != 2 || len(ratios) != 0 {
		t.Errorf("without -beside there are %d arms and %d ratios; want the two", len(list), len(ratios))
	}
	r := &rig{config: config{beside: "/yesterday/caddy"}}
	list, ratios := r.twin([]*arm{ours, peer})
	if len(list) != 3 || list[0] != ours || list[1].name != "gateway"+beside || list[1].binary != "/yesterday/caddy" || list[2] != peer {
		t.Fatalf("with it there are %+v; want ours, the same by the other binary right behind it, and the peer", list)
	}
	if ours.binary != "" || len(ratios) != 2 || ratios[0].arm != "gateway" || ratios[0].against != "gateway"+beside {
		t.Errorf("the ratios are %+v", ratios)
	}
}
