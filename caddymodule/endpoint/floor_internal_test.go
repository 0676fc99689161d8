package endpoint

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"example.com/sidegate/caddymodule/lifecycle"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/origin"
	"example.com/sidegate/caddymodule/profile"
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
	f.refused(context.Background(), begun, whole)
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
		f.refused(context.Background(), f.begin(), true)
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
			if f.hold(0, false) <= 0 {
				t.Fatalf("number %d is not held", i)
			}
		}
		if long := f.hold(0, false); long != 0 {
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
}

func (s slow) Name() string { return s.name }

func (s slow) SignIn(_ context.Context, typed login.Typed) (*profile.Person, error) {
	s.at = s.at.Add(s.took)
	if err, known := s.says[typed.Name]; known {
		return &profile.Person{Email: typed.Name}, err
	}
	return nil, login.ErrUnknown
}

// silent hears nothing.
type silent struct{ lifecycle.Events }

func (silent) Happened(lifecycle.Event) {}

func (silent) Trouble(context.Context, string, error) {}

func TestHowLongASignInTakes(t *testing.T) {
	var h hands
	l := passwordLogin{floor: h.floor(), throttle: login.NewThrottle(memory.New(time.Now), login.Limits{AttackThreshold: 9999, PerPair: 9999, PerAddress: 9999})}
	l.events, l.pages.address.Sites = silent{}, new(origin.Sites)
	l.passwords = []login.PasswordMethod{
		slow{&h, "users", early, map[string]error{
			"ada@example.com": login.ErrRefused, "demo@example.com": login.ErrPublic, "grace@example.com": nil,
		}},
		slow{&h, "app", late - early, map[string]error{"alan@example.com": login.ErrRefused, "edsger@example.com": nil}},
	}
	takes := func(email string) time.Duration {
		begun := h.at
		r := httptest.NewRequest(http.MethodPost, "/auth/login", http.NoBody)
		r = r.WithContext(context.WithValue(r.Context(), caddyhttp.VarsCtxKey, map[string]any{}))
		l.authenticate(r, credentials{Email: email, Password: "whatever"})
		return h.at.Sub(begun)
	}
	for range 1000 { // until the floor lies still
		takes("nobody@example.com")
	}
	want := takes("nobody@example.com")
	for email, who := range map[string]string{
		"ada@example.com":  "whom the first login knows",
		"demo@example.com": "whose password is public",
		"alan@example.com": "whom the last login knows",
	} {
		if got := takes(email); got != want {
			t.Errorf("%s is refused after %v, an unknown person after %v", who, got, want)
		}
	}
	for email, want := range map[string]time.Duration{"grace@example.com": early, "edsger@example.com": late} {
		if got := takes(email); got != want {
			t.Errorf("who is let in waits for %v, want %v", got, want)
		}
	}
}
