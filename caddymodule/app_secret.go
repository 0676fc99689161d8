package caddymodule

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
)

// SecretOptions are what every key is made of.
type SecretOptions struct {
	// Secrets feed every key: the first seals and signs, further ones still
	// open and verify. At least 32 bytes each. Placeholders {env.*} and
	// {file.*} are resolved. Default: one that is made once and kept in
	// Caddy's storage; a store that several gateways share requires one.
	Secrets []string `json:"secrets,omitempty"`

	secrets []string
	storage storage
}

// secretPath is where a secret of our own making lies in Caddy's storage.
const secretPath = "sidegate/secret"

type storage = certmagic.Storage

func (o *SecretOptions) words() map[string]option {
	return map[string]option{"secret": texts(&o.Secrets)}
}

// provision resolves the placeholders of the configured secrets. A missing one
// is an error: no gateway runs on an empty secret (CVE-2026-54762). Whether
// they will do is told by the ring, which the token's options make of them.
func (o *SecretOptions) provision(ctx caddy.Context, _ *App) error {
	o.storage = ctx.Storage()
	for i, configured := range o.Secrets {
		secret, err := resolve(configured)
		if err != nil {
			return fmt.Errorf("secret %d: %w", i+1, err)
		}
		o.secrets = append(o.secrets, secret)
	}
	return nil
}

// ringSecrets returns the configured secrets, or the one that is kept in
// Caddy's storage, which is made at the first start.
func (o *SecretOptions) ringSecrets(ctx context.Context) ([]string, error) {
	if len(o.secrets) > 0 {
		return o.secrets, nil
	}
	secret, err := loadOrMakeSecret(ctx, o.storage)
	if err != nil {
		return nil, fmt.Errorf("keeping a secret in Caddy's storage: %w "+
			"(or configure one: `secret {env.SIDEGATE_SECRET}`)", err)
	}
	return []string{secret}, nil
}

// formerSecret is what an operator is told who has changed the secret without
// naming the former one.
type formerSecret struct {
	where  string // where it is likely to be
	remedy string // how to name it
}

// formerSecret guesses: it opens nothing, and looks for nothing.
func (o *SecretOptions) formerSecret() formerSecret {
	made, named := secretPath+" in Caddy's storage", ""
	if files, ok := o.storage.(*certmagic.FileStorage); ok {
		made = files.Filename(secretPath)
		named = "{file." + made + "}"
	}
	if len(o.secrets) > 0 {
		return formerSecret{
			where:  "what `secret` said before; where there was none, the one that was made here lies in " + made,
			remedy: "secret <present> " + cmp.Or(named, "<former>") + ", then caddy reload",
		}
	}
	return formerSecret{
		where:  "what `secret` said before; where there was none, in a copy of " + made + ", which holds another one now",
		remedy: "secret " + cmp.Or(named, "<the one made here>") + " <former>, then caddy reload",
	}
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
