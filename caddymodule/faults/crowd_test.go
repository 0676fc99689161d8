package faults_test

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// dearSite is a gateway at which clients come from any address. Its people have
// hashes as dear as `caddy hash-password` makes them; in the short form cheap ones.
func dearSite(t *testing.T, people int) *gatewaytest.Process {
	t.Helper()
	dir := t.TempDir()
	file := gatewaytest.UsersFileOf(people)
	if gatewaytest.Long() {
		hash, code := gatewaytest.RunCaddy(t, dir, "hash-password", "--algorithm", "argon2id", "--plaintext", gatewaytest.Password)
		if code != 0 {
			t.Fatal(hash)
		}
		file = strings.ReplaceAll(file, gatewaytest.PasswordHash, strings.TrimSpace(hash))
	}
	if err := os.WriteFile(filepath.Join(dir, "users.yaml"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	return gatewaytest.StartProcess(t, gatewaytest.Site{Dir: dir, Global: "servers {\ntrusted_proxies static 127.0.0.1/32\n}"})
}

// types is the answer to what somebody types at that address.
func types(t *testing.T, p *gatewaytest.Process, address, email, password string) int {
	t.Helper()
	body := fmt.Sprintf(`{"email":%q,"password":%q}`, email, password)
	return p.Client(t).Do(http.MethodPost, "/auth/login", body,
		"Content-Type", gatewaytest.AsJSON, "X-Forwarded-For", address).StatusCode
}

// answers counts them.
type answers struct {
	mu    sync.Mutex
	count map[int]int
}

func (a *answers) add(status int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.count == nil {
		a.count = make(map[int]int)
	}
	a.count[status]++
}

// flood types wrong passwords from 256 addresses until it is stopped, for people
// whom the file knows and for others.
func flood(t *testing.T, p *gatewaytest.Process, perSecond int) (stop func() map[int]int) {
	t.Helper()
	var got answers
	var all sync.WaitGroup
	done := make(chan struct{})
	all.Go(func() {
		tick := time.NewTicker(time.Second / time.Duration(perSecond))
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-done:
				return
			case <-tick.C:
			}
			email := gatewaytest.EmailOf(i%200 + 1) // half of them are in the file
			all.Go(func() { got.add(types(t, p, fmt.Sprintf("203.0.113.%d", i%256), email, "wrong")) })
		}
	})
	return func() map[int]int {
		close(done)
		all.Wait()
		return got.count
	}
}

// Wrong passwords crowd out no right ones, neither of people who have signed in
// before nor of those who come for the first time.
func TestWrongPasswordsCrowdOutNoRightOnes(t *testing.T) {
	people := gatewaytest.Rounds(10, 100)
	p := dearSite(t, 2*people)
	home := func(id int) string { return fmt.Sprintf("198.51.100.%d", id) }
	for id := 1; id <= people; id++ {
		if status := types(t, p, home(id), gatewaytest.EmailOf(id), gatewaytest.Password); status != http.StatusOK {
			t.Fatalf("before the flood a right password is answered with %d", status)
		}
	}
	stop := flood(t, p, gatewaytest.Rounds(40, 100))
	pace := time.NewTicker(time.Duration(gatewaytest.Rounds(50, 500)) * time.Millisecond)
	defer pace.Stop()
	var known, firstTime answers
	var all sync.WaitGroup
	for id := 1; id <= people; id++ {
		<-pace.C
		all.Go(func() { known.add(types(t, p, home(id), gatewaytest.EmailOf(id), gatewaytest.Password)) })
		all.Go(func() {
			firstTime.add(types(t, p, fmt.Sprintf("192.0.2.%d", id), gatewaytest.EmailOf(people+id), gatewaytest.Password))
		})
	}
	all.Wait()
	wrong := stop()
	if wrong[http.StatusOK] > 0 || known.count[http.StatusUnauthorized]+firstTime.count[http.StatusUnauthorized] > 0 {
		t.Errorf("somebody was mistaken: wrong passwords %v, right ones %v, of people who come for the first time %v",
			wrong, known.count, firstTime.count)
	}
	if gatewaytest.Long() && (known.count[http.StatusOK] < people*99/100 || firstTime.count[http.StatusOK] < people*99/100) {
		t.Errorf("of %d right passwords %v, of people who come for the first time %v", people, known.count, firstTime.count)
	}
	figure(t, "wrong passwords, 100 a second from 256 addresses", fmt.Sprintf("%d right ones beside it", 2*people),
		"who had signed in there before: %v; who comes for the first time: %v; the wrong ones: %v", known.count, firstTime.count, wrong)
}

// moreForHashes is what hashes may take beyond what was there before.
const moreForHashes = 256 << 20

func TestManySignInsAtOnceTakeLittleMemory(t *testing.T) {
	people := gatewaytest.Rounds(20, 500)
	p := dearSite(t, people)
	before := p.Usage()
	var in, turns atomic.Int64
	peak := p.PeakUsage(func() {
		var all sync.WaitGroup
		for id := 1; id <= people; id++ {
			all.Go(func() {
				for { // who is told to come again does
					turns.Add(1)
					switch status := types(t, p, fmt.Sprintf("198.51.%d.%d", id/256, id%256), gatewaytest.EmailOf(id), gatewaytest.Password); status {
					case http.StatusOK:
						in.Add(1)
						return
					case http.StatusServiceUnavailable:
					default:
						t.Errorf("a right password is answered with %d", status)
						return
					}
					if turns.Load() > int64(people*40) {
						return
					}
					<-time.After(time.Second)
				}
			})
		}
		all.Wait()
	})
	if gatewaytest.Long() && peak.Resident > before.Resident+moreForHashes {
		t.Errorf("%d MiB were resident before, and %d MiB at most", before.Resident>>20, peak.Resident>>20)
	}
	figure(t, fmt.Sprintf("%d sign-ins at once", people), "each comes again after a 503", "signed in %d of %d, asked %d times; memory %d to %d MiB",
		in.Load(), people, turns.Load(), before.Resident>>20, peak.Resident>>20)
}
