package caddymodule

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"

	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/ownfile"
	"example.com/sidegate/caddymodule/token"
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

func (o *SecretOptions) words() map[string]directive.Option {
	return map[string]directive.Option{"secret": directive.Texts(&o.Secrets)}
}

// provision resolves the placeholders of the configured secrets. A missing one
// is an error: no gateway runs on an empty secret (CVE-2026-54762). Whether
// they will do is told by the ring, which the token's options make of them.
func (o *SecretOptions) provision(ctx caddy.Context, _ *App) error {
	o.storage = ctx.Storage()
	return o.read()
}

// read resolves what is configured.
func (o *SecretOptions) read() error {
	for i, configured := range o.Secrets {
		secret, err := resolve(configured)
		if err != nil {
			return fmt.Errorf("secret %d: %w", i+1, unmadeSecret(configured, err))
		}
		o.secrets = append(o.secrets, secret)
	}
	o.keepMarked()
	return nil
}

// unmadeSecret tells how the file of a secret is made that is not there.
func unmadeSecret(configured string, err error) error {
	path, isFile := fileIn(configured)
	if !errors.Is(err, errNoFile) || !isFile || reference.FindString(configured) != configured {
		return err
	}
	return fmt.Errorf("%s: there is no such file: %s", configured, ownfile.MadeBy("openssl rand -base64 48", path))
}

// keepMarked names secrets once more as gateways before this one read them: with the byte
// order mark that their file begins with. What those sealed stays good.
func (o *SecretOptions) keepMarked() {
	for i, configured := range o.Secrets {
		if read, err := caddy.NewReplacer().ReplaceOrErr(configured, true, true); err == nil && strings.HasPrefix(read, byteOrderMark) {
			o.secrets = append(o.secrets, byteOrderMark+o.secrets[i])
		}
	}
}

// ringSecrets returns the configured secrets, or the one that is kept in
// Caddy's storage, which is made at the first start.
func (o *SecretOptions) ringSecrets(ctx context.Context) ([]string, error) {
	if len(o.secrets) > 0 {
		return o.secrets, nil
	}
	secret, err := loadOrMakeSecret(ctx, o.storage)
	if err == nil {
		err = cmp.Or(o.planted(), o.spoilt(secret))
	} else {
		err = o.unkept(err)
	}
	if err != nil {
		return nil, fmt.Errorf("keeping a secret in Caddy's storage: %w", err)
	}
	return []string{secret}, nil
}

// planted is an error when the secret lies below the working folder, as where there
// is no HOME, and others may have put it there: whoever knows it makes up sessions.
func (o *SecretOptions) planted() error {
	files, ok := o.storage.(*certmagic.FileStorage)
	if !ok {
		return nil
	}
	return ownfile.Planted(files.Filename(secretPath))
}

// spoilt is an error when the secret that was kept is no longer whole. Whoever makes
// another one in its place signs everybody out.
func (o *SecretOptions) spoilt(secret string) error {
	size := len(strings.TrimSpace(secret))
	if size >= token.MinSecret {
		return nil
	}
	made, _ := o.madeHere()
	return fmt.Errorf("the secret that was made here, %s, has %d bytes and is not whole: put back that of a copy (the file secret of a backup by `caddy sidegate-store backup`), "+
		"and nobody is signed out; where there is none, take it away, and another one is made at the next start, by which everybody has to sign in once more", made, size)
}

// unkept tells what to do where no secret can be kept.
func (o *SecretOptions) unkept(err error) error {
	files, ok := o.storage.(*certmagic.FileStorage)
	switch {
	case !ok:
		return fmt.Errorf("%w (or configure one: `secret {env.SIDEGATE_SECRET}`)", err)
	case files.Path == caddy.AppDataDir():
		return inDataFolder(err)
	}
	return inStorage(err, files.Path)
}

// warnOfLines tells of secrets with a line break within, which are one secret each:
// whoever adds a new one as a second line takes the former away with it, and nobody's
// session can be read.
func (o *SecretOptions) warnOfLines(logger *zap.Logger) {
	for i, secret := range o.secrets[:min(len(o.Secrets), len(o.secrets))] {
		if strings.ContainsAny(secret, "\r\n") {
			logger.Warn("a secret has a line break within, and all of it is one secret", zap.Int("number", i+1),
				zap.String("remedy", "if it is meant to be several, put each into a file or a variable of its own, and name all of them behind `secret`"))
		}
	}
}

// warnOfNames tells of secrets that are the names of files, which others know.
func (o *SecretOptions) warnOfNames(logger *zap.Logger) {
	for i, configured := range o.Secrets {
		if info, err := os.Stat(configured); err == nil && info.Mode().IsRegular() {
			logger.Warn("a secret is the name of a file, and not what is in it", zap.Int("number", i+1),
				zap.String("remedy", "if what is in the file is meant, write "+fileReference(configured)+
					", and the name itself after it, so that nobody is signed out; take that out when sessions have ended by themselves"))
		}
	}
}

// warnOfWeak tells of secrets that could be guessed, by their place and never
// by what they are: every session could be made up by whoever guesses one.
func (o *SecretOptions) warnOfWeak(logger *zap.Logger) {
	for i, secret := range o.secrets {
		if why := token.Weak(secret); why != "" {
			logger.Warn("the secret could be guessed, and with it every session and token made up: change it for a random one",
				zap.Int("number", i+1), zap.String("why", why), zap.String("option", "secret"), zap.String("make_one", "openssl rand -base64 32"))
		}
	}
}

// formerSecret is what an operator is told who has changed the secret without
// naming the former one.
type formerSecret struct {
	where  string // where it is likely to be
	remedy string // how to name it, as it stands in a Caddyfile
}

// formerSecret guesses, of what is configured and of whether a secret was made
// here: it opens nothing.
func (o *SecretOptions) formerSecret() formerSecret {
	made, isThere := o.madeHere()
	if len(o.secrets) == 0 {
		return formerSecret{
			where:  "what `secret` said before; where there was none, in a copy of " + made + ", which holds another one now",
			remedy: "secret " + fileReference(made) + " <the former one>",
		}
	}
	present := o.present()
	if isThere && !slices.Contains(o.Secrets, "{file."+made+"}") {
		return formerSecret{
			where:  "what `secret` said before; where there was none, the one that was made here, in " + made,
			remedy: "secret " + present + " " + fileReference(made),
		}
	}
	where := "what `secret` said before"
	if strings.Contains(present, "{file.") {
		where += "; where it said the same, what its file held before: that is in a copy of the file, if there is one"
	}
	return formerSecret{where: where, remedy: "secret " + present + " <the former one>"}
}

// madeHere is where a secret of our own making lies, and whether there is one.
func (o *SecretOptions) madeHere() (path string, isThere bool) {
	files, ok := o.storage.(*certmagic.FileStorage)
	if !ok {
		return secretPath + " in Caddy's storage", false
	}
	path = files.Filename(secretPath)
	_, err := os.Stat(path)
	return path, err == nil
}

// present is what `secret` says now, for a line of the log: placeholders as they
// are, and nothing of a secret.
func (o *SecretOptions) present() string { return o.named("now") }

// named is present, where a secret that is no placeholder is one of what that says.
func (o *SecretOptions) named(of string) string {
	words := make([]string, len(o.Secrets))
	for i, configured := range o.Secrets {
		words[i] = "<number " + strconv.Itoa(i+1) + " of " + of + ">"
		if path, ok := strings.CutPrefix(configured, "{file."); ok && reference.FindString(configured) == configured {
			words[i] = fileReference(strings.TrimSuffix(path, "}"))
		} else if reference.FindString(configured) == configured {
			words[i] = configured
		}
	}
	return strings.Join(words, " ")
}

// fileReference is the placeholder for a file, in quotes where a Caddyfile needs
// them.
func fileReference(path string) string {
	placeholder := "{file." + path + "}"
	if strings.ContainsAny(path, " \t\"`") {
		return strconv.Quote(placeholder)
	}
	return placeholder
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

// missingSecret tells once in the life of a configuration that records are met
// which none of its secrets opens: every request of their people says the same.
func (h *events) missingSecret() {
	h.missing.Do(func() {
		h.logger.Error("there are sessions that no configured secret opens: their people get 503 until the secret that sealed them, "+
			"a former one or another gateway's, is named after the present one, or until they choose to sign in again",
			zap.String("former_secret", h.former.where), zap.String("remedy", h.former.remedy), zap.String("then", "caddy reload"))
	})
}
