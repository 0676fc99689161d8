package endpoint

import "testing"

func TestPlacesAreSharedOut(t *testing.T) {
	p := newPlaces(3, 2)
	take := func(client string, want bool) (leave func()) {
		t.Helper()
		leave, ok := p.take(client)
		if ok != want {
			t.Fatalf("%s gets a place: %t", client, ok)
		}
		return leave
	}
	first := take("a", true)
	take("a", true)
	take("a", false) // its share
	other := take("b", true)
	take("c", false) // there is none
	first()
	take("c", true)
	other()
	take("a", true)
	if p.taken != 3 || len(p.of) != 2 {
		t.Errorf("%d are taken, of %v", p.taken, p.of)
	}
}
