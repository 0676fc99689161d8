package login_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sidegate/caddymodule/login"
)

var mallory = of("mallory", both)

// comeAll has so many come one by one.
func (d *door) comeAll(n int, name string, turn login.Turn) {
	d.Helper()
	for i := range n {
		d.comes(fmt.Sprint(name, i), turn)
	}
}

// arrived counts those of that name who have come through.
func (d *door) arrived(name string) (n int) {
	for _, who := range d.through {
		if strings.HasPrefix(who, name) {
			n++
		}
	}
	return n
}

// A success uses up no attempts: whoever has one password signs in with it, at as
// many addresses as they like, and is known at all of them.
func TestOneAccountDoesNotFillTheGate(t *testing.T) {
	d := newDoor(t, 64)
	d.comeAll(500, "mallory", mallory)
	d.comeAll(10, "ada", of("ada", both))
	d.comeAll(40, "newcomer", of("198.51.100.0/24", stranger))
	through := strings.Fields(d.opens())
	if ada, newcomers := d.arrived("ada"), d.arrived("newcomer"); ada != 10 || newcomers != 40 {
		t.Errorf("%d of ada and %d newcomers got in: %v", ada, newcomers, through)
	}
	early := 0 // of mallory, while somebody else waits
	for _, who := range through[:len(through)-d.arrived("mallory")] {
		if strings.HasPrefix(who, "mallory") {
			early++
		}
	}
	if early > 14 { // ten, and each sixteenth
		t.Errorf("%d of mallory came before others: %v", early, through)
	}
}

func TestAnAccountHasItsShareAgain(t *testing.T) {
	for name, test := range map[string]struct {
		signsIn int
		pause   time.Duration
		first   string
	}{
		"who signs in ten times a minute has had it": {10, 0, "newcomer"},
		"who signs in nine times has not":            {9, 0, "mallory"},
		"a minute later it is theirs again":          {10, time.Minute, "mallory"},
		"and not before":                             {10, time.Minute - 1, "newcomer"},
		"others have theirs":                         {0, 0, "mallory"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				gate := login.NewGate(login.GateLimits{Running: 1, Waiting: 8})
				for range 11 - test.signsIn {
					enter(t, gate, of("ada", both))()
				}
				for range test.signsIn {
					enter(t, gate, mallory)()
				}
				<-time.After(test.pause)
				d := &door{T: t, gate: gate, leave: enter(t, gate, stranger)}
				d.comes("newcomer", stranger)
				d.comes("mallory", mallory)
				if got := strings.Fields(d.opens())[0]; got != test.first {
					t.Errorf("first came %s, want %s", got, test.first)
				}
			})
		})
	}
}

// A gate that is passed fast remembers no more than some hundreds.
func TestWhatAGateRemembersIsBounded(t *testing.T) {
	gate := login.NewGate(login.GateLimits{Running: 1, Waiting: 8})
	for range 10 {
		enter(t, gate, mallory)()
	}
	for i := range 257 {
		enter(t, gate, of(fmt.Sprint("somebody", i), both))()
	}
	d := &door{T: t, gate: gate, leave: enter(t, gate, stranger)}
	d.comes("newcomer", stranger)
	d.comes("mallory", mallory)
	if got := d.opens(); got != "mallory newcomer" {
		t.Errorf("through came %q", got)
	}
}

func enter(t *testing.T, gate *login.Gate, turn login.Turn) (leave func()) {
	t.Helper()
	leave, err := gate.Enter(t.Context(), turn, 1)
	if err != nil {
		t.Fatal(err)
	}
	return leave
}
