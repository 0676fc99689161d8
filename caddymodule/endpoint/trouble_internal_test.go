package endpoint

import (
	"testing"
	"time"

	"example.com/sidegate/caddymodule/refusal"
)

func TestTrouble(t *testing.T) {
	type asked struct {
		after time.Duration // since the trouble
		whole bool
		why   *refusal.Refusal
		want  *refusal.Refusal
	}
	wrong, down, busy := refusal.Credentials, refusal.Unavailable, refusal.Busy
	for name, answers := range map[string][]asked{
		"whom an earlier login refuses is told of it":  {{1, false, wrong, down}},
		"who was asked everywhere is too, for a while": {{1, true, wrong, down}, {2, false, wrong, down}},
		"then a no ends it, for those who come after":  {{troubleLasts, true, wrong, down}, {troubleLasts, false, wrong, wrong}},
		"an earlier login's no does not":               {{troubleLasts, false, wrong, down}, {troubleLasts, false, wrong, down}},
		"nobody is told of it for ever":                {{troubleEnds - 1, false, wrong, down}, {troubleEnds, false, wrong, wrong}},
		"another one takes its place":                  {{1, true, busy, busy}, {2, false, wrong, busy}},
		"and lasts as long":                            {{troubleEnds - 1, true, busy, busy}, {troubleEnds, true, wrong, busy}, {troubleEnds, false, wrong, busy}},
	} {
		t.Run(name, func(t *testing.T) {
			var it trouble
			begun := time.Now()
			it.answer(begun, true, down)
			for i, a := range answers {
				if got := it.answer(begun.Add(a.after), a.whole, a.why); got != a.want {
					t.Errorf("answer %d is %v, want %v", i, got.Code, a.want.Code)
				}
			}
		})
	}
	t.Run("where there is none nothing is changed", func(t *testing.T) {
		var it trouble
		if got := it.answer(time.Now(), false, wrong); got != wrong {
			t.Errorf("got %v", got.Code)
		}
	})
}
