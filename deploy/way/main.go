// Command way shows which source files of the gateway are entered, in the order
// of the first entry, by one real request each: one with a session cookie, a
// password sign-in, a sign-in through an OpenID provider, a refresh, and a
// back-channel logout.
//
//	go run ./deploy/way [-repo folder] [-turns]
//
// It builds the gateway of that checkout, which may be of another commit, with a
// recorder in each of its functions, and starts it beside an app and the OpenID
// provider of deploy/providertest, all on loopback. The checkout is not changed,
// nothing is left behind.
//
// Files are those of the gateway itself. Only what serves counts: goroutines
// that entered a method ServeHTTP, and those that they began. What runs beside
// them (watchers, the flush of activity, the near cache's follower) and what
// belongs to the start does not.
//
// Under each list stands how long it is, and how straight the way. It comes back
// to a package where the list does, after others. It turns back where a file
// calls one that is at work further up already, by way of others: A calls B, and
// B calls A. Pairs of files are counted, each once, and pairs of packages. A
// function literal that is called by whom it was given to is no such call.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// Interrupted, it still stops every process that it has started.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "way:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	f := flag.NewFlagSet("way", flag.ContinueOnError)
	repo := f.String("repo", ".", "a `folder` in the checkout whose gateway is watched")
	turns := f.Bool("turns", false, "also list the calls that turn back")
	if err := f.Parse(args); err != nil {
		return err
	}
	if f.NArg() > 0 {
		return fmt.Errorf("%q is no flag: see -help", f.Arg(0))
	}
	ours, err := here(ctx, ".")
	if err != nil {
		return err
	}
	watched, err := here(ctx, *repo)
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "sidegate-way-*")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	s, err := newStage(ctx, ours, watched, scratch)
	if err != nil {
		return err
	}
	defer s.close()
	return s.show(ctx, out, *turns)
}
