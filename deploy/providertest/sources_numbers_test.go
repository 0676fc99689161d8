package providertest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/deploy/providertest/legacy"
	"example.com/sidegate/deploy/providertest/provider"
	"example.com/sidegate/sessionstore"
)

// crowd is so many people of one provider, whom nobody has given a number.
func crowd(n int) []provider.Person {
	var people []provider.Person
	for i := range n {
		people = append(people, provider.Person{Subject: fmt.Sprintf("subject-%d", i), Email: fmt.Sprintf("person-%d@example.com", i)})
	}
	return people
}

// startCrowd is two gateways that give numbers to the people.
func startCrowd(t *testing.T, n int) *pair {
	t.Helper()
	w := startPair(t, "", "label Everybody")
	for _, person := range crowd(n) {
		w.provider.SetPerson(person)
	}
	return w
}

// Everybody signs in for the first time at both gateways at once.
func TestFirstSignInsAtOnceGetNumbersOfTheirOwn(t *testing.T) {
	t.Parallel()
	const people = 20
	w := startCrowd(t, people)
	first := w.numbers(people)
	taken := make(map[int64]string)
	for email, ids := range first {
		if ids[0] != ids[1] || ids[0] == 0 {
			t.Errorf("%s is %d at one gateway and %d at the other", email, ids[0], ids[1])
		}
		if other, again := taken[ids[0]]; again {
			t.Errorf("%s and %s are both %d", email, other, ids[0])
		}
		taken[ids[0]] = email
	}
	if len(taken) != people {
		t.Errorf("%d numbers for %d people", len(taken), people)
	}
	for email, ids := range w.numbers(people) {
		if ids != first[email] {
			t.Errorf("%s is %v at the next sign-in, after %v", email, ids, first[email])
		}
	}
	figure(t, "registry", fmt.Sprintf("first sign-ins of %d people at two gateways at once", people), fmt.Sprintf("%d numbers", len(taken)))
}

// numbers signs everybody in at both gateways at once, each time with a new
// browser, and returns which number they have where.
func (w *pair) numbers(people int) map[string][2]int64 {
	w.t.Helper()
	var mu sync.Mutex
	var all sync.WaitGroup
	found := make(map[string][2]int64)
	for _, person := range crowd(people) {
		for i, g := range w.gateways {
			all.Go(func() {
				id, err := w.firstSignIn(g, person.Email)
				if err != nil {
					w.t.Errorf("%s: %v", person.Email, err)
				}
				mu.Lock()
				defer mu.Unlock()
				ids := found[person.Email]
				ids[i] = id
				found[person.Email] = ids
			})
		}
	}
	all.Wait()
	return found
}

// firstSignIn signs somebody in with a new browser and returns their number.
func (w *pair) firstSignIn(g *gatewaytest.Process, email string) (int64, error) {
	v := provider.NewVisitor(email)
	page, err := v.Visit(g.URL + "/auth/login/sso?return_to=" + legacy.PublicPath)
	if err == nil && page.Status == http.StatusOK {
		page, err = v.Open(g.URL + "/auth/session")
	}
	if err != nil {
		return 0, err
	}
	var s sessionstore.UserSession
	if err := json.Unmarshal([]byte(page.Body), &s); err != nil || s.Email != email {
		return 0, fmt.Errorf("%d at %s", page.Status, page.URL)
	}
	return s.ID, nil
}

// The whole of it through the real provider: two redirects, a click, the code,
// userinfo, the session in Redis, then a page of the app and the session. For
// information: provider, browsers and gateway share the machine.
func TestSignInsPerSecond(t *testing.T) {
	const people, browsers = 50, 4 // more would make the provider's page slow
	signIns := gatewaytest.Rounds(20, 5000)
	w := startCrowd(t, people)
	g := w.gateways[0]
	if _, err := w.firstSignIn(g, crowd(1)[0].Email); err != nil {
		t.Fatal(err)
	}
	turns := make(chan int)
	var all sync.WaitGroup
	began, before := time.Now(), processorTime(t, g)
	for range browsers {
		all.Go(func() {
			for n := range turns {
				if _, err := w.firstSignIn(g, crowd(people)[n%people].Email); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for n := range signIns {
		turns <- n
	}
	close(turns)
	all.Wait()
	took, used := time.Since(began), processorTime(t, g)-before
	figure(t, "sign-in", fmt.Sprintf("whole flows a second: %d, %d browsers at a time, all on one machine", signIns, browsers),
		fmt.Sprintf("%.0f", float64(signIns)/took.Seconds()))
	figure(t, "sign-in", "whole flows a second and core, by the gateway's processor time alone", fmt.Sprintf("%.0f", float64(signIns)/used.Seconds()))
}

// processorTime is what the gateway has used so far: fields 14 and 15 of
// /proc/<pid>/stat, in hundredths of a second (proc(5)).
func processorTime(t *testing.T, g *gatewaytest.Process) time.Duration {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", g.PID()))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ") // behind the name, which may have spaces
	fields := strings.Fields(rest)
	var user, system time.Duration
	if _, err := fmt.Sscan(fields[11], &user); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscan(fields[12], &system); err != nil {
		t.Fatal(err)
	}
	return (user + system) * 10 * time.Millisecond
}
