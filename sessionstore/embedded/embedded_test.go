package embedded_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/embedded"
	"example.com/sidegate/sessionstore/storetest"
)

func TestStoreKeepsTheContract(t *testing.T) {
	storetest.Run(t, storetest.Harness{
		Open: func(t *testing.T, clock *storetest.Clock) sessionstore.Store {
			return embedded.New(openDB(t, newPath(t)), storetest.NewSealer(t, 'k'), clock.Now)
		},
		Rewrite: rewrite,
	})
}

// There are a hundred thousand of them when there is time.
func TestManySessionsOfOnePersonKeepNobodyWaiting(t *testing.T) {
	many := 10_000
	if os.Getenv("SIDEGATE_LONG") == "1" {
		many = 100_000
	}
	storetest.Crowded(t, storetest.Harness{
		Open: func(t *testing.T, clock *storetest.Clock) sessionstore.Store {
			return embedded.New(openDB(t, newPath(t)), storetest.NewSealer(t, 'k'), clock.Now)
		},
		Fill: fill,
	}, many)
}

func fill(t *testing.T, st sessionstore.Store, sessions []*sessionstore.Session) {
	t.Helper()
	if err := st.(*embedded.Store).Fill(sessions); err != nil {
		t.Fatal(err)
	}
}

// rewrite changes the record of a session in the file.
func rewrite(t *testing.T, st sessionstore.Store, key sessionstore.Key, edit func([]byte) []byte) {
	t.Helper()
	if err := st.(*embedded.Store).Rewrite(key, edit); err != nil {
		t.Fatal(err)
	}
}

// newPath is where a new database may be made.
func newPath(t *testing.T) string { return filepath.Join(t.TempDir(), "state", "sessions.db") }

// openDB opens a database that the test closes at its end at the latest.
func openDB(t *testing.T, path string) *embedded.DB {
	t.Helper()
	db, err := embedded.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// newSession is a session of that person that lives for an hour from now.
func newSession(userID int64) *sessionstore.Session {
	now := time.Now().UTC().Truncate(time.Millisecond)
	return &sessionstore.Session{
		Key: sessionstore.NewSecret(userID).Key(),
		User: sessionstore.UserSession{
			ID: userID, Email: "ada@example.com",
			Accounts:            []sessionstore.Account{},
			FlatRolesList:       []string{"chief-auditor"},
			FlatPermissionsList: []string{},
		},
		Method: "users", CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(time.Hour),
	}
}
