package provider

import (
	"strconv"
	"testing"
	"time"
)

func TestShelf(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	s := newShelf[int](func() time.Time { return now })
	s.put("a", 1, time.Minute)
	t.Run("a value is there until it expires", func(t *testing.T) {
		if v, ok := s.get("a"); !ok || v != 1 {
			t.Errorf("%d %v", v, ok)
		}
		now = now.Add(time.Minute)
		if v, ok := s.get("a"); ok || v != 0 {
			t.Errorf("%d %v", v, ok)
		}
	})
	t.Run("a value is taken once", func(t *testing.T) {
		s.put("b", 2, time.Minute)
		if v, ok := s.take("b"); !ok || v != 2 {
			t.Errorf("%d %v", v, ok)
		}
		if _, ok := s.take("b"); ok {
			t.Error("twice")
		}
	})
	t.Run("what has expired does not pile up", func(t *testing.T) {
		for i := range 20 * fewEntries {
			s.put(strconv.Itoa(i), i, time.Minute)
			now = now.Add(time.Second)
		}
		if len(s.kept) > 2*fewEntries {
			t.Errorf("%d entries", len(s.kept))
		}
	})
}
