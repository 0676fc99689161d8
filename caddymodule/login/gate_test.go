package login_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/login"
)

// The turns of the tests, the best first.
var (
	both     = login.Turn{Known: login.KnownBoth}
	network  = login.Turn{Known: login.KnownNetwork}
	account  = login.Turn{Known: login.KnownAccount}
	stranger = login.Turn{}
)

func failed(n int) login.Turn { return login.Turn{Failed: n} }

// of is that turn, of that account or network.
func of(who string, turn login.Turn) login.Turn {
	turn.Of = who
	return turn
}

// door is a gate with one place, which is taken, and notes who comes through.
type door struct {
	*testing.T
	gate  *login.Gate
	leave func()

	mu      sync.Mutex
	through []string
	busy    []string
	all     sync.WaitGroup
}

func newDoor(t *testing.T, waiting int) *door {
	d := &door{T: t, gate: login.NewGate(login.GateLimits{Running: 1, Waiting: waiting})}
	leave, err := d.gate.Enter(context.Background(), stranger, 1)
	if err != nil {
		t.Fatal(err)
	}
	d.leave = leave
	return d
}

// comes has somebody wait, whose place is known when it returns.
func (d *door) comes(name string, turn login.Turn) {
	d.Helper()
	before, gone := d.gate.Waiting(), d.sentAway()
	d.all.Go(func() {
		leave, err := d.gate.Enter(context.Background(), turn, 1)
		d.mu.Lock()
		if err == nil {
			d.through = append(d.through, name)
		} else if errors.Is(err, login.ErrBusy) {
			d.busy = append(d.busy, name)
		}
		d.mu.Unlock()
		if leave != nil {
			leave()
		}
	})
	d.until(name+" waits, or somebody was sent away", func() bool {
		return d.gate.Waiting() > before || d.sentAway() > gone
	})
}

func (d *door) sentAway() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.busy)
}

func (d *door) until(what string, holds func() bool) {
	d.Helper()
	for giveUp := time.Now().Add(2 * time.Minute); !holds(); runtime.Gosched() {
		if time.Now().After(giveUp) {
			d.Fatalf("waited in vain until %s", what)
		}
	}
}

// opens lets everybody through, one after the other.
func (d *door) opens() string {
	d.leave()
	d.all.Wait()
	return strings.Join(d.through, " ")
}

func TestGate(t *testing.T) {
	for name, test := range map[string]struct {
		comes   func(d *door)
		through string
		busy    string
	}{
		"who has signed in before comes first": {func(d *door) {
			d.comes("network", network)
			d.comes("both", both)
		}, "both network", ""},
		"a network goes before a name, which is easily guessed": {func(d *door) {
			d.comes("account", account)
			d.comes("network", network)
		}, "network account", ""},
		"a name goes before nothing": {func(d *door) {
			d.comes("stranger", of("a", stranger))
			d.comes("account", of("b", account))
		}, "account stranger", ""},
		"but not before who has failed less": {func(d *door) {
			d.comes("account", login.Turn{Known: login.KnownAccount, Failed: 1})
			d.comes("stranger", stranger)
		}, "stranger account", ""},
		"nor does a network that has, though somebody has signed in from there": {func(d *door) {
			d.comes("network", login.Turn{Known: login.KnownNetwork, Failed: 1})
			d.comes("stranger", stranger)
		}, "stranger network", ""},
		"of strangers, who has failed less, or asks for less": {func(d *door) {
			d.comes("again", failed(2))
			d.comes("once", failed(1))
		}, "once again", ""},
		"of equals, who came first": {func(d *door) {
			d.comes("first", stranger)
			d.comes("second", stranger)
		}, "first second", ""},
		"of equals, one of each network in turn": {func(d *door) {
			d.comes("a0", of("a", stranger))
			d.comes("a1", of("a", stranger))
			d.comes("b0", of("b", stranger))
			d.comes("b1", of("b", stranger))
			d.comes("c0", of("c", stranger))
		}, "a0 b0 c0 a1 b1", ""},
		"a name goes not before who has had less of the places": {func(d *door) {
			d.comes("name", of("a", account))
			d.comes("guess", of("a", account))
			d.comes("stranger", of("b", stranger))
		}, "name stranger", "guess"},
		"of equals, one of each account in turn": {func(d *door) {
			d.comes("ada0", of("ada", both))
			d.comes("ada1", of("ada", both))
			d.comes("grace", of("grace", both))
		}, "ada0 grace ada1", ""},
		"whose share of the places is used up is sent away": {func(d *door) {
			d.comes("a0", of("a", stranger))
			d.comes("a1", of("a", stranger))
			d.comes("b", of("b", stranger))
		}, "a0 b", "a1"},
		"every fourth is the best of those who were not there before": {func(d *door) { // the test itself was the first
			d.comes("worse", failed(9))
			d.comes("better", failed(8))
			for i := range 4 {
				d.comes(fmt.Sprint("known", i), both)
			}
		}, "known0 known1 better known2 known3 worse", ""},
		"every sixteenth is who waits longest": {func(d *door) {
			d.comes("worst", failed(9))
			for i := range 16 {
				d.comes(fmt.Sprint(i), stranger)
			}
		}, "0 1 2 3 4 5 6 7 8 9 10 11 12 13 worst 14 15", ""},
		"when too many wait the one with the worst turn is sent away": {func(d *door) {
			d.comes("worse", failed(2))
			d.comes("worst", failed(3))
			d.comes("better", stranger)
		}, "better worse", "worst"},
		"and that is the newcomer when no other is worse": {func(d *door) {
			d.comes("first", stranger)
			d.comes("second", stranger)
			d.comes("third", stranger)
		}, "first second", "third"},
		"a flood from one network leaves room for who comes from another": {func(d *door) {
			for i := range 5 {
				d.comes(fmt.Sprint("flood", i), failed(i))
			}
			d.comes("newcomer", stranger)
		}, "flood0 newcomer", "flood2 flood3 flood4 flood1"},
	} {
		t.Run(name, func(t *testing.T) {
			waiting := 2
			if strings.HasPrefix(name, "every") || strings.HasSuffix(name, "in turn") {
				waiting = 32
			}
			d := newDoor(t, waiting)
			test.comes(d)
			if got := d.opens(); got != test.through || strings.Join(d.busy, " ") != test.busy {
				t.Errorf("through came %q, sent away were %q", got, d.busy)
			}
		})
	}
}

// The addresses of a flood are more than there are places; who has signed in
// before has one all the same, however many they are.
func TestAFloodTakesNoPlaceOfWhoIsKnown(t *testing.T) {
	d := newDoor(t, 64)
	for i := range 1000 {
		d.comes(fmt.Sprint("flood", i), stranger)
	}
	for i := range 63 {
		d.comes(fmt.Sprint("known", i), of(fmt.Sprint("account", i), []login.Turn{both, network, account}[i%3]))
	}
	through := d.opens()
	for i := range 63 {
		if !strings.Contains(through+" ", fmt.Sprintf("known%d ", i)) {
			t.Errorf("somebody who is known was sent away: %d", i)
		}
	}
	if len(d.busy) != 999 {
		t.Errorf("%d were sent away", len(d.busy))
	}
}

func TestGateWeighs(t *testing.T) {
	enter := func(g *login.Gate, weight int64) func() {
		t.Helper()
		leave, err := g.Enter(context.Background(), stranger, weight)
		if err != nil {
			t.Fatal(err)
		}
		return leave
	}
	t.Run("what is together too heavy is not let through", func(t *testing.T) {
		g := login.NewGate(login.GateLimits{Running: 9, Weight: 10})
		first := enter(g, 6)
		if _, err := g.Enter(context.Background(), stranger, 5); !errors.Is(err, login.ErrBusy) {
			t.Errorf("the second got %v", err)
		}
		enter(g, 4)()
		first()
		enter(g, 5)()
	})
	t.Run("what they may weigh is asked for each time", func(t *testing.T) {
		limits := login.GateLimits{Running: 9, Weight: 10}
		g := login.NewGateOf(func() login.GateLimits { return limits })
		leave := enter(g, 6)
		limits.Weight = 7
		if _, err := g.Enter(context.Background(), stranger, 4); !errors.Is(err, login.ErrBusy) {
			t.Errorf("beside the first one, the second got %v", err)
		}
		limits.Weight = 12
		enter(g, 6)()
		leave()
	})
	t.Run("one alone may be heavier than all", func(t *testing.T) {
		g := login.NewGate(login.GateLimits{Running: 9, Weight: 10})
		enter(g, 11)()
	})
	t.Run("who is next and heavy is not passed by", func(t *testing.T) {
		d := newDoor(t, 8)
		d.gate = login.NewGate(login.GateLimits{Running: 2, Waiting: 8, Weight: 10})
		d.leave = enter(d.gate, 6)
		ctx, giveUp := context.WithCancel(context.Background())
		heavy := make(chan error, 1)
		go func() {
			_, err := d.gate.Enter(ctx, both, 5)
			heavy <- err
		}()
		d.until("the heavy one waits", func() bool { return d.gate.Waiting() == 1 })
		d.comes("light", network)
		giveUp()
		if err := <-heavy; !errors.Is(err, context.Canceled) {
			t.Errorf("the heavy one got %v", err)
		}
		d.all.Wait() // once the heavy one is gone, the light one has room
		if len(d.through) != 1 {
			t.Errorf("through came %q", d.through)
		}
		d.leave()
	})
}

func TestWhoGivesUpLeavesNothingBehind(t *testing.T) {
	g := login.NewGate(login.GateLimits{Running: 2, Waiting: 16})
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			for range 50 {
				ctx, giveUp := context.WithCancel(context.Background())
				go giveUp()
				leave, err := g.Enter(ctx, failed(i), 1)
				if err == nil {
					leave()
				} else if !errors.Is(err, context.Canceled) && !errors.Is(err, login.ErrBusy) {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if g.Waiting() != 0 {
		t.Fatalf("%d still wait", g.Waiting())
	}
	for range 2 {
		if _, err := g.Enter(context.Background(), stranger, 1); err != nil {
			t.Fatalf("a place is lost: %v", err)
		}
	}
}
