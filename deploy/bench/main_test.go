package main

import (
	"flag"
	"io"
	"os"
	"strings"
	"testing"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"

	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "example.com/sidegate/caddymodule"
)

// TestMain makes the test binary each of the rig's processes, Caddy included,
// so that the smoke test builds nothing.
func TestMain(m *testing.M) {
	switch {
	case playsRole():
	case os.Getenv(roleVariable) == roleCaddy:
		caddycmd.Main()
	case os.Getenv(roleVariable) == roleFakePeer:
		playPeer(os.Args[1:])
	case os.Getenv(roleVariable) == roleStubborn:
		playStubborn()
	default:
		// Else the race detector has each of the many processes wait for a
		// second before it exits.
		if err := os.Setenv("GORACE", "atexit_sleep_ms=0 "+os.Getenv("GORACE")); err != nil {
			panic(err)
		}
		os.Exit(m.Run())
	}
}

func TestFlags(t *testing.T) {
	for _, c := range []struct {
		name    string
		args    string
		good    bool
		satisfy func(config) bool
	}{
		{"without any it measures everything, nine times", "", true, func(c config) bool {
			return c.rounds == 9 && c.seconds == 3 && c.connections == 32 && c.only.MatchString("proxy") && c.live[len(c.live)-1] == 100_000
		}},
		{"-long grows to a million", "-long", true, func(c config) bool { return c.live[len(c.live)-1] == 1_000_000 }},
		{"-only chooses arms", "-only ^proxy$", true, func(c config) bool {
			return c.only.MatchString("proxy") && !c.only.MatchString("proxy-unix")
		}},
		{"-bind=false leaves processors to the scheduler", "-bind=false", true, func(c config) bool { return len(c.cores.arms) == 0 }},
		{"an -only that is no regexp is refused", "-only (", false, nil},
		{"an -only that matches nothing is refused, before anything is built", "-only nothing-such", false, nil},
		{"so is an arm to profile that there is not", "-profile nothing-such", false, nil},
		{"and memory, which is none", "-profile memory", false, nil},
		{"an arm may be profiled", "-profile growth-sessions-10", true, func(c config) bool { return c.profile != "" }},
		{"no rounds are refused", "-rounds 0", false, nil},
		{"no time is refused", "-seconds 0", false, nil},
		{"no connections are refused", "-connections -1", false, nil},
		{"what is no flag is refused", "gateway-cookie", false, nil},
		{"an unknown flag is refused", "-fast", false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseFlags(strings.Fields(c.args), io.Discard)
			if (err == nil) != c.good {
				t.Fatalf("error %v", err)
			}
			if c.good && !c.satisfy(got) {
				t.Errorf("got %+v", got)
			}
		})
	}
	if _, err := parseFlags([]string{"-help"}, io.Discard); err != flag.ErrHelp {
		t.Errorf("-help: %v", err)
	}
}
