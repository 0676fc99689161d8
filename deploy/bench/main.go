package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
)

// config is what a run is asked for.
type config struct {
	rounds      int
	seconds     float64 // of each of a round's two loads
	connections int
	only        *regexp.Regexp // of the names of arms
	csv         string         // file for every sample; empty for none
	profile     string         // name of the arm to profile; empty for none
	live        []int          // how many sessions the arms of growth have
	heavy       int            // sessions that memory is measured with
	cores       cores          // which processors are whose
	// caddy is the binary to measure; empty builds one.
	caddy string
	// beside is a binary to measure beside it; empty for none.
	beside string
	// oauth2Proxy is the binary of that peer; empty when it is not given.
	oauth2Proxy string
	// apache says that Apache httpd and mod_auth_openidc are installed.
	apache bool
}

func main() {
	if playsRole() {
		return
	}
	if err := command(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func command(args []string) error {
	c, err := parseFlags(args, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	// Interrupted, it still stops every process that it has started.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return run(ctx, c, os.Stdout)
}

func parseFlags(args []string, errs io.Writer) (config, error) {
	c := config{live: []int{10, 1_000, 100_000}, heavy: 10_000, oauth2Proxy: os.Getenv("OAUTH2_PROXY"), apache: hasApache(os.DirFS("/"))}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(errs)
	f.IntVar(&c.rounds, "rounds", 9, "how often each arm is measured, in turns with the others")
	f.Float64Var(&c.seconds, "seconds", 3, "length of each load: at full speed, then at half")
	f.IntVar(&c.connections, "connections", 32, "kept-alive connections to the arm")
	only := f.String("only", "", "measure only arms whose name matches this `regexp`")
	f.StringVar(&c.csv, "csv", "", "also write every sample into this `file`")
	f.StringVar(&c.profile, "profile", "", "print where the CPU goes in this `arm`, and measure nothing else")
	f.StringVar(&c.caddy, "caddy", "", "measure this `binary` instead of building one")
	f.StringVar(&c.beside, "beside", "", "measure this `binary` too, in the same rounds, and print what ours costs against it")
	bind := f.Bool("bind", true, "give the arm one processor to itself, and the others to app, load and Redis")
	long := f.Bool("long", false, "grow to 1,000,000 live sessions")
	if err := f.Parse(args); err != nil {
		return c, err
	}
	if *long {
		c.live = append(c.live, 1_000_000)
	}
	var err error
	if c.only, err = regexp.Compile(*only); err != nil {
		return c, fmt.Errorf("-only: %w", err)
	}
	if *bind {
		allowed, err := allowedProcessors()
		if err != nil {
			return c, err
		}
		c.cores = share(allowed)
	}
	if err := c.check(f.Args()); err != nil {
		return c, err
	}
	return c, c.matchesAny()
}

func (c *config) check(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("%q is no flag: see -help", rest[0])
	case c.rounds < 1 || c.seconds <= 0 || c.connections < 1:
		return errors.New("-rounds, -seconds and -connections must be positive")
	}
	return nil
}

// run does all that config asks for, and leaves nothing behind.
func run(ctx context.Context, c config, out io.Writer) (err error) {
	r, err := newRig(ctx, c, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.close()) }()
	if c.profile != "" {
		return r.profile(ctx)
	}
	return r.compare(ctx)
}
