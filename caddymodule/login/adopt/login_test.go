package adopt_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/caddymodule/login"
	"example.com/sidegate/caddymodule/login/adopt"
	"example.com/sidegate/caddymodule/profile"
	"example.com/sidegate/sessionstore"
)

// teller says who somebody is, as a login does that is asked again.
type teller struct {
	asked *sessionstore.Session
	facts profile.Facts
}

func (*teller) Name() string { return "teller" }

func (l *teller) Rebuild(_ context.Context, s *sessionstore.Session) (*profile.Person, error) {
	kept, err := profile.DecodeKept(s.Kept)
	if err != nil {
		return nil, err
	}
	l.asked, l.facts = s, kept.Facts
	return &profile.Person{Email: s.User.Email, Subject: s.Subject}, nil
}

func (*teller) Known(name string) (*profile.Person, error) {
	if name != "zoe@example.com" {
		return nil, login.ErrUnknown
	}
	return &profile.Person{ID: 7, Email: name}, nil
}

// rule fills the name, or the roles.
type rule struct{ name, role string }

func (r rule) Apply(p *profile.Person, _ profile.Facts) error {
	if r.role != "" {
		p.Roles = append(p.Roles, r.role)
	} else {
		p.Name = r.name
	}
	return nil
}

// answering is a login at a gateway that answers so.
func answering(t *testing.T, c adopt.Config, answer http.HandlerFunc) *adopt.Login {
	t.Helper()
	s := httptest.NewServer(answer)
	t.Cleanup(s.Close)
	c.Name, c.URL, c.Cookies, c.Until = "old", s.URL, []string{"sid"}, time.Now().Add(time.Hour)
	l, err := adopt.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func zoe(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Remote-Email", "Zoe@Example.com")
	h.Set("Remote-User", "zoe")
	h.Set("Remote-Name", "Zoe")
	h.Add("Remote-Groups", "staff")
	h.Add("Remote-Groups", "admins")
	h.Set("Set-Cookie", "sid=refreshed")
	fmt.Fprint(w, `{"id": 7}`)
}

var question = adopt.Question{Cookies: adopt.Presented{{Name: "sid", Value: "x"}}, Scheme: "https", Host: "app.example.com"}

func TestWhatTheAnswerSays(t *testing.T) {
	l := answering(t, adopt.Config{}, zoe)
	found, err := l.Ask(t.Context(), question)
	if err != nil {
		t.Fatal(err)
	}
	p := found.Person
	if found.Method != l || p.Email != "zoe@example.com" || p.Subject != "zoe@example.com" || p.Username != "zoe" || p.Name != "Zoe" || p.ID != 0 || p.Roles != nil {
		t.Errorf("%+v", p)
	}
	fact := p.Kept.Facts["login"].(map[string]any)
	header := fact["header"].(map[string]any)
	if fact["status"] != int64(200) || header["remote-groups"] != "staff, admins" || header["set-cookie"] != nil || fact["body"].(map[string]any)["id"] != int64(7) {
		t.Errorf("expressions see %v", fact)
	}
	kept, err := p.Kept.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, whole, err := l.Recall(&sessionstore.Session{Kept: kept})
	if err != nil || !whole || again.Email != p.Email || again.Subject != p.Subject {
		t.Errorf("built anew: %+v, %v", again, err)
	}
	if _, err := l.Rebuild(t.Context(), new(sessionstore.Session)); !profile.IsUnmapped(err) {
		t.Errorf("of nothing kept: %v", err)
	}
}

func TestWhoIsRefusedByTheConfiguration(t *testing.T) {
	domains, err := profile.ParseDomains([]string{"example.org"})
	if err != nil {
		t.Fatal(err)
	}
	_, err = answering(t, adopt.Config{Domains: domains, As: adopt.AsKnown(new(teller))}, zoe).Ask(t.Context(), question)
	if refused, ok := errors.AsType[*profile.Refused](err); !ok {
		t.Errorf("%v, %v", err, refused)
	}
	if _, err := adopt.New(adopt.Config{Name: "old", URL: "https://x.example/", Cookies: []string{"sid"}, Until: time.Now().Add(time.Hour), Timeout: time.Minute}); err == nil {
		t.Error("a time-out that nobody waits for passes")
	}
}

func TestWhosePeopleTheyBecome(t *testing.T) {
	other := new(teller)
	t.Run("known ones", func(t *testing.T) {
		found, err := answering(t, adopt.Config{As: adopt.AsKnown(other)}, zoe).Ask(t.Context(), question)
		if err != nil || found.Method != other || found.Person.ID != 7 {
			t.Errorf("%+v, %v", found, err)
		}
		_, err = answering(t, adopt.Config{As: adopt.AsKnown(other), Subject: rule{name: "mia"}}, zoe).Ask(t.Context(), question)
		if !errors.Is(err, login.ErrUnknown) {
			t.Errorf("somebody whom nobody knows there: %v", err)
		}
	})
	t.Run("a provider's", func(t *testing.T) {
		l := answering(t, adopt.Config{As: adopt.AsClaimed(other, "https://sso.example.com"), Subject: rule{name: "sub-of-zoe"}, Mapper: rule{role: "staff"}}, zoe)
		if _, err := l.Ask(t.Context(), question); err != nil {
			t.Fatal(err)
		}
		claims := other.facts["token"].(map[string]any)
		for name, want := range map[string]any{
			"iss": "https://sso.example.com", "sub": "sub-of-zoe", "email": "zoe@example.com", "email_verified": true, "preferred_username": "zoe", "name": "Zoe",
		} {
			if claims[name] != want {
				t.Errorf("%s is %v", name, claims[name])
			}
		}
		if groups := claims["groups"].([]any); !slices.Equal(groups, []any{"staff"}) || other.asked.Subject != "sub-of-zoe" || other.asked.Method != "teller" {
			t.Errorf("groups %v of %+v", groups, other.asked)
		}
	})
	t.Run("an app's", func(t *testing.T) {
		l := answering(t, adopt.Config{As: adopt.AsTyped(other)}, zoe)
		if _, err := l.Ask(t.Context(), question); err != nil {
			t.Fatal(err)
		}
		said := other.facts["login"].(map[string]any)
		if said["username"] != "zoe@example.com" || said["body"] == nil || other.asked.Subject != "zoe@example.com" {
			t.Errorf("the app has said %v of %+v", said, other.asked)
		}
	})
}

// More than are asked about at once wait as long as an answer is waited for: then
// they are told to come again, and nobody that they are unknown.
func TestWhoFindsNoPlaceIsToldToComeAgain(t *testing.T) {
	release := make(chan struct{})
	l := answering(t, adopt.Config{Timeout: 10 * time.Second}, func(http.ResponseWriter, *http.Request) { <-release })
	ctx, cancel := context.WithCancel(t.Context())
	var others sync.WaitGroup
	for range 100 {
		others.Go(func() { _, _ = l.Ask(ctx, question) })
	}
	defer others.Wait()
	defer cancel()
	defer close(release)
	gatewaytest.Await(t, "somebody finds no place", func() bool {
		impatient, done := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer done()
		_, err := l.Ask(impatient, question)
		if err == nil || errors.Is(err, login.ErrUnknown) {
			t.Errorf("answered %v", err)
		}
		return errors.Is(err, login.ErrBusy)
	})
}

// What cannot be reached, and what is not asked, has had no work: only an answer that
// is none counts for how often it is asked again.
func TestWhichTroubleIsOfAGatewayThatWasAsked(t *testing.T) {
	fails := answering(t, adopt.Config{}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	no := answering(t, adopt.Config{}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	breaks := answering(t, adopt.Config{}, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	away, err := adopt.New(adopt.Config{Name: "old", URL: fmt.Sprintf("http://127.0.0.1:%d/", gatewaytest.FreePort(t)), Cookies: []string{"sid"}, Until: time.Now().Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	not := errors.New("not now")
	unasked := question
	unasked.Still = func(context.Context) error { return not }
	for name, c := range map[string]struct {
		login  *adopt.Login
		q      adopt.Question
		silent bool
	}{
		"502": {fails, question, true}, "a broken connection": {breaks, question, true}, "a no": {no, question, false},
		"one that is not there": {away, question, false}, "one that is not to be asked": {fails, unasked, false},
	} {
		_, err := c.login.Ask(t.Context(), c.q)
		if _, silent := errors.AsType[*adopt.Silent](err); err == nil || silent != c.silent || c.q.Still != nil && !errors.Is(err, not) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is to be done about it is another thing for each.
func TestWhatIsTheMatterWithAnAnswerThatSaysNothing(t *testing.T) {
	for status, says := range map[int]string{
		http.StatusBadRequest: "say `public_url https://...`", http.StatusUnprocessableEntity: "does not take the question",
		http.StatusNotFound: "is that the address", http.StatusMethodNotAllowed: "is that the address", http.StatusTooManyRequests: "asked more often",
		http.StatusInternalServerError: "in trouble itself", http.StatusBadGateway: "in trouble itself",
	} {
		l := answering(t, adopt.Config{}, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
		_, err := l.Ask(t.Context(), question)
		if err == nil || errors.Is(err, login.ErrUnknown) || !strings.Contains(err.Error(), fmt.Sprint(" answers ", status, ": ")) || !strings.Contains(err.Error(), says) {
			t.Errorf("%d: %v", status, err)
		}
		if says != "is that the address" && strings.Contains(err.Error(), "is that the address") {
			t.Errorf("%d is taken for a wrong address: %v", status, err)
		}
	}
}
