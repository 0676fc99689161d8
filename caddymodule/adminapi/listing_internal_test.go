package adminapi

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/sessionstore"
)

func ids(of []Session) (ids []string) {
	for _, s := range of {
		ids = append(ids, s.ID)
	}
	return ids
}

func TestSessionsAreListedTheNewestFirst(t *testing.T) {
	s, now := newShelf(), time.Now().Truncate(time.Second)
	a := newAsking(t, s, time.Now)
	var want []string
	for i := range 7 { // two of each second
		one := s.add(t, 1, "ada@example.com", "users", now.Add(-time.Duration(i/2)*time.Second))
		want = append(want, one.Key.ID())
		s.add(t, 2, "grace@example.com", "sso", now)
	}
	for _, query := range []string{"user=1", "email=%20ADA@example.com%20", "login=users", "user=1&limit=1", "user=1&limit=3", "login=users&limit=2"} {
		t.Run("by "+query, func(t *testing.T) {
			got, _ := a.all(query)
			if !slices.IsSortedFunc(got, func(one, other Session) int { return other.CreatedAt.Compare(one.CreatedAt) }) {
				t.Errorf("the order is %v", got)
			}
			if !slices.Equal(slices.Sorted(slices.Values(ids(got))), slices.Sorted(slices.Values(want))) {
				t.Errorf("got %v; want %v", ids(got), want)
			}
		})
	}
	t.Run("all of them", func(t *testing.T) {
		if got, pages := a.all("all=true&limit=5"); len(got) != 14 || pages != 3 {
			t.Errorf("%d on %d pages", len(got), pages)
		}
	})
	t.Run("none is an empty list", func(t *testing.T) {
		if _, body := a.ask(t.Context(), http.MethodGet, "/sidegate/sessions?user=3"); body != "{\"sessions\":[]}\n" {
			t.Errorf("got %s", body)
		}
	})
}

// count is how many are remembered.
func (ls *listings) count() int {
	ls.mu.Lock()
	defer ls.mu.Unlock()
	return len(ls.kept)
}

func TestPagesBehindTheFirstNeedNoWalk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, now := newShelf(), time.Now()
		a := newAsking(t, s, time.Now)
		var kept []*sessionstore.Session
		for i := range 10 {
			kept = append(kept, s.add(t, 1, "ada@example.com", "users", now.Add(-time.Duration(i)*time.Second)))
		}
		var first, second sessionList
		a.want(http.MethodGet, "/sidegate/sessions?user=1&limit=3", &first)
		s.add(t, 1, "ada@example.com", "users", now.Add(time.Second)) // shows on the first page, next time
		if _, err := s.Revoke(t.Context(), kept[4].Key); err != nil {
			t.Fatal(err)
		}
		next := "/sidegate/sessions?user=1&limit=3&cursor=" + first.Cursor
		a.want(http.MethodGet, next, &second)
		if want := []string{kept[3].Key.ID(), kept[5].Key.ID(), kept[6].Key.ID()}; s.walks.Load() != 1 || !slices.Equal(ids(second.Sessions), want) {
			t.Errorf("%d walks, and %v; want %v", s.walks.Load(), ids(second.Sessions), want)
		}
		<-time.After(keptFor) // then nothing of it is remembered
		synctest.Wait()
		if a.desk.listings.count() != 0 {
			t.Error("a listing is kept for longer than it is good")
		}
		if a.want(http.MethodGet, next, &second); s.walks.Load() != 2 || len(second.Sessions) != 3 {
			t.Errorf("%d walks, and %v", s.walks.Load(), second)
		}
		for range 2 * keptListings {
			a.want(http.MethodGet, "/sidegate/sessions?all=true&limit=1", &first)
		}
		if n := a.desk.listings.count(); n > keptListings {
			t.Errorf("%d listings are kept", n)
		}
		<-time.After(keptFor)
	})
}

// Where there are more than are remembered, another walk finds those behind.
func TestMoreThanIsRememberedIsFoundByAnotherWalk(t *testing.T) {
	s, now := newShelf(), time.Now()
	a := newAsking(t, s, time.Now)
	a.desk.listings.limit = 7
	for i := range 50 {
		s.add(t, 1, "ada@example.com", "users", now.Add(-time.Duration(i)*time.Second))
	}
	got, _ := a.all("user=1&limit=5")
	seen := slices.Compact(slices.Sorted(slices.Values(ids(got))))
	if len(seen) != 50 || len(got) != 50 || s.walks.Load() < 50/7 {
		t.Errorf("%d sessions, %d of them different, by %d walks", len(got), len(seen), s.walks.Load())
	}
}

// What ended meanwhile is passed over, so many at a time.
func TestAPageOfSessionsThatHaveEndedHasACursor(t *testing.T) {
	s, now := newShelf(), time.Now()
	a := newAsking(t, s, time.Now)
	for i := range 2*maxSkipped + 10 {
		s.add(t, 1, "ada@example.com", "users", now.Add(-time.Duration(i)*time.Second))
	}
	var first sessionList
	a.want(http.MethodGet, "/sidegate/sessions?user=1&limit=5", &first)
	if _, err := s.RevokeUser(t.Context(), 1); err != nil {
		t.Fatal(err)
	}
	pages := 0
	for next := first; next.Cursor != ""; pages++ {
		cursor := next.Cursor
		next = sessionList{}
		if a.want(http.MethodGet, "/sidegate/sessions?user=1&limit=5&cursor="+cursor, &next); len(next.Sessions) > 0 {
			t.Errorf("page %d has %v, which have ended", pages, next.Sessions)
		}
	}
	if pages != 3 || s.walks.Load() != 1 {
		t.Errorf("%d pages by %d walks", pages, s.walks.Load())
	}
}

func TestSessionsThatCannotBeReadAreCounted(t *testing.T) {
	s := &torn{shelf: newShelf(), unread: map[sessionstore.Key]bool{}}
	a := newAsking(t, s, time.Now)
	for _, login := range []string{"users", "users", "sso"} {
		s.add(t, 1, "ada@example.com", login, time.Now())
	}
	hidden := s.add(t, 1, "ada@example.com", "users", time.Now())
	s.unread[hidden.Key] = true
	for query, want := range map[string]int{"user=1": 3, "all=true": 3, "login=users": 2, "email=nobody@example.com": 0} {
		var l sessionList
		a.want(http.MethodGet, "/sidegate/sessions?"+query, &l)
		if len(l.Sessions) != want || l.Unreadable != 1 {
			t.Errorf("%s: %d sessions, %d unreadable", query, len(l.Sessions), l.Unreadable)
		}
	}
	code, body := a.ask(t.Context(), http.MethodGet, "/sidegate/sessions/"+hidden.Key.ID())
	if code != http.StatusOK || !strings.Contains(body, `"unreadable":`) {
		t.Errorf("it is shown as %d %s", code, body)
	}
	t.Run("and ended where it is known whose they are", func(t *testing.T) {
		for _, c := range []struct {
			query string
			want  ended
		}{{"login=users", ended{2, 1}}, {"user=1", ended{2, 0}}} {
			var got ended
			if a.want(http.MethodDelete, "/sidegate/sessions?"+c.query, &got); got != c.want {
				t.Errorf("%s: %+v; want %+v", c.query, got, c.want)
			}
		}
	})
}

// torn is a shelf of which some sessions cannot be read.
type torn struct {
	*shelf
	unread map[sessionstore.Key]bool
}

func (s *torn) torn(page func([]sessionstore.Found) error) func([]sessionstore.Found) error {
	return func(found []sessionstore.Found) error {
		for i, f := range found {
			if s.unread[f.Key] {
				found[i] = sessionstore.Found{Key: f.Key, Err: sessionstore.ErrUnknownKey}
			}
		}
		return page(found)
	}
}

func (s *torn) WalkUser(ctx context.Context, userID int64, page func([]sessionstore.Found) error) error {
	return s.shelf.WalkUser(ctx, userID, s.torn(page))
}

func (s *torn) WalkAll(ctx context.Context, page func([]sessionstore.Found) error) error {
	return s.shelf.WalkAll(ctx, s.torn(page))
}

func (s *torn) FindID(ctx context.Context, id string) (sessionstore.Found, bool, error) {
	f, found, err := s.shelf.FindID(ctx, id)
	if s.unread[f.Key] {
		f = sessionstore.Found{Key: f.Key, Err: sessionstore.ErrUnknownKey}
	}
	return f, found, err
}

// bystander is somebody whose session is asked for all the while, and written.
func bystander(t *testing.T, s *shelf) (answered func()) {
	t.Helper()
	own := s.add(t, 2, "grace@example.com", "users", time.Now())
	var n atomic.Int64
	ctx, cancel := context.WithCancel(context.Background())
	var asking sync.WaitGroup
	asking.Go(func() {
		for ctx.Err() == nil {
			if _, err := s.Store.Get(context.Background(), own.Key); err != nil {
				t.Errorf("the bystander is answered with %v", err)
				return
			}
			if err := s.Touch(context.Background(), own, time.Now()); err != nil {
				t.Errorf("the bystander's activity is not written: %v", err)
				return
			}
			n.Add(1)
			runtime.Gosched()
		}
	})
	t.Cleanup(func() {
		cancel()
		asking.Wait()
	})
	return func() {
		for before := n.Load(); n.Load() == before && !t.Failed(); {
			runtime.Gosched()
		}
	}
}

// 100,000 sessions of one person keep nobody waiting: at each page of a walk, and of an
// end, others are answered.
func TestAHundredThousandSessionsOfOnePersonKeepNobodyWaiting(t *testing.T) {
	const crowd = 100_000
	s, now := newShelf(), time.Now().Truncate(time.Millisecond)
	a := newAsking(t, s, time.Now)
	for i := range crowd {
		s.add(t, 1, "ada@example.com", "users", now.Add(-time.Duration(i%5000)*time.Millisecond))
	}
	answered := bystander(t, s)
	walked := 0
	s.paged = func([]sessionstore.Found) {
		walked++
		answered()
	}
	t.Run("while they are listed", func(t *testing.T) {
		got, pages := a.all("user=1&limit=1000")
		if len(got) != crowd || pages != crowd/1000 || s.walks.Load() != 1 || walked < 2 {
			t.Errorf("%d on %d pages, by %d walks of %d pages", len(got), pages, s.walks.Load(), walked)
		}
		all := ids(got)
		slices.Sort(all)
		if n := len(slices.Compact(all)); n != crowd {
			t.Errorf("%d of them are different", n)
		}
	})
	t.Run("while they are counted", func(t *testing.T) {
		var c struct{ Count int }
		if a.want(http.MethodGet, "/sidegate/count", &c); c.Count != crowd+1 {
			t.Errorf("counted %d", c.Count)
		}
		answered()
	})
	t.Run("while they end", func(t *testing.T) {
		pages := 0
		s.revoked = func(int) error {
			pages++
			answered()
			return nil
		}
		var e ended
		if a.want(http.MethodDelete, "/sidegate/sessions?user=1", &e); e.Ended != crowd || pages < 2 {
			t.Errorf("%d have ended, on %d pages", e.Ended, pages)
		}
		if len(a.heard.events) != 1 || a.heard.events[0].Count != crowd {
			t.Errorf("told of %v", a.heard.events)
		}
	})
}

func TestAnEndThatIsInterruptedSaysHowFarItCame(t *testing.T) {
	for name, c := range map[string]struct {
		stop   func(s *shelf, cancel func()) error
		pages  int
		status int
		words  []string
	}{
		"by the store": {func(s *shelf, _ func()) error { s.away.Store(true); return nil }, 1, http.StatusServiceUnavailable,
			[]string{"repeat the request when", "sessions have ended", "gave no answer", "/sidegate/ready"}},
		"by the client": {func(_ *shelf, cancel func()) error { cancel(); return nil }, 1, http.StatusServiceUnavailable, []string{"have ended"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := newShelf()
			a := newAsking(t, s, time.Now)
			for range 3000 {
				s.add(t, 1, "ada@example.com", "users", time.Now())
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			ended := 0
			s.revoked = func(n int) error {
				ended += n
				return c.stop(s, cancel)
			}
			code, body := a.ask(ctx, http.MethodDelete, "/sidegate/sessions?all=true")
			if code != c.status || ended == 0 || ended == 3000 || !strings.Contains(body, fmt.Sprint("; ", ended, " sessions have ended")) {
				t.Errorf("%d have ended; got %d %s", ended, code, body)
			}
			for _, word := range c.words {
				if !strings.Contains(body, word) {
					t.Errorf("%q says nothing of %q", body, word)
				}
			}
			if e := a.heard.events; len(e) != 1 || e[0].Kind != lifecycle.EndedByOperator || e[0].Count != ended || e[0].Err == nil {
				t.Errorf("told of %+v", e)
			}
			if strings.Contains(body, "hunter2") {
				t.Errorf("the answer holds a credential: %s", body)
			}
		})
	}
}

// A store that is away is never taken for one without the session.
func TestWhileTheStoreIsAwayNothingIsTold(t *testing.T) {
	s := newShelf()
	a := newAsking(t, s, time.Now)
	id := s.add(t, 1, "ada@example.com", "users", time.Now()).Key.ID()
	s.away.Store(true)
	for _, asked := range []string{
		"GET /sidegate/sessions?user=1", "GET /sidegate/sessions?all=true", "GET /sidegate/sessions/" + id, "GET /sidegate/sessions/" + id + "?user=1",
		"DELETE /sidegate/sessions?email=ada@example.com", "DELETE /sidegate/sessions/" + id, "GET /sidegate/count",
	} {
		method, path, _ := strings.Cut(asked, " ")
		code, body := a.ask(t.Context(), method, path)
		if code != http.StatusServiceUnavailable || !strings.Contains(body, "nothing can be told") || !strings.Contains(body, "/sidegate/ready") || strings.Contains(body, "hunter2") {
			t.Errorf("%s: %d %s", asked, code, body)
		}
	}
}

// A count on Redis asks every server for every key.
func TestCountsAreOneAtATimeAndSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShelf()
		s.counting = make(chan struct{})
		a := newAsking(t, s, time.Now)
		s.add(t, 1, "ada@example.com", "users", time.Now())
		type answer struct {
			Count int
			At    time.Time
		}
		var asking sync.WaitGroup
		answers := make(chan answer, 20)
		many := func() {
			for range 10 {
				asking.Go(func() {
					var got answer
					a.want(http.MethodGet, "/sidegate/count", &got)
					answers <- got
				})
			}
		}
		many()
		synctest.Wait()
		if s.counts.Load() != 1 || len(answers) != 0 {
			t.Errorf("%d counts, and %d answers", s.counts.Load(), len(answers))
		}
		close(s.counting)
		asking.Wait()
		s.add(t, 1, "ada@example.com", "users", time.Now())
		<-time.After(countEvery - time.Millisecond)
		many()
		asking.Wait()
		for range 20 {
			if got := <-answers; got.Count != 1 || s.counts.Load() != 1 {
				t.Errorf("got %+v by %d counts", got, s.counts.Load())
			}
		}
		<-time.After(time.Millisecond)
		var got answer
		if a.want(http.MethodGet, "/sidegate/count", &got); got.Count != 2 || s.counts.Load() != 2 {
			t.Errorf("got %+v by %d counts", got, s.counts.Load())
		}
	})
}
