package storecommand

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"example.com/sidegate/caddymodule/ownfile"
	"example.com/sidegate/caddymodule/terminal"
)

func (o *options) backup(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("name the folder to be made: caddy sidegate-store backup /var/backups/sidegate-monday")
	}
	k, err := o.kept(ctx)
	if err == nil {
		err = k.hasSecret()
	}
	if err != nil {
		return err
	}
	made, err := newFolder(args[0], os.Geteuid())
	if err != nil {
		return err
	}
	m := manifest{Format: 1, Taken: time.Now().UTC().Truncate(time.Second), Checks: checksOf(k.Secrets)}
	if err := o.fillBackup(ctx, args[0], k, &m); err != nil {
		return errors.Join(fmt.Errorf("there is no backup: %w", err), clear(args[0], made))
	}
	if o.json {
		return o.print(m)
	}
	_, _ = fmt.Fprintf(o.out, "copied: %d bytes of sessions into %s\n", m.Bytes, terminal.Printable(args[0]))
	if m.Secret == "" {
		_, _ = fmt.Fprintf(o.out, "the secret is not in it: keep what the configuration says now as well, secret %s\n", m.Keep)
	} else {
		_, _ = fmt.Fprintln(o.out, "the secret is in it: whoever has the backup can read it")
	}
	return nil
}

// newFolder makes the folder, or takes an empty one of the user of that number; never one
// with a backup in it.
func newFolder(path string, uid int) (made bool, err error) {
	path = filepath.Clean(path) // a link with a slash behind it is the folder that it leads to
	err = os.MkdirAll(filepath.Dir(path), 0o700)
	if err == nil {
		err = os.Mkdir(path, 0o700)
	}
	switch info, there := os.Stat(path); {
	case err == nil:
		return true, nil
	case there != nil || !info.IsDir():
		return false, fmt.Errorf("the folder of the backup cannot be made: %w; name another one", err)
	}
	return false, takeFolder(path, uid)
}

// takeFolder takes a folder that is there. One of another user is theirs: whoever may
// write there later puts in a secret and a file of sessions of their own, which whoever
// restores takes for the gateway's.
func takeFolder(path string, uid int) error {
	if err := ownfile.OfAnother(uid, path); err != nil {
		return err
	}
	if err := empty(path); err != nil {
		return err
	}
	if err := os.Chmod(path, 0o700); err != nil { //nolint:gosec // it is a folder
		return fmt.Errorf("%w; name a folder that does not exist yet, and it is made", err)
	}
	return empty(path) // until now others may have been let in
}

// empty is an error where there is something in the folder.
func empty(path string) error {
	there, err := os.ReadDir(path)
	if err != nil {
		return fmt.Errorf("%w; name another folder", err)
	}
	if len(there) > 0 {
		return fmt.Errorf("%s is not empty, and nothing is written over: name a new folder", path)
	}
	return nil
}

// clear leaves nothing of a backup that has failed.
func clear(folder string, made bool) error {
	var err error
	remove := func(path string) {
		if removed := os.Remove(path); removed != nil && !errors.Is(removed, os.ErrNotExist) {
			err = errors.Join(err, removed)
		}
	}
	for _, name := range []string{databaseName, secretName, manifestName} {
		remove(filepath.Join(folder, name))
		remove(filepath.Join(folder, name+unfinished))
	}
	if made {
		remove(folder)
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
	report, err := checkFile(ctx, filepath.Join(folder, databaseName), k.Secrets, asItIs)
	if err != nil {
		return err
	}
	if report.Misfit() {
		return errors.New("the secret of the configuration opens nothing of the file: name the configuration that the gateway runs by --config")
	}
	if is := wrong(report); is != nil {
		_, _ = fmt.Fprintln(o.warns, "warning: the file is copied as it is:", is)
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

func asItIs(err error) error { return err }

// copyFile copies the file of the gateway that runs, or of the one that does not.
func (o *options) copyFile(ctx context.Context, k Kept, w io.Writer) (n int64, err error) {
	there, err := o.ask(ctx, http.MethodGet, "/sidegate/store/backup", copyInto(w, &n))
	if err != nil || there {
		return n, err
	}
	db, err := k.open()
	if err != nil {
		return 0, err
	}
	n, err = db.Backup(ctx, w)
	return n, errors.Join(beside(err), db.Close())
}

func textOf(text string) func(io.Writer) error {
	return func(w io.Writer) error { _, err := io.WriteString(w, text); return err }
}

// written remembers why it could not write: whoever copies has other troubles as well.
type written struct {
	io.Writer
	err error
}

// Write implements io.Writer.
func (w *written) Write(b []byte) (n int, err error) {
	n, err = w.Writer.Write(b)
	w.err = errors.Join(w.err, err)
	return n, err
}

// writeNew writes a file that is whole and on disk once it has its name.
func writeNew(path string, write func(io.Writer) error) error {
	file, err := os.OpenFile(path+unfinished, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return unwritten(err)
	}
	w := &written{Writer: file}
	if err := write(w); err != nil && w.err == nil {
		return errors.Join(err, file.Close())
	}
	if err := errors.Join(w.err, file.Sync(), file.Close()); err != nil {
		return unwritten(err)
	}
	if err := errors.Join(os.Rename(path+unfinished, path), syncFolder(filepath.Dir(path))); err != nil {
		return unwritten(err)
	}
	return nil
}

func unwritten(err error) error {
	return fmt.Errorf("%w; see that there is room, and that who runs this may write there", err)
}

// syncFolder has it on disk which files the folder has.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}
