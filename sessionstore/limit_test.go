package sessionstore_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
)

func TestLimit(t *testing.T) {
	var live []sessionstore.Idle
	for i := range 5 {
		live = append(live, sessionstore.Idle{Key: sessionstore.NewSecret(1).Key(), LastSeenAt: time.UnixMilli(int64(5 - i))})
	}
	damaged := sessionstore.Idle{Key: sessionstore.NewSecret(1).Key()}
	for _, c := range []struct {
		name  string
		limit sessionstore.Limit
		live  []sessionstore.Idle
		want  []sessionstore.Idle
		err   error
	}{
		{"without a limit nothing ends", sessionstore.Limit{Refuse: true}, live, nil, nil},
		{"below the limit nothing ends", sessionstore.Limit{Sessions: 6}, live, nil, nil},
		{"at the limit the longest idle ends", sessionstore.Limit{Sessions: 5}, live, live[4:], nil},
		{"beyond the limit all end that are too many", sessionstore.Limit{Sessions: 2}, live, []sessionstore.Idle{live[4], live[3], live[2], live[1]}, nil},
		{"where the limit is one all end", sessionstore.Limit{Sessions: 1}, live[:1], live[:1], nil},
		{"one that nobody can tell of ends first", sessionstore.Limit{Sessions: 6}, append(slices.Clone(live), damaged), []sessionstore.Idle{damaged}, nil},
		{"at the limit who is to be refused is", sessionstore.Limit{Sessions: 5, Refuse: true}, live, nil, sessionstore.ErrTooMany},
		{"what is replaced does not count", sessionstore.Limit{Sessions: 5, Refuse: true, Replaced: []sessionstore.Key{live[4].Key}}, live, nil, nil},
		{"what is replaced does not end", sessionstore.Limit{Sessions: 4, Replaced: []sessionstore.Key{live[4].Key}}, live, live[3:4], nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			before := slices.Clone(c.live)
			got, err := c.limit.Over(c.live)
			if !slices.Equal(got, c.want) || !errors.Is(err, c.err) {
				t.Errorf("%v, %v; want %v", got, err, c.want)
			}
			if !slices.Equal(before, c.live) {
				t.Error("the list was changed")
			}
		})
	}
}
