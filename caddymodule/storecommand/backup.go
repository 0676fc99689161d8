package storecommand

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// The files of a backup. The manifest is put there last: a folder without it is none.
const (
	databaseName = "sessions.db"
	secretName   = "secret"
	manifestName = "backup.json"
	unfinished   = ".unfinished"
)

// manifest says what a backup is.
type manifest struct {
	Format int       `json:"format"`
	Taken  time.Time `json:"taken"`
	Bytes  int64     `json:"bytes"`
	SHA256 string    `json:"sha256"`
	// Secret is the name of the file beside it; empty where the configuration has the
	// secret, of which Keep says what must be kept beside the backup.
	Secret string `json:"secret,omitempty"`
	Keep   string `json:"keep,omitempty"`
	// Checks are of each secret by its place, and tell whether a secret is the one.
	Checks []string `json:"checks"`
}

// checkOf tells one secret from another, and nothing of it to who has not got it.
func checkOf(secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("sidegate backup"))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

func checksOf(secrets []string) []string {
	checks := make([]string, len(secrets))
	for i, secret := range secrets {
		checks[i] = checkOf(secret)
	}
	return checks
}

func (o *options) backup(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("name the folder to be made: caddy sidegate-store backup /var/backups/sidegate-monday")
	}
	k, err := o.kept(ctx)
	if err != nil {
		return err
	}
	if err := newFolder(args[0]); err != nil {
		return err
	}
	m := manifest{Format: 1, Taken: time.Now().UTC().Truncate(time.Second), Checks: checksOf(k.Secrets)}
	if err := o.fillBackup(ctx, args[0], k, &m); err != nil {
		return errors.Join(fmt.Errorf("%w; there is no backup, see whether there is room and what the folder allows", err), clear(args[0]))
	}
	if o.json {
		return o.print(m)
	}
	_, _ = fmt.Fprintf(o.out, "copied: %d bytes of sessions into %s\n", m.Bytes, args[0])
	if m.Secret == "" {
		_, _ = fmt.Fprintln(o.out, "the secret is not in it: keep what the configuration names as well:", m.Keep)
	} else {
		_, _ = fmt.Fprintln(o.out, "the secret is in it: whoever has the backup can read it")
	}
	return nil
}

// newFolder makes the folder, or takes an empty one; never one with a backup in it.
func newFolder(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("the folder of the backup cannot be made: %w; name another one", err)
	}
	there, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("%w; name another folder", err)
	}
	if len(there) > 0 {
		return fmt.Errorf("%s is not empty, and nothing is written over: name a new folder", path)
	}
	return os.Chmod(path, 0o700) //nolint:gosec // it is a folder
}

func clear(folder string) error {
	var err error
	for _, name := range []string{databaseName, secretName, manifestName} {
		for _, suffix := range []string{"", unfinished} {
			if removed := os.Remove(filepath.Join(folder, name+suffix)); removed != nil && !errors.Is(removed, os.ErrNotExist) {
				err = errors.Join(err, removed)
			}
		}
	}
	return err
}

func (o *options) fillBackup(ctx context.Context, folder string, k Kept, m *manifest) error {
	sum := sha256.New()
	err := writeNew(filepath.Join(folder, databaseName), func(w io.Writer) (err error) {
		m.Bytes, err = o.copyFile(ctx, k, io.MultiWriter(w, sum))
		return err
	})
	if err != nil {
		return err
	}
	m.SHA256 = hex.EncodeToString(sum.Sum(nil))
	report, err := k.checkFile(ctx, filepath.Join(folder, databaseName), k.Secrets)
	if err != nil {
		return err
	}
	if report.Misfit() {
		return errors.New("the secret of the configuration opens nothing of the file: name the configuration that the gateway runs by --config")
	}
	if k.Made {
		m.Secret = secretName
		if err := writeNew(filepath.Join(folder, secretName), textOf(k.Secrets[0])); err != nil {
			return err
		}
	} else {
		m.Keep = k.Written
	}
	text, err := json.MarshalIndent(m, "", "  ") //nolint:gosec // it names the file of the secret
	if err != nil {
		return err
	}
	return writeNew(filepath.Join(folder, manifestName), textOf(string(text)+"\n"))
}

// copyFile copies the file of the gateway that runs, or of the one that does not.
func (o *options) copyFile(ctx context.Context, k Kept, w io.Writer) (n int64, err error) {
	there, err := o.ask(ctx, "GET", "/sidegate/store/backup", func(r io.Reader) (err error) {
		n, err = io.Copy(w, r)
		return err
	})
	if err != nil || there {
		return n, err
	}
	db, err := k.open()
	if err != nil {
		return 0, err
	}
	n, err = db.Backup(ctx, w)
	return n, errors.Join(err, db.Close())
}

func textOf(text string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, text); return err }
}

// writeNew writes a file that is whole and on disk once it has its name.
func writeNew(path string, write func(io.Writer) error) error {
	file, err := os.OpenFile(path+unfinished, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	if err := errors.Join(write(file), file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(path+unfinished, path)
}

// checkBackup says whether file and secret of a backup are what they were, and fit.
func (o *options) checkBackup(ctx context.Context, folder string) error {
	m, err := readManifest(folder)
	if err != nil {
		return err
	}
	k, err := o.kept(ctx)
	if err != nil {
		return err
	}
	secrets, where := k.Secrets, "the secret of the configuration"
	if m.Secret != "" {
		text, err := os.ReadFile(filepath.Join(folder, secretName))
		if err != nil {
			return fmt.Errorf("the secret of the backup cannot be read: %w; take another copy of it", err)
		}
		secrets, where = []string{string(text)}, "the secret of the backup"
	}
	if err := m.fits(folder, secrets, where); err != nil {
		return err
	}
	if m.Secret != "" && !slices.Contains(checksOf(k.Secrets), m.Checks[0]) {
		_, _ = fmt.Fprintln(o.out, "warning: the gateway has another secret now: restore that of the backup with the file, or nobody's session can be read")
	}
	report, err := k.checkFile(ctx, filepath.Join(folder, databaseName), secrets)
	if err != nil {
		return err
	}
	return o.tell(report, "the backup of "+m.Taken.Format(time.RFC3339))
}

func readManifest(folder string) (m manifest, err error) {
	text, err := os.ReadFile(filepath.Join(folder, manifestName))
	if err != nil {
		return m, fmt.Errorf("%s is no whole backup: %w; name the folder that `backup` has made", folder, err)
	}
	if err := json.Unmarshal(text, &m); err != nil || m.Format != 1 || len(m.Checks) == 0 {
		return m, fmt.Errorf("%s is not as it was written, or of a later version: take another copy of the backup", filepath.Join(folder, manifestName))
	}
	return m, nil
}

// fits says which of the two is another than when the backup was taken.
func (m manifest) fits(folder string, secrets []string, where string) error {
	if !slices.Contains(checksOf(secrets), m.Checks[0]) {
		return fmt.Errorf("%s is another than that of the file when the backup was taken: give the gateway that one (%s), or name it after the present one", where,
			m.namesSecret())
	}
	file, err := os.Open(filepath.Join(folder, databaseName))
	if err != nil {
		return fmt.Errorf("the file of the backup cannot be read: %w; take another copy of it", err)
	}
	defer file.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != m.SHA256 {
		return errors.New("the file of the backup is not as it was taken, and the secret is: take another copy of " + databaseName)
	}
	return nil
}

func (m manifest) namesSecret() string {
	if m.Secret != "" {
		return "the file " + m.Secret + " as it was taken"
	}
	return m.Keep
}
