package sessionstore_test

import (
	"bytes"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
)

// beats are outages by the seconds after noon at which there was a beat.
func beats(seconds ...float64) sessionstore.Outages {
	var o sessionstore.Outages
	for _, s := range seconds {
		o = o.Beat(noon.Add(time.Duration(s * float64(time.Second))))
	}
	return o
}

func TestTimeWithoutABeatIsAnOutage(t *testing.T) {
	for _, c := range []struct {
		name     string
		o        sessionstore.Outages
		from, to time.Duration
		want     time.Duration
	}{
		{"without any beat there is none", beats(), 0, time.Hour, 0},
		{"beats in time are none", beats(0, 1, 2, 3.4), 0, 4 * time.Second, 0},
		{"what a beat is late is one", beats(0, 11.5), 0, 12 * time.Second, 10 * time.Second},
		{"one that goes on is one, whoever asks first", beats(0), 0, 11500 * time.Millisecond, 10 * time.Second},
		{"the time before and after does not count", beats(0, 11.5), 3500 * time.Millisecond, 5500 * time.Millisecond, 2 * time.Second},
		{"all of them count", beats(0, 11.5, 12, 23.5), 0, 24 * time.Second, 20 * time.Second},
		{"a clock that was put back makes none", beats(20, 10, 11), 0, 30 * time.Second, 17500 * time.Millisecond},
	} {
		t.Run(c.name, func(t *testing.T) {
			for name, o := range map[string]sessionstore.Outages{"": c.o, "once written down and read": sessionstore.ParseOutages(c.o.AppendTo(nil))} {
				if got := o.Lost(noon.Add(c.from), noon.Add(c.to)); got != c.want {
					t.Errorf("%v were lost%s; want %v", got, name, c.want)
				}
			}
		})
	}
}

// Out means out: who was gone once does not come back by what is learnt later.
func TestWhoHasEndedIdleDoesNotComeBack(t *testing.T) {
	s := idler(0)
	s.IdleTimeout = 5 * time.Second
	for beat := range 100 {
		var o sessionstore.Outages
		wasLive := true
		for at := time.Duration(0); at < 30*time.Second; at += 100 * time.Millisecond {
			// A gateway that is away from the third second on for a while.
			if away := at > 3*time.Second && at < 3*time.Second+time.Duration(beat)*100*time.Millisecond; at%time.Second == 0 && !away {
				o = o.Beat(noon.Add(at))
			}
			live := o.Live(s, noon.Add(at))
			if live && !wasLive {
				t.Fatalf("away for %d tenths of a second, the session lives again after %v", beat, at)
			}
			wasLive = live
		}
		if wasLive {
			t.Fatalf("away for %d tenths of a second, the session never ends", beat)
		}
	}
}

func TestOutagesAreBounded(t *testing.T) {
	var o sessionstore.Outages
	for i := range 1000 {
		o = o.Beat(noon.Add(time.Duration(i) * time.Minute))
	}
	if n := len(o.AppendTo(nil)); n != 8+16*sessionstore.MaxOutages {
		t.Errorf("%d bytes are written down", n)
	}
	hour := o.Lost(noon.Add(999*time.Minute-time.Hour), noon.Add(999*time.Minute))
	if want := 60 * (time.Minute - sessionstore.BeatPatience); hour != want {
		t.Errorf("of the last hour %v were lost; want %v", hour, want)
	}
}

func TestDamagedOutagesAreNone(t *testing.T) {
	whole := beats(0, 100).AppendTo(nil)
	for n := range len(whole) {
		if n == 8 || n == 24 {
			continue // one that is whole as well
		}
		if got := sessionstore.ParseOutages(whole[:n]); !bytes.Equal(got.AppendTo(nil), sessionstore.Outages{}.AppendTo(nil)) {
			t.Errorf("%d bytes are read as outages", n)
		}
	}
}
