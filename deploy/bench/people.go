package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"example.com/sidegate/caddymodule/token"
	"example.com/sidegate/sessionstore"
	"example.com/sidegate/sessionstore/redis"
)

// person is how much there is to say of somebody.
type person struct {
	accounts, roles, permissions int
	// alone says that they share no role and no permission with anybody, where
	// others all have the same.
	alone bool
}

var (
	// ordinary is most people.
	ordinary = person{accounts: 2, roles: 3, permissions: 10}
	// heavy is whom memory is measured with.
	heavy = person{accounts: 3, roles: 10, permissions: 50}
	// loner is heavy with names of roles and permissions that nobody else has.
	loner = person{accounts: 3, roles: 10, permissions: 50, alone: true}
)

// user is that person as the gateway keeps them. The first account is the
// primary one.
func (p person) user(id int64) sessionstore.UserSession {
	u := sessionstore.UserSession{
		ID: id, Email: fmt.Sprintf("person-%d@example.com", id),
		Accounts: []sessionstore.Account{}, FlatRolesList: []string{}, FlatPermissionsList: []string{},
	}
	for i := range p.accounts {
		u.Accounts = append(u.Accounts, sessionstore.Account{
			AccountID: fmt.Sprintf("account-%d", i+1), AccountName: fmt.Sprintf("Example Company %d", i+1),
			UsersPrimaryAccount: i == 0, AccountAdmin: i == 0,
		})
	}
	if p.accounts > 0 {
		u.PrimaryAccount = &u.Accounts[0]
	}
	first := 0
	if p.alone {
		first = int(id) * max(p.roles, p.permissions)
	}
	for i := range p.roles {
		u.FlatRolesList = append(u.FlatRolesList, fmt.Sprintf("role-%d", first+i+1))
	}
	for i := range p.permissions {
		u.FlatPermissionsList = append(u.FlatPermissionsList, fmt.Sprintf("resource-%d:read", first+i+1))
	}
	return u
}

// jsonSize is how long that person is as the JSON that GET /auth/session
// answers, the token left out.
func (p person) jsonSize() (int, error) {
	b, err := json.Marshal(p.user(5_000)) // of about the middle of those who are measured
	return len(b), err
}

// population is some people who are signed in, in a Redis database of their own.
type population struct {
	database int
	count    int
	person   person

	cookies []string
	bearers []string
}

// Sessions are made as a sign-in does, save for the password: with the key
// ring and the store of the gateway.
const (
	// madeBy is the login that they began through. It keeps no people itself, or
	// it would not vouch for so many whom it does not know; nobody asks it.
	madeBy      = "bench"
	sessionLife = 12 * time.Hour
	sessionIdle = time.Hour
	// makers is how many sessions are made at the same time.
	makers = 64
)

// keys seal and sign as the gateway with that secret does.
type keys struct {
	secret string
	ring   *token.Ring
	sealer *sessionstore.Sealer
}

func newKeys() (*keys, error) {
	k := &keys{secret: rand.Text() + rand.Text()}
	var err error
	if k.ring, err = token.NewRing(token.Config{Secrets: []string{k.secret}}); err != nil {
		return nil, err
	}
	k.sealer, err = sessionstore.NewSealer(k.ring.SealingKeys()...)
	return k, err
}

// signIn makes the sessions of a population in Redis. Tokens are made for
// small ones only: a signature for each of a million people takes its time.
func (k *keys) signIn(ctx context.Context, redisAddress string, p *population) error {
	client, err := redis.Open(redis.Config{URL: redisURL(redisAddress, p.database)})
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	store := redis.New(client, k.sealer, redis.Options{Timeout: 10 * time.Second})
	p.cookies = make([]string, p.count)
	p.bearers = make([]string, min(p.count, 1))
	errs := make([]error, makers)
	var group sync.WaitGroup
	for maker := range makers {
		group.Go(func() {
			for i := maker; i < p.count && errs[maker] == nil; i += makers {
				errs[maker] = k.signInOne(ctx, store, p, i)
			}
		})
	}
	group.Wait()
	return firstOf(errs)
}

func (k *keys) signInOne(ctx context.Context, store sessionstore.Store, p *population, i int) error {
	user := p.person.user(int64(i + 1))
	secret := sessionstore.NewSecret(user.ID)
	now := time.Now().UTC().Truncate(time.Millisecond)
	s := &sessionstore.Session{
		Key: secret.Key(), User: user, Method: madeBy, Subject: user.Email,
		Address: "127.0.0.1", UserAgent: userAgent,
		CreatedAt: now, ExpiresAt: now.Add(sessionLife), IdleTimeout: sessionIdle, LastSeenAt: now, Version: 1,
	}
	p.cookies[i] = secret.Encode()
	if i < len(p.bearers) {
		var err error
		if p.bearers[i], err = k.ring.MintSession(s.Key, user.ID, s.ExpiresAt); err != nil {
			return err
		}
	}
	_, err := store.Create(ctx, s, sessionstore.Limit{})
	return err
}

func redisURL(address string, database int) string {
	return fmt.Sprintf("redis://%s/%d", address, database)
}
