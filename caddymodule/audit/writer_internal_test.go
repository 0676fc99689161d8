package audit

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"example.com/sidegate/caddymodule/endpoint"
	"example.com/sidegate/caddymodule/lifecycle"
)

// output is one that takes its time, or nothing, or panics.
type output struct {
	zapcore.Core
	takes func(zapcore.Entry)
}

func (o output) Check(e zapcore.Entry, c *zapcore.CheckedEntry) *zapcore.CheckedEntry {
	return c.AddCore(e, o)
}

func (o output) Write(e zapcore.Entry, fields []zapcore.Field) error {
	o.takes(e)
	return o.Core.Write(e, fields)
}

// written is a log whose lines go through an output; lost is how many its metric tells of.
type written struct {
	*Log
	lines *observer.ObservedLogs
	lost  int64
}

func writes(takes func(zapcore.Entry)) *written {
	core, lines := observer.New(zap.InfoLevel)
	w := &written{lines: lines}
	w.Log = New(Config{Logger: zap.New(output{core, takes}), Digest: func() string { return "digest" }, Now: time.Now, Lost: func(n int64) { w.lost += n }})
	return w
}

// audited are the lines of the audit log, and said those of the other.
func (w *written) audited() []observer.LoggedEntry { return w.lines.FilterMessage(LoggerName).All() }

func (w *written) said(message string) []observer.LoggedEntry {
	return w.lines.FilterMessage(message).All()
}

const (
	saysStalled = "the output of the audit log takes no lines: they wait, and nobody waits for them any more"
	saysLost    = "lines of the audit log are lost: its output takes none, and too many wait"
	saysGivenUp = "lines of the audit log are lost: its output takes none, and the configuration ends"
)

// stalls returns an output that takes no line of the audit log until it is let.
func stalls() (takes func(zapcore.Entry), let func()) {
	gate := make(chan struct{})
	return func(e zapcore.Entry) {
		if e.LoggerName == LoggerName {
			<-gate
		}
	}, sync.OnceFunc(func() { close(gate) })
}

func signIn(person int) lifecycle.Event {
	return lifecycle.Event{Kind: lifecycle.Began, UserID: int64(person)}
}

func took(does func()) time.Duration {
	before := time.Now()
	does()
	return time.Since(before)
}

// Who has an answer finds its line: operators, and programs that ask one after the other.
func TestInOrdinaryTimesALineIsWrittenBeforeTheAnswerGoesOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := writes(func(zapcore.Entry) { <-time.After(linePatience / 2) })
		for i := range 3 {
			w.Happened(signIn(i))
			if n := len(w.audited()); n != i+1 {
				t.Errorf("after %d sign-ins there are %d lines", i+1, n)
			}
		}
		w.Close()
	})
}

// A collector that does not read keeps nobody from signing in and out, and no operator
// from ending sessions.
func TestNobodyWaitsLongForAnOutputThatStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		takes, let := stalls()
		defer let()
		w := writes(takes)
		if waited := took(func() { w.Happened(signIn(0)) }); waited != linePatience {
			t.Errorf("the first waits %v", waited)
		}
		if waited := took(func() { w.Happened(signIn(1)) }); waited != 0 {
			t.Errorf("once it is known the next waits %v", waited)
		}
		synctest.Wait()
		if said := w.said(saysStalled); len(said) != 1 || said[0].Level != zap.WarnLevel || said[0].ContextMap()["remedy"] != stallRemedy {
			t.Errorf("the log says %+v", w.lines.All())
		}
		let()
		synctest.Wait()
		if waited := took(func() { w.Happened(signIn(2)) }); waited != 0 || len(w.audited()) != 3 {
			t.Errorf("once it moves again the next waits %v, and there are %d lines", waited, len(w.audited()))
		}
		w.Close()
	})
}

func TestWhoWaitsGoesOnWhenTheOutputIsFoundToStall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		takes, let := stalls()
		defer let()
		w := writes(takes)
		go w.Happened(signIn(0))
		<-time.After(linePatience * 9 / 10)
		if waited := took(func() { w.Happened(signIn(1)) }); waited != linePatience/10 {
			t.Errorf("who came later waits %v", waited)
		}
		let()
		synctest.Wait()
	})
}

// An output that moves, and is behind, is waited for again when it has caught up.
func TestNobodyWaitsUntilTheOutputHasCaughtUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		takes, let := stalls()
		defer let()
		w := writes(func(e zapcore.Entry) {
			takes(e)
			if e.LoggerName == LoggerName {
				<-time.After(linePatience)
			}
		})
		for i := range 3 {
			w.Happened(signIn(i))
		}
		let()
		<-time.After(linePatience * 3 / 2)
		if waited := took(func() { w.Happened(signIn(3)) }); waited != 0 || len(w.audited()) != 1 {
			t.Errorf("who comes while 2 lines wait waits %v, and %d are written", waited, len(w.audited()))
		}
		<-time.After(linePatience * 3)
		if waited := took(func() { w.Happened(signIn(4)) }); waited != linePatience {
			t.Errorf("who comes when all are written waits %v", waited)
		}
		synctest.Wait()
	})
}

// Of what finds no place nothing is lost but its words: how many they were is in the
// audit log, in the metric, and at once in the other log.
func TestLinesThatFindNoPlaceAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		takes, let := stalls()
		defer let()
		w := writes(takes)
		w.Happened(signIn(0)) // which is being written
		for i := range mostLines {
			w.Happened(signIn(i + 1))
		}
		if w.lost != 0 || len(w.said(saysLost)) != 0 {
			t.Errorf("%d are lost where there is room", w.lost)
		}
		for range 10 {
			w.Happened(signIn(-1))
			synctest.Wait()
		}
		said := w.said(saysLost)
		if len(said) != 1 || said[0].Level != zap.ErrorLevel || said[0].ContextMap()["lines"] != int64(1) || said[0].ContextMap()["remedy"] != stallRemedy {
			t.Errorf("the log says of 10 at once %+v; want it told once", said)
		}
		<-time.After(stallEvery)
		w.Happened(signIn(-1))
		synctest.Wait()
		if said := w.said(saysLost); len(said) != 2 || said[1].ContextMap()["lines"] != int64(11) {
			t.Errorf("the log says a minute later %+v", said)
		}
		let()
		synctest.Wait()
		told := w.audited()
		for i, l := range told[:len(told)-1] {
			if l.ContextMap()["user_id"] != int64(i) {
				t.Fatalf("line %d is of person %v", i, l.ContextMap()["user_id"])
			}
		}
		last := told[len(told)-1].ContextMap()
		if len(told) != mostLines+2 || last["event"] != AuditLog || last["result"] != "lines_lost" || last["count"] != int64(11) || last["config"] != "digest" {
			t.Errorf("of %d lines the last says %v", len(told), last)
		}
		if w.lost != 11 {
			t.Errorf("the metric tells of %d", w.lost)
		}
		w.Close()
	})
}

// A line stands for those before it that had none.
func TestALineThatIsLostTakesAlongWhatItSaysThereWasMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		takes, let := stalls()
		defer let()
		w := writes(takes)
		for range atFirst + 5 {
			w.Happened(lifecycle.Event{Kind: endpoint.Refused})
		}
		for i := range mostLines {
			w.Happened(signIn(i))
		}
		w.Rest()
		if want := int64(atFirst - 1 + 5); w.lost != want { // one is being written, the others that found a place took that of sign-ins
			t.Errorf("%d are lost; want %d", w.lost, want)
		}
		let()
		synctest.Wait()
		all := int64(0)
		for _, l := range w.audited() {
			f := l.ContextMap()
			if f["event"] == AuditLog {
				all += f["count"].(int64)
				continue
			}
			more, _ := f["more_since_last"].(int64)
			all += 1 + more
		}
		if want := int64(atFirst + 5 + mostLines); all != want {
			t.Errorf("the log knows of %d; want %d", all, want)
		}
		w.Close()
	})
}

// A process ends by SIGTERM, and a configuration for the next one, whoever reads the log.
func TestTheEndOfAConfigurationGivesUpWhatNobodyReads(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		takes, let := stalls()
		defer let()
		w := writes(takes)
		for i := range 5 {
			w.Happened(signIn(i))
		}
		if waited := took(w.Close); waited != flushTime {
			t.Errorf("the end waits %v", waited)
		}
		if said := w.said(saysGivenUp); len(said) != 1 || said[0].ContextMap()["lines"] != int64(4) || w.lost != 4 {
			t.Errorf("the log says %+v, and the metric %d", said, w.lost)
		}
		if waited := took(func() { w.Happened(signIn(6)) }); waited != 0 {
			t.Errorf("who comes later waits %v", waited)
		}
	})
}

func TestTheEndOfAConfigurationWaitsForItsLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := writes(func(e zapcore.Entry) {
			if e.LoggerName == LoggerName {
				<-time.After(flushTime / 10)
			}
		})
		for i := range 5 {
			go w.Happened(signIn(i))
		}
		synctest.Wait()
		w.Close()
		if n := len(w.audited()); n != 5 || w.lost != 0 {
			t.Errorf("%d lines are written, and %d lost", n, w.lost)
		}
	})
}

// The other log may go to the same collector.
func TestNobodyWaitsForTheLogThatTellsOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gate := make(chan struct{})
		w := writes(func(zapcore.Entry) { <-gate })
		for i := range mostLines + 10 {
			if waited := took(func() { w.Happened(signIn(i)) }); i > 0 && waited > 0 {
				t.Fatalf("number %d waits %v", i, waited)
			}
		}
		if waited := took(w.Close); waited > 2*flushTime {
			t.Errorf("the end waits %v", waited)
		}
		close(gate)
		synctest.Wait()
	})
}

// An output is anybody's module: the process outlives it, as requests did.
func TestAnOutputThatPanicsLosesALineAndNoProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := true
		w := writes(func(e zapcore.Entry) {
			if first {
				first = false
				panic("of an\noutput")
			}
		})
		w.Happened(signIn(0))
		w.Happened(signIn(1))
		synctest.Wait()
		var told []string
		for _, l := range w.audited() {
			told = append(told, fmt.Sprint(l.ContextMap()["event"], l.ContextMap()["user_id"], l.ContextMap()["count"]))
		}
		said := w.lines.FilterField(zap.String("panic", `of an\u{a}output`)).All()
		if len(told) != 2 || len(said) != 1 || said[0].Level != zap.ErrorLevel || w.lost != 1 {
			t.Errorf("the audit log says %q, the other %+v, and the metric %d", told, said, w.lost)
		}
		w.Close()
	})
}
