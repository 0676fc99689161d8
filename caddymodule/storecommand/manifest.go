package storecommand

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
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
// White space around it is no part of it, as for the gateway.
func checkOf(secret string) string {
	mac := hmac.New(sha256.New, []byte(strings.TrimSpace(secret)))
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

// checkBackup says whether file and secret of a backup are what they were, and fit.
// For one that has its secret no configuration is needed: it may be looked at where no
// gateway is.
func (o *options) checkBackup(ctx context.Context, folder string) error {
	m, err := readManifest(folder)
	if err != nil {
		return err
	}
	k, unknown := o.kept(ctx)
	if unknown == nil {
		unknown = k.hasSecret()
	}
	secrets, where := k.Secrets, "the secret of the configuration"
	switch {
	case m.Secret != "" && (unknown == nil || len(k.File) > 0 || o.config == ""):
		text, err := os.ReadFile(filepath.Join(folder, secretName))
		if err != nil {
			return fmt.Errorf("the secret of the backup cannot be read: %w; take another copy of it", err)
		}
		secrets, where = []string{string(text)}, "the secret of the backup"
	case unknown != nil:
		return unknown
	}
	if err := m.fits(folder, secrets, where); err != nil {
		return err
	}
	switch {
	case m.Secret == "":
	case unknown != nil:
		_, _ = fmt.Fprintln(o.warns, "note: name the configuration of the gateway by --config to see whether that has the same secret")
	case !slices.Contains(checksOf(k.Secrets), m.Checks[0]):
		_, _ = fmt.Fprintln(o.warns, "warning: the gateway has another secret now: restore that of the backup with the file, or nobody's session can be read")
	}
	report, err := checkFile(ctx, filepath.Join(folder, databaseName), secrets, asItIs)
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
	if err := json.Unmarshal(text, &m); err != nil || !m.asWritten() {
		return m, fmt.Errorf("%s is not as it was written, or of a later version of Sidegate: take another copy of the backup, or check it with that version",
			filepath.Join(folder, manifestName))
	}
	return m, nil
}

// asWritten reports whether it says what backup writes.
func (m manifest) asWritten() bool {
	return m.Format == 1 && m.Bytes > 0 && len(m.SHA256) == hex.EncodedLen(sha256.Size) && len(m.Checks) > 0 && (m.Secret == "" || m.Secret == secretName)
}

// fits says which of the two is another than when the backup was taken.
func (m manifest) fits(folder string, secrets []string, where string) error {
	changed, err := m.changed(filepath.Join(folder, databaseName))
	if err != nil {
		return fmt.Errorf("the file of the backup cannot be read: %w; take another copy of it", err)
	}
	known := slices.Contains(checksOf(secrets), m.Checks[0])
	switch {
	case changed != "" && known:
		return fmt.Errorf("%s is not as it was taken (%s), and %s is: take another copy of %s", databaseName, changed, where, databaseName)
	case changed != "":
		return fmt.Errorf("neither %s (%s) nor %s is what it was when the backup was taken: take another copy of the whole backup, and check it with the secret of that time",
			databaseName, changed, where)
	case known:
		return nil
	case m.Secret != "":
		return fmt.Errorf("%s is not as it was taken, and %s is: take another copy of the file %s", where, databaseName, m.Secret)
	}
	return fmt.Errorf("%s is another than when the backup was taken, and %s is as it was: give the gateway the secret of that time (secret %q, as the configuration said then), "+
		"as the present one or after it", where, databaseName, m.Keep)
}

// changed is in which way a file is not as it was taken; empty where it is.
func (m manifest) changed(path string) (how string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer file.Close()
	sum := sha256.New()
	n, err := io.Copy(sum, file)
	switch {
	case err != nil:
		return "", err
	case n != m.Bytes:
		return fmt.Sprintf("it has %d bytes of %d", n, m.Bytes), nil
	case hex.EncodeToString(sum.Sum(nil)) != m.SHA256:
		return "its content is another", nil
	}
	return "", nil
}
