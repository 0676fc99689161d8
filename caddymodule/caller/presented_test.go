package caller_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/caller"
	"example.com/sidegate/sessionstore"
)

func TestPresentedIsAllThatIsWellFormed(t *testing.T) {
	d := newDesk(t)
	marked, other := d.marker.NewSecret(2), d.marker.NewSecret(3)
	mint := func(key sessionstore.Key, life time.Duration) string {
		token, err := d.given.Ring.MintSession(key, 2, time.Now().Add(life))
		d.must(err)
		return token
	}
	good, expired := mint(other.Key(), time.Hour), mint(other.Key(), -time.Hour)
	const auth = "Authorization"
	for _, c := range []struct {
		name          string
		header        []string
		want          []sessionstore.Key
		expired       []sessionstore.Key
		ours, unknown bool
	}{
		{"nothing", nil, nil, nil, false, false},
		{"cookies, the token, and what is none", []string{"Cookie", "a=b; " + d.cookie + "; sidegate=x; sidegate=" + marked.Encode(), auth, "Bearer " + d.token},
			[]sessionstore.Key{d.session.Key, marked.Key()}, nil, true, false},
		{"two headers with tokens", []string{auth, "Bearer " + d.token, auth, "Bearer " + good}, []sessionstore.Key{d.session.Key, other.Key()}, nil, false, false},
		{"two tokens in one header", []string{auth, "Bearer " + d.token + ", Bearer " + good}, []sessionstore.Key{d.session.Key, other.Key()}, nil, false, false},
		{"two tokens with one word for both", []string{auth, "bearer " + d.token + "," + good}, []sessionstore.Key{d.session.Key, other.Key()}, nil, false, false},
		{"a token behind another scheme", []string{auth, "Basic YTpi, Bearer " + good}, []sessionstore.Key{other.Key()}, nil, false, false},
		{"another scheme behind a token", []string{auth, "Bearer " + good + ", Basic YTpi"}, []sessionstore.Key{other.Key()}, nil, false, false},
		{"another scheme", []string{auth, "Basic YTpi"}, nil, nil, false, false},
		{"a token past its time", []string{auth, "Bearer " + expired}, nil, []sessionstore.Key{other.Key()}, false, false},
		{"a token with a broken signature beside a good one", []string{auth, "Bearer " + good[:len(good)-8] + "AAAAAAAA", auth, "Bearer " + d.token},
			[]sessionstore.Key{d.session.Key}, nil, false, true},
		{"a cookie of the store without our mark", []string{"Cookie", d.cookie}, []sessionstore.Key{d.session.Key}, nil, true, false},
		{"a cookie that is made up", []string{"Cookie", "sidegate=" + sessionstore.NewSecret(2).Encode()}, nil, nil, false, false},
		{"a cookie that is none", []string{"Cookie", "sidegate=x"}, nil, nil, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := d.Presented(request(c.header...))
			if !slices.Equal(got.Sessions, c.want) || !slices.Equal(got.Expired, c.expired) || got.Ours != c.ours || got.Unknown != c.unknown || !got.All {
				t.Errorf("it is %+v", got)
			}
		})
	}
}

func TestMoreCredentialsThanCanBeEndedAreToldOf(t *testing.T) {
	d := newDesk(t)
	var many []string
	for range caller.MaxPresented + 1 {
		many = append(many, "sidegate="+d.marker.NewSecret(2).Encode())
	}
	for _, c := range []struct {
		name    string
		cookies []string
		all     bool
	}{{"as many as may be", many[1:], true}, {"one more", many, false}, {"one twice", append(many[2:], many[2], many[3]), true}} {
		t.Run(c.name, func(t *testing.T) {
			got := d.Presented(request("Cookie", strings.Join(c.cookies, "; ")))
			if got.All != c.all || len(got.Sessions) < caller.MaxPresented-1 || len(got.Sessions) > caller.MaxPresented {
				t.Errorf("there are %d, all: %v", len(got.Sessions), got.All)
			}
		})
	}
}

// Anybody can make a cookie up: of each the store is asked once, and of none any
// more when it is away, for each question takes as long as it is waited for.
func TestAMadeUpCookieIsPresentedOnlyWhenTheStoreMayHaveIt(t *testing.T) {
	d := newDesk(t)
	var cookies []string
	for range 300 {
		cookies = append(cookies, "sidegate="+sessionstore.NewSecret(2).Encode())
	}
	r := func() string { return strings.Join(cookies, "; ") }
	if got := d.Presented(request("Cookie", r())); len(got.Sessions) != 0 || len(d.store.guesses) != 300 || slices.Contains(d.store.guesses, false) {
		t.Errorf("%d are presented, after %d questions", len(got.Sessions), len(d.store.guesses))
	}
	d.store.is, d.store.guesses = true, nil
	if got := d.Presented(request("Cookie", r())); len(got.Sessions) != 300 || got.Ours || len(d.store.guesses) != 1 {
		t.Errorf("of a store that is away %d are presented, after %d questions", len(got.Sessions), len(d.store.guesses))
	}
}

// Whoever may be signed in is not told that they are signed out.
func TestWhoMayBeIn(t *testing.T) {
	d := newDesk(t)
	for name, c := range map[string]struct {
		header []string
		want   bool
	}{
		"nobody, with nothing":                           {nil, false},
		"nobody, with a cookie that is known to be gone": {[]string{"Cookie", "sidegate=" + d.marker.NewSecret(1).Encode()}, false},
		"nobody, with a cookie that is none":             {[]string{"Cookie", "sidegate=x"}, false},
		"who is signed in":                               {[]string{"Cookie", d.cookie}, true},
		"who sends two cookies":                          {[]string{"Cookie", d.cookie + "; sidegate=" + d.marker.NewSecret(1).Encode()}, true},
		"who sends a bad token beside a cookie":          {[]string{"Cookie", d.cookie, "Authorization", "Bearer x"}, true},
		"who sends two tokens":                           {[]string{"Authorization", "Bearer " + d.token, "Authorization", "Bearer " + d.token}, true},
		"who sends a cookie of another gateway":          {[]string{"Cookie", "sidegate=" + sessionstore.NewSecret(1).Encode()}, true},
	} {
		t.Run(name, func(t *testing.T) {
			if got := d.MayBeIn(request(c.header...)); got != c.want {
				t.Errorf("may be in: %v", got)
			}
		})
	}
}
