package install_test

import (
	"regexp"
	"strings"
	"syscall"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// callsWhatIsAllowed runs the binary as the unit does, watched by strace, and holds its
// system calls to SystemCallFilter: one that it makes and may not would fail on a
// machine with systemd alone.
func callsWhatIsAllowed(t *testing.T, binary string) {
	s := newService(t)
	cmd := s.command("ExecStart")
	trace := s.file("trace")
	watched := command(t, append([]string{"strace", "-D", "-f", "-q", "-o", trace, binary}, cmd.Args[1:]...)...)
	watched.Dir, watched.Env = cmd.Dir, cmd.Env
	p := start(t, watched)
	p.awaitLog("serving initial configuration")
	health := command(t, binary, "sidegate-health", "http://127.0.0.1:"+s.ports[1]+"/healthz")
	must(t, health)
	p.stop(syscall.SIGTERM)
	gatewaytest.Await(t, "strace has seen its end", func() bool { return strings.Contains(read(t, trace), "+++ exited with 0 +++") })

	allowed := s.allowedCalls()
	called := map[string]bool{}
	for _, found := range regexp.MustCompile(`(?m)^\d+ +(\w+)\(`).FindAllStringSubmatch(read(t, trace), -1) {
		called[found[1]] = true
	}
	if len(called) < 20 {
		t.Errorf("only %v were seen", called)
	}
	for name := range called {
		if !allowed[name] && !refusedWithoutHarm[name] {
			t.Errorf("the gateway calls %s, which the unit forbids", name)
		}
	}
}

// refusedWithoutHarm are calls that the gateway goes on without: EPERM of them is looked
// at by nobody.
var refusedWithoutHarm = map[string]bool{}

// allowedCalls are those of the unit's SystemCallFilter.
func (s *service) allowedCalls() map[string]bool {
	s.t.Helper()
	allowed := map[string]bool{}
	for _, line := range s.of("SystemCallFilter") {
		names, takes := strings.CutPrefix(line, "~")
		for _, set := range strings.Fields(names) {
			for _, call := range s.callsOf(set) {
				allowed[call] = !takes
			}
		}
	}
	return allowed
}

// callsOf are the calls of a set, and of the sets in it.
func (s *service) callsOf(set string) (calls []string) {
	s.t.Helper()
	for line := range strings.Lines(must(s.t, command(s.t, "systemd-analyze", "syscall-filter", set))) {
		word := strings.TrimSpace(line)
		switch {
		case word == set || word == "" || strings.HasPrefix(word, "#"):
		case strings.HasPrefix(word, "@"):
			calls = append(calls, s.callsOf(word)...)
		default:
			calls = append(calls, word)
		}
	}
	return calls
}
