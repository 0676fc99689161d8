package directory

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"example.com/sidegate/caddymodule/profile"
)

// Consult asks all directories at once about the person as they are known so
// far, then applies the directories' mappings to the person in the order of
// the list. It returns the facts with "directory" added: the answers by name.
// It takes no longer than the slowest directory's time-out.
//
// A *profile.Refused is a definite no: a required directory does not know the
// person, or a demand of a mapping does not hold. It goes before all trouble
// and calls the other questions off. A *profile.Unmapped is an answer that came
// and says nothing that can be used. Every other error means "cannot tell". In
// all cases the person may be half mapped: build no session of them.
func Consult(ctx context.Context, directories []*Directory, person *profile.Person, facts profile.Facts) (profile.Facts, error) {
	answers, err := askAll(ctx, directories, identify(person))
	if err != nil {
		return nil, err
	}
	facts = facts.With("directory", answers)
	for _, d := range directories {
		if err := d.config.Mapping.Apply(person, facts); err != nil {
			return nil, d.named(err)
		}
	}
	return facts, nil
}

// result is what came of asking one directory.
type result struct {
	answer map[string]any
	err    error
	// trouble is what made an optional directory's answer empty.
	trouble error
}

func askAll(ctx context.Context, directories []*Directory, who identity) (map[string]any, error) {
	asking, callOff := context.WithCancel(ctx)
	defer callOff()
	results := make([]result, len(directories))
	var all sync.WaitGroup
	for i, d := range directories {
		all.Go(func() {
			results[i] = d.consult(asking, who)
			if isRefused(results[i].err) {
				callOff()
			}
		})
	}
	all.Wait()
	return gather(ctx, directories, results)
}

// consult asks the directory and judges, by whether it is required, what it
// means that there is no answer.
func (d *Directory) consult(ctx context.Context, who identity) result {
	answer, err := d.ask(ctx, who)
	switch {
	case err == nil:
		return result{answer: answer}
	case errors.Is(err, errNotKnown) && !d.config.Optional:
		return result{err: &profile.Refused{Why: fmt.Sprintf("directory %s does not know the person", d.config.Name)}}
	case errors.Is(err, errNotKnown):
		return result{answer: map[string]any{}}
	case d.config.Optional && !errors.Is(err, ErrOtherPerson):
		return result{answer: map[string]any{}, trouble: d.named(err)}
	}
	return result{err: d.named(err)}
}

// gather reports trouble and collects the answers. A refusal wins over trouble
// whichever came first, so that who is gone is not kept by a directory that
// happens to be down; and so does an answer that cannot be read, for what it
// said before holds no longer.
func gather(ctx context.Context, directories []*Directory, results []result) (map[string]any, error) {
	answers := make(map[string]any, len(results))
	var first, unmapped, refused error
	for i, r := range results {
		d := directories[i]
		if r.trouble != nil && d.config.Report != nil && !errors.Is(r.trouble, context.Canceled) {
			d.config.Report(d.config.Name, r.trouble)
		}
		if first == nil {
			first = r.err
		}
		if unmapped == nil && profile.IsUnmapped(r.err) {
			unmapped = r.err
		}
		if refused == nil && isRefused(r.err) {
			refused = r.err
		}
		answers[d.config.Name] = r.answer
	}
	switch {
	case refused != nil:
		return nil, refused
	case ctx.Err() != nil: // also for optional ones: they were not heard out
		return nil, fmt.Errorf("asking the directories was called off: %w", ctx.Err())
	case unmapped != nil:
		return nil, unmapped
	}
	return answers, first
}

func isRefused(err error) bool {
	_, ok := errors.AsType[*profile.Refused](err)
	return ok
}

func (d *Directory) named(err error) error {
	return fmt.Errorf("directory %s: %w", d.config.Name, err)
}
