package caddymodule

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
)

// secretPath is where a secret of our own making lies in Caddy's storage.
const secretPath = "sidegate/secret"

type storage = certmagic.Storage

// provisionSecrets resolves the placeholders of the configured secrets. A
// missing one is an error: no gateway runs on an empty secret (CVE-2026-54762).
func (a *App) provisionSecrets(caddy.Context) error {
	for i, configured := range a.Secrets {
		secret, err := resolve(configured)
		if err != nil {
			return fmt.Errorf("secret %d: %w", i+1, err)
		}
		a.secrets = append(a.secrets, secret)
	}
	if len(a.secrets) == 0 {
		return a.Token.validate()
	}
	// Only to tell a wrong secret or signing key now rather than at Start.
	_, err := a.Token.ring(a.secrets, a.now)
	return err
}

// ringSecrets returns the configured secrets, or the one that is kept in
// Caddy's storage, which is made at the first start.
func (a *App) ringSecrets(ctx context.Context) ([]string, error) {
	if len(a.secrets) > 0 {
		return a.secrets, nil
	}
	secret, err := loadOrMakeSecret(ctx, a.storage)
	if err != nil {
		return nil, fmt.Errorf("keeping a secret in Caddy's storage: %w "+
			"(or configure one: `secret {env.SIDEGATE_SECRET}`)", err)
	}
	return []string{secret}, nil
}

func loadOrMakeSecret(ctx context.Context, s storage) (string, error) {
	// The lock keeps two processes that start at once from making two secrets.
	if err := s.Lock(ctx, secretPath); err != nil {
		return "", err
	}
	defer func() { _ = s.Unlock(context.WithoutCancel(ctx), secretPath) }()

	kept, err := s.Load(ctx, secretPath)
	if err == nil {
		return string(kept), nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	random := make([]byte, 32)
	_, _ = rand.Read(random)
	secret := base64.StdEncoding.EncodeToString(random)
	return secret, s.Store(ctx, secretPath, []byte(secret))
}
