package storetest

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// takes requires that an attempt is counted, as the want-th of its bucket.
func (b *bench) takes(bucket string, limit int, window time.Duration, want int) {
	b.Helper()
	got, err := b.store.Take(b.Context(), bucket, limit, window)
	b.must(err)
	if got.Count != want || got.Wait != 0 {
		b.Fatalf("Take answers %+v; want the count %d and no wait", got, want)
	}
}

// refuses requires that an attempt is refused for at most that long.
func (b *bench) refuses(bucket string, limit int, window time.Duration, count int, atMost time.Duration) {
	b.Helper()
	got, err := b.store.Take(b.Context(), bucket, limit, window)
	b.must(err)
	if got.Count != count || got.Wait <= 0 || got.Wait > atMost {
		b.Fatalf("Take answers %+v; want the count %d and a wait of at most %v", got, count, atMost)
	}
}

func testAttempts(t *testing.T, h Harness) {
	each(t, h, "attempts are counted up to the limit and then refused", func(b *bench) {
		for n := 1; n <= 3; n++ {
			b.takes("ada", 3, time.Hour, n)
		}
		b.refuses("ada", 3, time.Hour, 3, time.Hour)
		b.refuses("ada", 3, time.Hour, 3, time.Hour)
		b.takes("grace", 3, time.Hour, 1)
	})
	each(t, h, "a refused attempt is not counted", func(b *bench) {
		b.takes("ada", 1, time.Hour, 1)
		b.refuses("ada", 1, time.Hour, 1, time.Hour)
		b.takes("ada", 2, time.Hour, 2)
	})
	each(t, h, "the limit is exact when many try at once", func(b *bench) {
		const limit = 10
		var mu sync.Mutex
		var counts []int
		together(64, func(int) {
			got, err := b.store.Take(b.Context(), "ada", limit, time.Hour)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err != nil:
				b.Errorf("taking: %v", err)
			case got.Wait == 0:
				counts = append(counts, got.Count)
			case got.Count != limit || got.Wait < 0 || got.Wait > time.Hour:
				b.Errorf("Take answers %+v to an attempt too many", got)
			}
		})
		slices.Sort(counts)
		if !slices.Equal(counts, []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}) {
			b.Fatalf("the attempts let through were counted as %v", counts)
		}
	})
	each(t, h, "an attempt that is returned makes room for another", func(b *bench) {
		b.takes("ada", 2, time.Hour, 1)
		b.takes("ada", 2, time.Hour, 2)
		b.must(b.store.Return(b.Context(), "ada"))
		b.takes("ada", 2, time.Hour, 2)
		b.refuses("ada", 2, time.Hour, 2, time.Hour)
	})
	each(t, h, "returning more than was taken earns no credit", func(b *bench) {
		b.must(b.store.Return(b.Context(), "ada"))
		b.takes("ada", 1, time.Hour, 1)
		for range 3 {
			b.must(b.store.Return(b.Context(), "ada"))
		}
		b.takes("ada", 1, time.Hour, 1)
		b.refuses("ada", 1, time.Hour, 1, time.Hour)
	})
	each(t, h, "a forgotten bucket is empty", func(b *bench) {
		b.must(b.store.Forget(b.Context(), "ada"))
		b.takes("ada", 1, time.Hour, 1)
		b.takes("grace", 1, time.Hour, 1)
		b.must(b.store.Forget(b.Context(), "ada"))
		b.takes("ada", 1, time.Hour, 1)
		b.refuses("grace", 1, time.Hour, 1, time.Hour)
	})
	each(t, h, "a limit of none refuses every attempt and counts nothing", func(b *bench) {
		for _, limit := range []int{0, -1} {
			b.refuses("ada", limit, time.Hour, 0, time.Hour)
		}
		b.takes("ada", 1, time.Hour, 1)
	})
	each(t, h, "any text names a bucket", func(b *bench) {
		names := []string{"", " ", "a", "A", "a\x00", "{a}", "a:b", "ö", "\xff", "a\r\nb", "*", strings.Repeat("a", 50_000)}
		for _, name := range names {
			b.takes(name, 1, time.Hour, 1)
		}
		for _, name := range names {
			b.refuses(name, 1, time.Hour, 1, time.Hour)
		}
	})
}

func testAttemptWindows(t *testing.T, h Harness) {
	each(t, h, "the window begins with the first attempt and ends by itself", func(b *bench) {
		window := b.ticks(10)
		b.takes("ada", 1000, window, 1)
		b.pass(6)
		b.takes("ada", 1000, window, 2)
		b.pass(4)
		b.eventually("a new window has begun", func() bool {
			got, err := b.store.Take(b.Context(), "ada", 1000, window)
			b.must(err)
			return got.Count == 1
		})
	})
	each(t, h, "the wait is what is left of the window", func(b *bench) {
		b.takes("ada", 1, b.ticks(10), 1)
		b.pass(6)
		b.refuses("ada", 1, b.ticks(10), 1, b.ticks(4)+b.slack())
		b.pass(4)
		b.eventually("the attempt is let through", func() bool {
			got, err := b.store.Take(b.Context(), "ada", 1, b.ticks(10))
			b.must(err)
			return got.Wait == 0 && got.Count == 1
		})
	})
	each(t, h, "a return leaves the window as it is", func(b *bench) {
		b.takes("ada", 2, b.ticks(10), 1)
		b.takes("ada", 2, b.ticks(10), 2)
		b.pass(6)
		b.must(b.store.Return(b.Context(), "ada"))
		b.takes("ada", 2, b.ticks(10), 2)
		b.refuses("ada", 2, b.ticks(10), 2, b.ticks(4)+b.slack())
		b.pass(4)
		b.eventually("the attempt is let through", func() bool {
			got, err := b.store.Take(b.Context(), "ada", 2, b.ticks(10))
			b.must(err)
			return got.Wait == 0 && got.Count == 1
		})
	})
}
