package operations_test

import (
	"crypto/sha256"
	"os"
	"strings"
	"testing"
	"time"

	"example.com/sidegate/caddymodule/gatewaytest"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
)

func TestMain(m *testing.M) { gatewaytest.Main(m) }

// top is the top folder of the repository.
const top = "../.."

func readFile(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(top + "/" + name)
	must(t, err)
	return string(text)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// block is the document's block of that kind which has the text in it.
func block(t testing.TB, kind, holds string) string {
	t.Helper()
	for _, b := range blocks(readFile(t, "deploy/OPERATIONS.md"), kind) {
		if strings.Contains(b, holds) {
			return b
		}
	}
	t.Fatalf("there is no block of %s with %q", kind, holds)
	return ""
}

// blocks are what stands between fences of that kind.
func blocks(text, kind string) (found []string) {
	for _, part := range strings.Split(text, "\n```"+kind+"\n")[1:] {
		inside, _, _ := strings.Cut(part, "\n```")
		found = append(found, inside+"\n")
	}
	return found
}

func sealer(t testing.TB) *sessionstore.Sealer {
	t.Helper()
	key := sha256.Sum256([]byte("a secret of these tests"))
	sl, err := sessionstore.NewSealer(key[:])
	must(t, err)
	return sl
}

// patient is a store of that address that waits as long as a busy machine needs.
func patient(t testing.TB, url string) *redis.Store {
	t.Helper()
	client, err := redis.Open(redis.Config{URL: url, DialTimeout: gatewaytest.Patience, ReadTimeout: gatewaytest.Patience, WriteTimeout: gatewaytest.Patience})
	must(t, err)
	t.Cleanup(func() { _ = client.Close() })
	return redis.New(client, sealer(t), redis.Options{Timeout: gatewaytest.Patience})
}

// noon is a time for sessions.
func noon() time.Time { return time.Now().Truncate(time.Millisecond) }

// after is what stands behind the word.
func after(text, word string) string {
	_, rest, _ := strings.Cut(text, word)
	return rest
}
