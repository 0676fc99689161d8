package mapping_test

import (
	"fmt"
	"testing"

	"example.com/sidegate/caddymodule/profile"
)

// People keep their number for good: a golden that changes is a release that
// makes strangers of everybody.
func TestStableIDsStayWhatTheyAre(t *testing.T) {
	for _, c := range []struct {
		expr string
		want int64
	}{
		{`stable_id('a-1')`, 885076328355048},
		{`stable_id('acme', 'a-1')`, 7875643572519018},
		{`stable_id('acme', 'a', '-1')`, 1750009674467965},
		{`stable_id('acm', 'ea-1')`, 3836990597952972},
		{`stable_id('a', 'b', 'c', 'd')`, 7510588215766435},
		{`stable_id('é@example.com')`, 4543903448303180},
		{`stable_id('L-0042')`, 5168482797111385},
	} {
		t.Run(c.expr, func(t *testing.T) {
			if got := apply(t, mustCompile(t, oneRule("id", c.expr)), `{}`).ID; got != c.want {
				t.Errorf("got %d, want %d", got, c.want)
			}
		})
	}
}

func TestStableIDsTellListsOfPartsApart(t *testing.T) {
	seen := make(map[int64]string)
	for _, args := range []string{"'ab'", "'a', 'b'", "'ab', 'c'", "'a', 'bc'", "'a', 'b', 'c'", "'abc'", "'c', 'b', 'a'"} {
		id := apply(t, mustCompile(t, oneRule("id", "stable_id("+args+")")), `{}`).ID
		if other, taken := seen[id]; taken {
			t.Errorf("(%s) and (%s) have the number %d", args, other, id)
		}
		seen[id] = args
	}
}

// FuzzStableID: any text has a number that JavaScript reads exactly, the same
// one every time, and not that of the text split in two.
func FuzzStableID(f *testing.F) {
	for _, seed := range []string{"a", "ada@example.com", "\x00\x00", "L-0042"} {
		f.Add(seed)
	}
	one := mustCompile(f, oneRule("id", "stable_id(token.sub)"))
	two := mustCompile(f, oneRule("id", "stable_id(token.sub, token.sub)"))
	f.Fuzz(func(t *testing.T, sub string) {
		facts := profile.Facts{"token": map[string]any{"sub": sub}}
		var p, again, other profile.Person
		err := one.Apply(&p, facts)
		if sub == "" {
			mustSay(t, err, "an empty argument")
			return
		}
		if err != nil || p.ID < 1 || p.ID > 1<<53-1 {
			t.Fatalf("the number is %d, %v", p.ID, err)
		}
		if one.Apply(&again, facts) != nil || again.ID != p.ID {
			t.Fatalf("%d, and then %d", p.ID, again.ID)
		}
		if two.Apply(&other, facts) != nil || other.ID == p.ID {
			t.Fatal(fmt.Sprint("text and text twice have one number: ", p.ID))
		}
	})
}
