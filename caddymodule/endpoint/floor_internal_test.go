package endpoint

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/origin"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/caddymodule/refusal"
	"example.com/sidegate/sessionstore/memory"
)

// hands is a clock that moves when somebody waits, and by itself never.
type hands struct {
	at    time.Time
	waits []time.Duration
}

func (h *hands) floor() *floor {
	f := newFloor(2)
	f.now = func() time.Time { return h.at }
	f.wait = func(_ context.Context, long time.Duration) {
		h.waits = append(h.waits, long)
		h.at = h.at.Add(long)
	}
	return f
}

// refusal is how long one takes that would have come after so long.
func (h *hands) refusal(f *floor, took time.Duration, whole bool) time.Duration {
	begun := f.begin()
	h.at = h.at.Add(took)
	f.refuse(context.Background(), begun, whole, refusal.Credentials)
	return h.at.Sub(begun)
}

const (
	early = 21 * time.Millisecond
	late  = 65 * time.Millisecond
)

func TestARefusalDoesNotTellByItsTimeWhoIsKnown(t *testing.T) {
	var h hands
	f := h.floor()
	for range 200 { // until it is known how long they take
		h.refusal(f, late, true)
	}
	want := f.usual + f.usual/headroom
	if want < late || want > late*5/4 {
		t.Fatalf("the floor lies at %v, when all takes %v", want, late)
	}
	for name, got := range map[string]time.Duration{
		"somebody in the users file": h.refusal(f, early, false),
		"somebody in none":           h.refusal(f, f.usual, true),
		"an answer of the last":      h.refusal(f, f.usual, true),
		"one that took longer":       h.refusal(f, early*2, false),
	} {
		if got != want {
			t.Errorf("%s is refused after %v, want %v", name, got, want)
		}
	}
}

func TestFloor(t *testing.T) {
	for name, test := range map[string]struct {
		before []time.Duration // refusals for which all were asked
		want   time.Duration
	}{
		"there is one before anything was seen":   {nil, firstFloor + firstFloor/headroom},
		"it rises at once with what takes longer": {[]time.Duration{800 * time.Millisecond}, 900 * time.Millisecond},
		"it sinks little by little":               {[]time.Duration{800 * time.Millisecond, 0}, 843_750 * time.Microsecond},
		"an app may be slow":                      {[]time.Duration{4 * time.Second}, 4500 * time.Millisecond},
		"it has an end":                           {[]time.Duration{time.Minute}, longestFloor},
	} {
		t.Run(name, func(t *testing.T) {
			var h hands
			f := h.floor()
			for _, took := range test.before {
				h.refusal(f, took, true)
			}
			if got := h.refusal(f, early, false); got != test.want {
				t.Errorf("a refusal takes %v, want %v", got, test.want)
			}
		})
	}
	t.Run("one login alone has none", func(t *testing.T) {
		f := newFloor(1)
		if f != nil {
			t.Fatal("there is a floor")
		}
		f.worked()
		if got := f.refuse(context.Background(), f.begin(), true, refusal.Busy); got != refusal.Busy {
			t.Errorf("the answer is %v", got)
		}
	})
	t.Run("who has gone is not held", func(t *testing.T) {
		ctx, hangUp := context.WithCancel(context.Background())
		hangUp()
		wait(ctx, time.Hour)
	})
	t.Run("so many are held and no more, and then as many again", func(t *testing.T) {
		var h hands
		f := h.floor()
		for i := range mostHeld {
			if long, _ := f.hold(0, false, refusal.Credentials); long <= 0 {
				t.Fatalf("number %d is not held", i)
			}
		}
		if long, _ := f.hold(0, false, refusal.Credentials); long != 0 {
			t.Errorf("one more is held for %v", long)
		}
		f.held = 0
		h.refusal(f, early, false)
		if f.held != 0 || len(h.waits) != 1 {
			t.Errorf("%d are held, after %v", f.held, h.waits)
		}
	})
}

// slow is a login that takes a while to answer.
type slow struct {
	*hands
	name string
	took time.Duration
	says map[string]error
	rest error // what it says of all others, nil for that they are unknown
}

func (s slow) Name() string { return s.name }

func (s slow) SignIn(_ context.Context, typed login.Typed) (*profile.Person, error) {
	s.at = s.at.Add(s.took)
	if err, known := s.says[typed.Name]; known {
		return &profile.Person{Email: typed.Name}, err
	}
	return nil, cmp.Or(s.rest, login.ErrUnknown)
}

// hungUpOn is a login whose clients leave while it is asked.
type hungUpOn struct {
	*slow
	hangUp func()
}

func (h hungUpOn) SignIn(ctx context.Context, typed login.Typed) (*profile.Person, error) {
	h.hangUp()
	return h.slow.SignIn(ctx, typed)
}

// silent hears nothing.
type silent struct{ lifecycle.Events }

func (silent) Happened(lifecycle.Event) {}

func (silent) Trouble(context.Context, string, error) {}

// twoLogins is a users file and an app behind it.
type twoLogins struct {
	hands
	passwordLogin
	app *slow
}

func newTwoLogins() *twoLogins {
	l := &twoLogins{}
	l.passwordLogin = passwordLogin{floor: l.hands.floor(), throttle: login.NewThrottle(memory.New(time.Now), login.Limits{AttackThreshold: 9999, PerPair: 9999, PerAddress: 9999, PerPairDown: 9999})}
	l.events, l.pages.address.Sites = silent{}, new(origin.Sites)
	l.app = &slow{hands: &l.hands, name: "app", took: late - early, says: map[string]error{"alan@example.com": login.ErrRefused, "edsger@example.com": nil}}
	l.passwords = []login.PasswordMethod{
		slow{hands: &l.hands, name: "users", took: early, says: map[string]error{
			"ada@example.com": login.ErrRefused, "demo@example.com": login.ErrPublic, "grace@example.com": nil,
		}},
		l.app,
	}
	return l
}

// types is how a sign-in goes, and how long it takes.
func (l *twoLogins) types(email string) (tried, time.Duration) {
	begun := l.at
	r := httptest.NewRequest(http.MethodPost, "/auth/login", http.NoBody)
	r = r.WithContext(context.WithValue(r.Context(), caddyhttp.VarsCtxKey, map[string]any{}))
	t := l.authenticate(r, credentials{Email: email, Password: "whatever"})
	return t, l.at.Sub(begun)
}

func (l *twoLogins) takes(email string) time.Duration {
	_, took := l.types(email)
	return took
}

func TestHowLongASignInTakes(t *testing.T) {
	l := newTwoLogins()
	for range 1000 { // until the floor lies still
		l.takes("nobody@example.com")
	}
	want := l.takes("nobody@example.com")
	for email, who := range map[string]string{
		"ada@example.com":  "whom the first login knows",
		"demo@example.com": "whose password is public",
		"alan@example.com": "whom the last login knows",
	} {
		if got := l.takes(email); got != want {
			t.Errorf("%s is refused after %v, an unknown person after %v", who, got, want)
		}
	}
	for email, want := range map[string]time.Duration{"grace@example.com": early, "edsger@example.com": late} {
		if got := l.takes(email); got != want {
			t.Errorf("who is let in waits for %v, want %v", got, want)
		}
	}
}

// While the app is in trouble whom the users file does not know is told so, and
// whom it knows would be told that the password is wrong.
func TestTroubleOfTheAppDoesNotTellWhoIsKnown(t *testing.T) {
	down := errors.New("it is down")
	for name, test := range map[string]struct {
		err  error
		took time.Duration
		want *refusal.Refusal
	}{
		"it cannot be reached":           {down, 0, refusal.Unavailable},
		"it answers what cannot be read": {&login.Answered{Err: down}, late, refusal.Unavailable},
		"it has no place":                {login.ErrBusy, 0, refusal.Busy},
		"it does not answer in time":     {&login.Answered{Err: down, Down: true}, 5 * time.Second, refusal.Unavailable},
		"it is slow":                     {nil, 4 * time.Second, refusal.Credentials},
	} {
		t.Run(name, func(t *testing.T) {
			l := newTwoLogins()
			l.app.rest, l.app.took = test.err, test.took
			_, _ = l.types("nobody@example.com")
			unknown, unknownTook := l.types("no-one@example.com")
			known, knownTook := l.types("ada@example.com")
			if known.answer.Code != test.want.Code || *known.answer != *unknown.answer {
				t.Errorf("somebody who is known gets %v, somebody unknown %v", known.answer, unknown.answer)
			}
			if test.err == nil { // it sinks a little with each of them
				knownTook = max(knownTook, unknownTook)
			}
			if knownTook != unknownTook || knownTook < test.took {
				t.Errorf("somebody who is known is refused after %v, somebody unknown after %v", knownTook, unknownTook)
			}
			if known.why != refusal.Credentials {
				t.Errorf("counted is %v", known.why)
			}
			if in, took := l.types("grace@example.com"); in.why != nil || took != early {
				t.Errorf("with the right password it is %v after %v", in.why, took)
			}
		})
	}
	t.Run("the first login's own is told to all", func(t *testing.T) {
		l := newTwoLogins()
		l.passwords = []login.PasswordMethod{l.app, l.passwords[0]}
		l.app.rest = down
		if got, took := l.types("ada@example.com"); got.answer.Code != refusal.Unavailable.Code || took != l.app.took {
			t.Errorf("got %v after %v", got.answer, took)
		}
		l.app.rest = nil
		if got, _ := l.types("ada@example.com"); got.answer != refusal.Credentials {
			t.Errorf("afterwards %v", got.answer)
		}
	})
	t.Run("a client that has gone is no trouble", func(t *testing.T) {
		l := newTwoLogins()
		r := httptest.NewRequest(http.MethodPost, "/auth/login", http.NoBody)
		ctx, hangUp := context.WithCancel(context.WithValue(r.Context(), caddyhttp.VarsCtxKey, map[string]any{}))
		l.app.rest = context.Canceled
		l.passwords[1] = hungUpOn{l.app, hangUp}
		l.authenticate(r.WithContext(ctx), credentials{Email: "nobody@example.com", Password: "whatever"})
		if got, _ := l.types("ada@example.com"); got.answer != refusal.Credentials {
			t.Errorf("got %v", got.answer)
		}
	})
	t.Run("who is let in by the app ends it", func(t *testing.T) {
		l := newTwoLogins()
		l.app.rest = down
		_, _ = l.types("nobody@example.com")
		l.at = l.at.Add(troubleLasts)
		_, _ = l.types("grace@example.com") // by the users file
		if got, _ := l.types("ada@example.com"); got.answer.Code != refusal.Unavailable.Code {
			t.Errorf("before it %v", got.answer)
		}
		_, _ = l.types("edsger@example.com")
		if got, _ := l.types("ada@example.com"); got.answer != refusal.Credentials {
			t.Errorf("after it %v", got.answer)
		}
	})
}
