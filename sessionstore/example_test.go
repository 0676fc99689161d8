package sessionstore_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/memory"
)

// Ada signs in, comes back, and signs out. The memory store is as good as any
// other here: they all keep the same promises.
func Example() {
	ctx := context.Background()
	now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
	var store sessionstore.Store = memory.New(func() time.Time { return now })

	// The secret goes into the cookie; the store sees no more than its key.
	secret := sessionstore.NewSecret(7)
	_, err := store.Create(ctx, &sessionstore.Session{
		Key:       secret.Key(),
		User:      sessionstore.UserSession{ID: 7, Email: "ada@example.com"},
		CreatedAt: now, LastSeenAt: now,
		ExpiresAt: now.Add(12 * time.Hour), IdleTimeout: 30 * time.Minute,
	}, sessionstore.Limit{Sessions: 10})
	fmt.Println("created:", err)

	now = now.Add(20 * time.Minute)
	session, err := store.Get(ctx, secret.Key())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("signed in:", session.User.Email, "until", session.IdleExpiresAt().Format(time.TimeOnly))

	// Activity puts the idle timeout off; what Get handed out does not change.
	fmt.Println("touched:", store.Touch(ctx, session, now))
	session, err = store.Get(ctx, secret.Key())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("signed in:", session.User.Email, "until", session.IdleExpiresAt().Format(time.TimeOnly))

	was, err := store.Revoke(ctx, secret.Key())
	fmt.Println("revoked:", was.User.Email, err)
	_, err = store.Get(ctx, secret.Key())
	// Only ErrNotFound signs somebody out: any other error means "cannot tell".
	fmt.Println("signed out:", errors.Is(err, sessionstore.ErrNotFound))
	// Output:
	// created: <nil>
	// signed in: ada@example.com until 12:30:00
	// touched: <nil>
	// signed in: ada@example.com until 12:50:00
	// revoked: ada@example.com <nil>
	// signed out: true
}

// A secret is never printed: whoever has it is signed in.
func ExampleSecret() {
	secret := sessionstore.NewSecret(7)
	fmt.Println(secret)

	back, err := sessionstore.ParseSecret(secret.Encode())
	fmt.Println(back == secret, err)
	_, err = sessionstore.ParseSecret("guessed")
	fmt.Println(err)
	// Output:
	// [secret]
	// true <nil>
	// malformed session secret or key
}

// Two writers that have read the same session: the second is told to read it
// again, and overwrites nothing that it has not seen.
func ExampleStore_update() {
	ctx := context.Background()
	store := memory.New(nil)
	now := time.Now()
	key := sessionstore.NewSecret(7).Key()
	_, err := store.Create(ctx, &sessionstore.Session{
		Key: key, User: sessionstore.UserSession{ID: 7, Email: "ada@example.com"},
		CreatedAt: now, LastSeenAt: now, ExpiresAt: now.Add(time.Hour),
	}, sessionstore.Limit{})
	if err != nil {
		fmt.Println(err)
		return
	}
	read, err := store.Get(ctx, key)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, name := range []string{"Ada", "Countess of Lovelace"} {
		changed := read.Clone() // what a store hands out is shared
		changed.Name = name
		held, err := store.Update(ctx, changed)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(held.Name, "is version", held.Version)
	}
	// Output:
	// Ada is version 2
	// session was changed in the meantime
}
