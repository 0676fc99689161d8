package install_test

import (
	"debug/elf"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

const dockerfile = "../docker/Dockerfile"

// TestTheImage builds it by buildah, with every step of the Dockerfile, and tries what
// it is. The one thing that is not the Dockerfile's is the image that it builds in: a
// registry is not asked, so the system's own tools and Go stand in for that.
func TestTheImage(t *testing.T) {
	if os.Geteuid() != 0 {
		notChecked(t, "deploy/docker: building the image by buildah, and starting it, wants root")
		return
	}
	if err := command(t, "unshare", "--mount", "true").Run(); err != nil {
		notChecked(t, "deploy/docker: building the image by buildah, and starting it, wants a mount namespace: "+err.Error())
		return
	}
	b := newBuilder(t)
	image := b.build()
	is := b.inspect(image)
	root := b.mount(image)
	t.Run("is run by nobody in particular, and asks session_health", func(t *testing.T) { holdsConfig(t, is) })
	t.Run("has the binary and certificates, and no shell", func(t *testing.T) { holdsFiles(t, root) })
	t.Run("is the same when it is built again", func(t *testing.T) {
		before, after := b.layers(image), b.layers(b.build())
		if len(before) != 1 || !slices.Equal(before, after) {
			t.Errorf("its layers are %s, and built again %s", before, after)
		}
	})
	t.Run("makes a site of compose.yaml", func(t *testing.T) { startsComposed(t, root, is) })
	t.Run("makes no call that the unit of systemd forbids", func(t *testing.T) { callsWhatIsAllowed(t, filepath.Join(root, "caddy")) })
}

func TestEachImageIsNamedWithItsTagAndDigest(t *testing.T) {
	named := regexp.MustCompile(`^\S+:[^@\s]+@sha256:[0-9a-f]{64}$`)
	var images []string
	for _, found := range regexp.MustCompile(`(?m)^FROM (\S+)`).FindAllStringSubmatch(read(t, dockerfile), -1) {
		images = append(images, found[1])
	}
	for _, s := range composed(t).Services {
		images = append(images, s.Image)
	}
	for _, image := range images {
		if image != "scratch" && image != "sidegate" && !named.MatchString(image) {
			t.Errorf("%s has no tag or no digest", image)
		}
	}
	if len(images) < 4 {
		t.Errorf("only %q are named", images)
	}
}

// TestTheImageIsBuiltByTheGoOfGoMod: GOTOOLCHAIN is local in that image, so an older one
// would build nothing.
func TestTheImageIsBuiltByTheGoOfGoMod(t *testing.T) {
	wants := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "../../go.mod"))
	if !strings.Contains(read(t, dockerfile), "FROM docker.io/library/golang:"+wants[1]+".") {
		t.Errorf("go.mod wants Go %s", wants[1])
	}
}

// builder is buildah, with images of its own.
type builder struct {
	t          *testing.T
	dir        string
	args, from []string
}

func newBuilder(t *testing.T) *builder {
	t.Helper()
	dir := t.TempDir()
	b := &builder{t: t, dir: dir, args: []string{"buildah", "--storage-driver", "vfs", "--root", filepath.Join(dir, "images"), "--runroot", filepath.Join(dir, "run")}}
	cache, modules, goroot := b.goSays("GOCACHE"), b.goSays("GOMODCACHE"), b.goSays("GOROOT")
	stand := filepath.Join(dir, "stand-in")
	for _, name := range []string{"usr", "etc/ssl", "etc/alternatives", "tmp", "root"} {
		if err := os.MkdirAll(filepath.Join(stand, "root", name), 0o755); err != nil { // #nosec G301 -- as in any image
			t.Fatal(err)
		}
	}
	for _, name := range []string{"bin", "lib", "lib64", "sbin"} {
		if err := os.Symlink("usr/"+name, filepath.Join(stand, "root", name)); err != nil {
			t.Fatal(err)
		}
	}
	text := "FROM scratch\nCOPY root/ /\nENV PATH=" + goroot + "/bin:/usr/bin:/bin:/usr/sbin HOME=/root GOTOOLCHAIN=local GOPROXY=off GOCACHE=" + cache + " GOMODCACHE=" + modules + "\n"
	if err := os.WriteFile(filepath.Join(stand, "Dockerfile"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b.run("build", "--isolation", "chroot", "-t", "stand-in", stand)
	b.from = []string{"-v", "/usr:/usr:ro", "-v", "/etc/ssl:/etc/ssl:ro", "-v", "/etc/alternatives:/etc/alternatives:ro",
		"-v", cache + ":" + cache, "-v", modules + ":" + modules + ":ro"}
	if !strings.HasPrefix(goroot, "/usr/") {
		b.from = append(b.from, "-v", goroot+":"+goroot+":ro")
	}
	return b
}

func (b *builder) goSays(name string) string {
	b.t.Helper()
	return strings.TrimSpace(must(b.t, command(b.t, "go", "env", name)))
}

func (b *builder) run(args ...string) string {
	b.t.Helper()
	return strings.TrimSpace(must(b.t, command(b.t, append(slices.Clone(b.args), args...)...)))
}

// build builds the image, and names it by its digest.
func (b *builder) build() string {
	b.t.Helper()
	base := regexp.MustCompile(`(?m)^FROM (\S+) AS build$`).FindStringSubmatch(read(b.t, dockerfile))
	if base == nil {
		b.t.Fatal("the Dockerfile builds in no image")
	}
	args := append([]string{"build", "--isolation", "chroot", "--format", "docker", "--timestamp", "0", "--no-cache", "-q",
		"--build-arg", "REVISION=abcdef0123456789", "--ignorefile", dockerfile + ".dockerignore",
		"--build-context", base[1] + "=container-image://localhost/stand-in:latest", "-f", dockerfile, "-t", "sidegate"}, b.from...)
	said := strings.Fields(b.run(append(args, top(b.t))...))
	return said[len(said)-1]
}

// inspected is what an image says of itself.
type inspected struct {
	User         string
	Env          []string
	Entrypoint   []string
	Cmd          []string
	WorkingDir   string
	Volumes      map[string]struct{}
	ExposedPorts map[string]struct{}
	Healthcheck  struct {
		Test              []string
		Interval, Timeout time.Duration
	}
}

func (b *builder) inspect(image string) inspected {
	b.t.Helper()
	var says struct {
		Docker struct{ Config inspected }
	}
	if err := json.Unmarshal([]byte(b.run("inspect", "--type", "image", image)), &says); err != nil {
		b.t.Fatal(err)
	}
	return says.Docker.Config
}

// layers are the digests of an image's files. (What else buildah writes into an image
// of this format has the name of a container.)
func (b *builder) layers(image string) []string {
	b.t.Helper()
	var says struct {
		Docker struct {
			RootFS struct {
				Layers []string `json:"diff_ids"`
			}
		}
	}
	if err := json.Unmarshal([]byte(b.run("inspect", "--type", "image", image)), &says); err != nil {
		b.t.Fatal(err)
	}
	return says.Docker.RootFS.Layers
}

// mount is the folder with the files of an image.
func (b *builder) mount(image string) string {
	b.t.Helper()
	container := b.run("from", image)
	root := b.run("mount", container)
	b.t.Cleanup(func() { _ = exec.Command(b.args[0], append(slices.Clone(b.args[1:]), "rm", container)...).Run() }) // #nosec G204 -- the test's own
	return root
}

func holdsConfig(t *testing.T, is inspected) {
	if is.User != "65532:65532" {
		t.Errorf("it runs as %q", is.User)
	}
	if !slices.Equal(is.Entrypoint, []string{"/caddy"}) || is.WorkingDir != "/data" {
		t.Errorf("it starts %q in %q", is.Entrypoint, is.WorkingDir)
	}
	health := is.Healthcheck
	if len(health.Test) != 4 || !slices.Equal(health.Test[:3], []string{"CMD", "/caddy", "sidegate-health"}) || health.Interval != 10*time.Second {
		t.Errorf("its HEALTHCHECK is %+v", health)
	}
	for port := range is.ExposedPorts {
		if len(port) < len("1024/tcp") {
			t.Errorf("it listens on %s, which its user may not", port)
		}
	}
}

// holdsFiles wants nothing in the image that somebody who breaks in could use.
func holdsFiles(t *testing.T, root string) {
	var files []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			name, _ := filepath.Rel(root, path)
			files = append(files, name)
		}
		return err
	})
	if want := []string{"caddy", "etc/group", "etc/passwd", "etc/ssl/certs/ca-certificates.crt"}; err != nil || !slices.Equal(files, want) {
		t.Errorf("%v: it has %q, want %q", err, files, want)
	}
	binary, err := elf.Open(filepath.Join(root, "caddy"))
	if err != nil {
		t.Fatal(err)
	}
	defer binary.Close()
	if libraries, err := binary.ImportedLibraries(); err != nil || len(libraries) > 0 {
		t.Errorf("%v: the binary wants %q, which is not there", err, libraries)
	}
	if said := must(t, command(t, filepath.Join(root, "caddy"), "version")); !strings.Contains(said, "v2.") {
		t.Errorf("caddy version says %q", said)
	}
}
