package caddymodule

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"golang.org/x/net/http/httpguts"

	"example.com/sidegate/caddymodule/appearance"
	"example.com/sidegate/caddymodule/directive"
	"example.com/sidegate/caddymodule/ownfile"
	"example.com/sidegate/caddymodule/token"
)

// resolve replaces {env.*} and {file.*} in a configured value; what they name
// must exist and not be empty, and be no file in the working folder that others
// may have put there.
func resolve(value string) (string, error) {
	for _, name := range reference.FindAllString(value, -1) {
		if path, isFile := fileIn(name); isFile {
			if err := ownfile.Foreign(path); err != nil {
				return "", fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	resolved, err := caddy.NewReplacer().ReplaceOrErr(value, true, true)
	if err != nil {
		return "", unresolved(value)
	}
	if resolved = strings.TrimSpace(strings.TrimPrefix(resolved, byteOrderMark)); resolved == "" {
		return "", errors.New("it is empty: set the variable or the file that it names")
	}
	return resolved, nil
}

// byteOrderMark is what some editors put before a text (RFC 3629 section 6). It is
// no part of what the text says.
const byteOrderMark = "\ufeff"

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

// unknownHost stands where a value is known only when the configuration is
// loaded (RFC 6761 section 6.4).
const unknownHost = "placeholder.invalid"

// standIn is a configured value as far as it is known while the Caddyfile is
// read: with a placeholder in it, what stands for one of its kind.
func standIn(configured, kind string) string {
	if strings.Contains(configured, "{") {
		return kind
	}
	return configured
}

// standInAddress is standIn for an address that may hold other placeholders: one
// whose host is a placeholder is not known at all.
func standInAddress(configured string) string {
	if reference.MatchString(configured) {
		return "https://" + unknownHost
	}
	return configured
}

// unresolved names what could not be resolved. A placeholder of another kind
// is not repeated: it may be a part of a password that has braces in it.
func unresolved(value string) error {
	for _, name := range reference.FindAllString(value, -1) {
		if _, err := caddy.NewReplacer().ReplaceOrErr(name, true, true); err != nil {
			return missingValue(name)
		}
	}
	return errors.New(`it has braces that are neither {env.NAME} nor {file./path}: write \{ for a brace that is meant as one`)
}

// errNoFile is of the file of a placeholder that is not there.
var errNoFile = errors.New("there is no such file")

// missingValue is why there is nothing where that placeholder points to, and what to do.
func missingValue(name string) error {
	path, isFile := fileIn(name)
	if !isFile {
		return fmt.Errorf("%s is missing or empty: set the variable, and start again", name)
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if ownfile.IsGivenFromOutside(path) {
			return fmt.Errorf("%s: %w: %s, with the value in it and nothing else", name, errNoFile, ownfile.Outside(path))
		}
		return fmt.Errorf("%s: %w: make it, with the value in it and nothing else, or name where it is", name, errNoFile)
	case err == nil && info.IsDir():
		return fmt.Errorf("%s: %w", name, ownfile.FolderInstead(path))
	case err == nil:
		var file *os.File
		if file, err = os.Open(path); err == nil { // #nosec G304 -- named by the configuration
			_ = file.Close()
			return fmt.Errorf("%s is empty: put the value into the file", name)
		}
	}
	return fmt.Errorf("%s cannot be read: %w", name, ownfile.Readable(err))
}

// fileIn is the file that a placeholder names.
func fileIn(name string) (path string, isFile bool) {
	return strings.CutPrefix(strings.TrimSuffix(name, "}"), "{file.")
}

// fileOf is the file that an option names. All options that name one come by it: its
// errors repeat nothing that a placeholder stands for.
func fileOf(configured string) (ownfile.Named, error) {
	path, err := resolve(configured)
	if err != nil {
		return ownfile.Named{}, err
	}
	return ownfile.NamedBy(configured, path)
}

// readPicture reads the picture file of that name; there may be none.
func readPicture(configured string) (template.URL, error) {
	if configured == "" {
		return "", nil
	}
	file, err := fileOf(configured)
	if err != nil {
		return "", err
	}
	return appearance.Picture(file)
}

// readNamed reads the file of that name. An empty one is an error, for what is
// not configured means something else.
func readNamed(configured string) ([]byte, error) {
	file, err := fileOf(configured)
	if err != nil {
		return nil, err
	}
	text, err := file.Read()
	if err != nil {
		return nil, directive.LookedIn(err)
	}
	if len(text) == 0 {
		err = fmt.Errorf("%s is empty: it should hold PEM", file)
	}
	return text, err
}

// inDataFolder tells what to do when Caddy's data folder cannot be written. The
// secret and the sessions both lie there, so whoever moves one moves the other.
func inDataFolder(err error) error {
	folder := inFolder(err, caddy.AppDataDir()) + ", or set XDG_DATA_HOME or HOME to a folder that it may write"
	if file := ownfile.InTheWay(caddy.AppDataDir()); file != "" {
		folder = noFolder(file)
	}
	return fmt.Errorf("%w (%s, or say where both things go that lie there, `secret {env.SIDEGATE_SECRET}` and `store embedded <file>`)", err, folder)
}

// noFolder is for a data folder that would stand where a file is: without HOME it is
// `caddy` in the working folder, and there the executable may lie.
func noFolder(file string) string {
	return fmt.Sprintf("Caddy's data folder would be in %s, which is a file: set HOME or XDG_DATA_HOME to a folder that the user "+
		"that the gateway runs as, uid %d, may write", file, os.Getuid())
}

// inStorage is inDataFolder for another folder that is configured as Caddy's storage,
// in which the secret lies.
func inStorage(err error, folder string) error {
	return fmt.Errorf("%w (%s, or name another one, `storage file_system <folder>` in the global options, or configure a secret, "+
		"`secret {env.SIDEGATE_SECRET}`)", err, inFolder(err, folder))
}

// inFolder names the folder and whose it is, and how it is given to who needs it,
// which helps where somebody else has it alone.
func inFolder(err error, folder string) string {
	if whole, err := filepath.Abs(folder); err == nil {
		folder = whole
	}
	told := fmt.Sprintf("the user that the gateway runs as, uid %d, needs a folder to keep data in, now %s: ", os.Getuid(), ownfile.Described(folder))
	_, there := os.Lstat(folder)
	switch {
	case errors.Is(err, syscall.EROFS), errors.Is(err, syscall.ENOTDIR):
		return told + "no chown makes that one of use: take another"
	case errors.Is(there, fs.ErrNotExist):
		return told + fmt.Sprintf("make it for that user (install -d -o %d -m 700 %s)", os.Getuid(), folder)
	}
	return told + fmt.Sprintf("give it to that user (chown -R %d %s)", os.Getuid(), folder)
}

// isOfFolder reports whether an error is one that a folder makes.
func isOfFolder(err error) bool {
	return slices.ContainsFunc([]error{fs.ErrPermission, fs.ErrNotExist, syscall.EROFS, syscall.ENOTDIR},
		func(kind error) bool { return errors.Is(err, kind) })
}

// readPrivateKey reads a PEM file; its errors hold nothing of the key.
func readPrivateKey(file string) (crypto.Signer, error) {
	pem, err := readNamed(file)
	if err != nil {
		return nil, err
	}
	return token.ParsePrivateKey(pem)
}

// readAuthorities reads a PEM file with certificates; none gives nil, which
// means the system's.
func readAuthorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := readNamed(file)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("ca: the file holds no PEM certificate")
	}
	return pool, nil
}

// resolveHeaders makes headers for an outgoing request.
func resolveHeaders(configured []HeaderConfig) (http.Header, error) {
	h := make(http.Header)
	for _, line := range configured {
		value, err := resolve(line.Value)
		if err != nil {
			return nil, fmt.Errorf("header %s: %w", line.Name, err)
		}
		if !httpguts.ValidHeaderFieldName(line.Name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, fmt.Errorf("header %q: its name or its value cannot stand in a request", line.Name)
		}
		h.Add(line.Name, value)
	}
	return h, nil
}

// standInHeaders are headers as far as they are known while the Caddyfile is read.
func standInHeaders(configured []HeaderConfig) []HeaderConfig {
	known := slices.Clone(configured)
	for i, h := range known {
		known[i].Value = standIn(h.Value, unknownHost)
	}
	return known
}

// parseHeader reads `header <name> <value>`.
func parseHeader(target *[]HeaderConfig) directive.Option {
	return func(d *caddyfile.Dispenser) error {
		var h HeaderConfig
		if !d.Args(&h.Name, &h.Value) || d.NextArg() {
			return directive.Err(d, "header needs a name and a value: header X-Api-Key {env.CRM_KEY}")
		}
		*target = append(*target, h)
		return nil
	}
}
