package directory

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"example.com/sidegate/caddymodule/source"
)

// The pauses between attempts: each about twice the one before.
const (
	firstPause = 50 * time.Millisecond
	mostPause  = time.Second
)

// pause says whether another attempt may help, and how long to wait for it.
// Only what passes by itself is tried again: a broken connection, a gateway in
// front of a directory that restarts (502, 503, 504), and a limit that says
// when it is over (429 with Retry-After).
func (d *Directory) pause(answer source.Answer, err error, attempt int) (time.Duration, bool) {
	if err != nil {
		return backoff(attempt), errors.Is(err, source.ErrNetwork)
	}
	after, told := retryAfter(answer.Header.Get("Retry-After"), d.config.Now())
	switch answer.Status {
	case http.StatusTooManyRequests:
		return after, told
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return max(after, backoff(attempt)), true
	}
	return 0, false
}

// backoff is drawn at random from the upper half of its range, so that many
// gateways do not come back to a directory at the same moment.
func backoff(attempt int) time.Duration {
	most := min(firstPause<<min(attempt, 10), mostPause)
	return most/2 + rand.N(most/2) //nolint:gosec // it spreads load, it keeps no secret
}

// retryAfter reads seconds or a date (RFC 9110 section 10.2.3).
func retryAfter(value string, now time.Time) (time.Duration, bool) {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second, true
	}
	if date, err := http.ParseTime(value); err == nil {
		return max(0, date.Sub(now)), true
	}
	return 0, false
}

// fits reports whether there is time left after the pause: else waiting would
// only delay the same answer.
func fits(ctx context.Context, pause time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || pause < time.Until(deadline)
}

func wait(ctx context.Context, pause time.Duration) error {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
