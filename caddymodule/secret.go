package caddymodule

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"

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

// resolve replaces {env.*} and {file.*} in a configured value; what they name
// must exist and not be empty.
func resolve(value string) (string, error) {
	resolved, err := caddy.NewReplacer().ReplaceOrErr(value, true, true)
	if err != nil {
		return "", unresolved(value)
	}
	if resolved = strings.TrimSpace(resolved); resolved == "" {
		return "", errors.New("it is empty: set the variable or the file that it names")
	}
	return resolved, nil
}

// resolveReferences resolves {env.*} and {file.*} in a value that may hold
// other placeholders too, which stay.
func resolveReferences(value string) (string, error) {
	var missing error
	resolved := reference.ReplaceAllStringFunc(value, func(name string) string {
		text, err := resolve(name)
		if err != nil && missing == nil {
			missing = err
		}
		return text
	})
	return resolved, missing
}

// reference is a placeholder that names where a value lies.
var reference = regexp.MustCompile(`\{(?:env|file)\.[^{}]+\}`)

// unresolved names what could not be resolved. A placeholder of another kind
// is not repeated: it may be a part of a password that has braces in it.
func unresolved(value string) error {
	for _, name := range reference.FindAllString(value, -1) {
		if _, err := caddy.NewReplacer().ReplaceOrErr(name, true, true); err != nil {
			return fmt.Errorf("%s is missing or empty: set the variable, or let this process read the file, and start again", name)
		}
	}
	return errors.New(`it has braces that are neither {env.NAME} nor {file./path}: write \{ for a brace that is meant as one`)
}
