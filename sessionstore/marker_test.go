package sessionstore_test

import (
	"bytes"
	"testing"

	"example.com/sidegate/sessionstore"
)

func markKey(fill byte) []byte { return bytes.Repeat([]byte{fill}, sessionstore.MarkKeySize) }

func newMarker(t *testing.T, fills ...byte) *sessionstore.Marker {
	t.Helper()
	var keys [][]byte
	for _, fill := range fills {
		keys = append(keys, markKey(fill))
	}
	m, err := sessionstore.NewMarker(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// Only who could have made a cookie may say that it is gone.
func TestASecretIsKnownByThoseWhoCouldHaveMadeIt(t *testing.T) {
	former, rotated, other := newMarker(t, 'a'), newMarker(t, 'b', 'a'), newMarker(t, 'c')
	s := former.NewSecret(7)
	for _, c := range []struct {
		name   string
		marker *sessionstore.Marker
		secret sessionstore.Secret
		want   bool
	}{
		{"by who made it", former, s, true},
		{"by who has that key behind a newer one", rotated, s, true},
		{"by another gateway with the newer key alone, not", newMarker(t, 'b'), s, false},
		{"by a gateway with another key, not", other, s, false},
		{"one of before secrets were marked is nobody's", former, sessionstore.NewSecret(7), false},
		{"one that was made up is nobody's", former, sessionstore.Secret{}, false},
		{"without keys nobody's is known", nil, s, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.marker.Made(c.secret); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
	t.Run("and not when one bit of it is another", func(t *testing.T) {
		for bit := range len(s) * 8 {
			changed := s
			changed[bit/8] ^= 1 << (bit % 8)
			if former.Made(changed) {
				t.Errorf("bit %d does not matter", bit)
			}
		}
	})
}

func TestAMarkedSecretIsASecretLikeOthers(t *testing.T) {
	m := newMarker(t, 'a')
	seen := make(map[sessionstore.Secret]bool)
	for range 1000 {
		s := m.NewSecret(7)
		if seen[s] {
			t.Fatal("the same twice")
		}
		seen[s] = true
		read, err := sessionstore.ParseSecret(s.Encode())
		if err != nil || read != s || s.Key().Shard != sessionstore.ShardOf(7) {
			t.Fatalf("%v, %v", read, err)
		}
	}
}

func TestKeysThatCannotMark(t *testing.T) {
	for name, keys := range map[string][][]byte{"none": nil, "a short one": {markKey('a'), []byte("short")}} {
		if _, err := sessionstore.NewMarker(keys...); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}
