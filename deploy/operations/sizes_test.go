package operations_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp/caddyauth"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/embedded"
	"example.com/sidegate/sessionstore/redis/redistest"
)

// person is how much there is to say of somebody: the two of deploy/bench.
type person struct {
	name                         string
	accounts, roles, permissions int
}

var people = []person{{"2 accounts, 3 roles, 10 permissions", 2, 3, 10}, {"3 accounts, 10 roles, 50 permissions", 3, 10, 50}}

func (p person) session(id int64) *sessionstore.Session {
	u := sessionstore.UserSession{ID: id, Email: fmt.Sprintf("person-%d@example.com", id)}
	for i := range p.accounts {
		u.Accounts = append(u.Accounts, sessionstore.Account{
			AccountID: fmt.Sprintf("account-%d", i+1), AccountName: fmt.Sprintf("Example Company %d", i+1), UsersPrimaryAccount: i == 0, AccountAdmin: i == 0,
		})
	}
	u.PrimaryAccount = &u.Accounts[0]
	for i := range p.roles {
		u.FlatRolesList = append(u.FlatRolesList, fmt.Sprintf("role-%d", i+1))
	}
	for i := range p.permissions {
		u.FlatPermissionsList = append(u.FlatPermissionsList, fmt.Sprintf("resource-%d:read", i+1))
	}
	now := noon()
	return &sessionstore.Session{
		Key: sessionstore.NewSecret(id).Key(), User: u, Method: "users", Subject: fmt.Sprint(id), Address: "192.0.2.1",
		UserAgent: "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
		CreatedAt: now, LastSeenAt: now, BuiltAt: now, ExpiresAt: now.Add(12 * time.Hour), IdleTimeout: time.Hour,
	}
}

// What a session takes is what the table of Sizing says, give or take a third: a file
// grows in pages, and Redis in what its allocator has.
func TestBytesOfASession(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	told := tellsOf(t)
	for i, p := range people {
		t.Run(p.name, func(t *testing.T) {
			count := gatewaytest.Rounds(2000, 10_000)
			inFile := p.inFile(t, count)
			record, all := p.inRedis(t, srv, count)
			t.Logf("store embedded: %d bytes of the file each, of %d sessions; Redis: MEMORY USAGE %d, with the person's index and all else %d", inFile, count, record, all)
			for what, pair := range map[string][2]float64{
				"a session in Redis": {float64(all), told.all[i]}, "its record": {float64(record), told.record[i]}, "one in the file": {float64(inFile), told.file[i]},
			} {
				if pair[0] < pair[1]*2/3 || pair[0] > pair[1]*4/3 {
					t.Errorf("%s has %.0f bytes; the table of Sizing says %.0f", what, pair[0], pair[1])
				}
			}
		})
	}
}

// sizes are the bytes of the table, for each of the people.
type sizes struct{ all, record, file [2]float64 }

func tellsOf(t *testing.T) (told sizes) {
	t.Helper()
	text := strings.ReplaceAll(after(readFile(t, "deploy/OPERATIONS.md"), "| a session in Redis |"), ",", "")
	_, err := fmt.Sscanf(text, " %f bytes of which `MEMORY USAGE` of its record %f:", &told.all[0], &told.record[0])
	must(t, err)
	_, err = fmt.Sscanf(after(text, "| | "), "%f bytes record %f:", &told.all[1], &told.record[1])
	must(t, err)
	_, err = fmt.Sscanf(after(text, "in the file of `store embedded` | "), "%f MB and %f MB", &told.file[0], &told.file[1])
	must(t, err)
	for i := range told.file {
		told.file[i] *= 1e6 / 1000 // of a thousand
	}
	return told
}

func (p person) inFile(t *testing.T, count int) int64 {
	file := filepath.Join(t.TempDir(), "sessions.db")
	db, err := embedded.Open(file)
	must(t, err)
	st := embedded.New(db, sealer(t), nil)
	before := size(t, file)
	p.create(t, st, count, 64)
	must(t, db.Close())
	return (size(t, file) - before) / int64(count)
}

func size(t *testing.T, file string) int64 {
	info, err := os.Stat(file)
	must(t, err)
	return info.Size()
}

// create creates the sessions, so many at once, and is the key of the last. Many share a
// write of the file; each of them has a connection to Redis, which is of its memory.
func (p person) create(t *testing.T, st sessionstore.Store, count, atOnce int) (last sessionstore.Key) {
	var all sync.WaitGroup
	room := make(chan struct{}, atOnce)
	for id := range count {
		s := p.session(int64(id + 1))
		last = s.Key
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			if _, err := st.Create(t.Context(), s, sessionstore.Limit{Sessions: 10}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	return last
}

func (p person) inRedis(t *testing.T, srv *redistest.Server, count int) (record, all int64) {
	client := srv.Client()
	must(t, client.FlushAll(t.Context()).Err())
	before := used(t.Context(), t, srv)
	key := p.create(t, patient(t, srv.URL()), count, 1)
	after := used(t.Context(), t, srv)
	name := fmt.Sprintf("sidegate:{%04x}:s:%s", key.Shard, base64.RawURLEncoding.EncodeToString(key.Hash[:]))
	record, err := client.MemoryUsage(t.Context(), name).Result()
	must(t, err)
	return record, (after - before) / int64(count)
}

// What checking a password takes of a core is printed for the table: one is checked on
// one core, with what caddy hash-password makes.
func BenchmarkAPassword(b *testing.B) {
	said, code := gatewaytest.RunCaddy(b, b.TempDir(), "hash-password", "--algorithm", "argon2id", "--plaintext", "a password")
	if code != 0 {
		b.Fatal(said)
	}
	hash := []byte(strings.TrimSpace(said))
	for b.Loop() {
		if same, err := (caddyauth.Argon2idHash{}).Compare(hash, []byte("a password")); !same || err != nil {
			b.Fatal(same, err)
		}
	}
}

// used are the bytes that Redis uses.
func used(ctx context.Context, t *testing.T, srv *redistest.Server) int64 {
	var n int64
	stats, err := srv.Client().Info(ctx, "memory").Result()
	must(t, err)
	_, err = fmt.Sscanf(after(stats, "used_memory:"), "%d", &n)
	must(t, err)
	return n
}
