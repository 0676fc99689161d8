package faults_test

import (
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// cacheModes are the options under which a fault of the store can look
// different.
var cacheModes = []struct{ name, options string }{
	{"near cache on", ""},
	{"cache off", "cache off"},
}

// faultOptions are the global options of a gateway under load at that store.
// Activity is worth a write every few seconds, so that writes meet the fault too.
func faultOptions(store, more string) string {
	return "store redis " + store + "\nsecret \"" + gatewaytest.PresentSecret + "\"\nidle_timeout 2m\n" + more
}

func TestFaultRedisKilledUnderLoad(t *testing.T) {
	for _, mode := range cacheModes {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			srv := redistest.Start(t, redistest.AppendOnly())
			l := startLoad(t, gatewaytest.StartProcess(t, loadSite(t, faultOptions(srv.URL(), mode.options))))
			var windows, after spread
			for range gatewaytest.Rounds(2, 20) {
				l.tally.watch()
				srv.Kill()
				l.suffers(50)
				srv.Restart()
				up := time.Now()
				l.recovers()
				windows, after = append(windows, l.tally.errorWindow()), append(after, l.tally.errorsAfter(up))
			}
			l.end()
			figure(t, "Redis killed (kill -9), "+mode.name, "killed and started again "+times(len(windows))+" under load",
				"error window %v; errors after Redis was back: %v; %s", windows, after, l.tally)
		})
	}
}

// A store that hangs holds requests up: what waits must be bounded, in time
// and in number, however long it hangs.
func TestFaultRedisStoppedUnderLoad(t *testing.T) {
	for _, mode := range cacheModes {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			srv := redistest.Start(t)
			gateway := gatewaytest.StartProcess(t, loadSite(t, faultOptions(srv.URL(), mode.options)))
			l := startLoad(t, gateway)
			before := gateway.Usage()
			stopped := time.Duration(gatewaytest.Rounds(3, 30)) * time.Second
			l.tally.watch()
			srv.Pause()
			peak := gateway.PeakUsage(func() { l.passes(stopped) })
			took := l.tally.latencies()
			srv.Resume()
			l.recovers()
			l.end()
			if len(took) == 0 || l.tally.count(unavailable) == 0 {
				t.Errorf("%d answers while it hung: the fault has not shown: %s", len(took), l.tally)
			}
			wantBounded(t, before, peak)
			figure(t, "Redis hangs (SIGSTOP), "+mode.name, "stopped for "+stopped.String()+" under load",
				"answers meanwhile: %v; goroutines %d before, %d at most; resident %d MiB before, %d at most; %s",
				took, before.Goroutines, peak.Goroutines, before.Resident>>20, peak.Resident>>20, l.tally)
		})
	}
}

func TestFaultSlowRedisUnderLoad(t *testing.T) {
	for _, delay := range []time.Duration{50 * time.Millisecond, 200 * time.Millisecond} {
		for _, mode := range cacheModes {
			t.Run(delay.String()+" to each answer, "+mode.name, func(t *testing.T) {
				t.Parallel()
				srv := redistest.Start(t)
				slow := startDelay(t, srv.Addr())
				l := newLoad(t, gatewaytest.StartProcess(t, loadSite(t, faultOptions("redis://"+slow.address()+"/0", mode.options))))
				l.pace = 10 * time.Millisecond // the pool has 64 connections
				l.start()
				l.recovers()
				slow.by.Store(int64(delay))
				l.tally.watch()
				l.passes(time.Duration(gatewaytest.Rounds(2, 20)) * time.Second)
				took := l.tally.latencies()
				l.recovers()
				l.end()
				l.tally.wantMostServed(t, 20)
				figure(t, "slow Redis, "+mode.name, delay.String()+" added to each answer", "answers: %v; %s", took, l.tally)
			})
		}
	}
}
