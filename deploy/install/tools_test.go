package install_test

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"example.com/sidegate/caddymodule/gatewaytest"
)

// The tools, and the versions that the schemas are of: of Kubernetes the newest that
// kubectl-validate carries, of the Gateway API the first that has ExternalAuth. They are
// raised by hand.
const (
	kustomize       = "sigs.k8s.io/kustomize/kustomize/v5@v5.8.1"
	compose         = "github.com/compose-spec/compose-go/v2/cmd@v2.10.0"
	kubectlValidate = "sigs.k8s.io/kubectl-validate@v0.0.4"
	kubernetes      = "1.30"
	gatewayAPI      = "sigs.k8s.io/gateway-api@v1.4.1"
)

// The tools are built of their sources, which takes minutes. So what they have made is
// kept in testdata, with the digests of what they have seen, and they are asked again
// when that has changed, and in long runs.
const again = "UPDATE_GOLDENS=1 go test ./deploy/install"

func updates() bool { return os.Getenv("UPDATE_GOLDENS") != "" }

// kept is what a tool has made.
func kept(t *testing.T, name string) string {
	t.Helper()
	return read(t, filepath.Join("testdata", name))
}

func TestTheToolsTakeTheFiles(t *testing.T) {
	if !gatewaytest.Long() && !updates() {
		return
	}
	made := map[string]string{"seen.txt": digests(t), "compose.json": composedByTool(t)}
	for _, overlay := range overlays {
		made[overlay+".yaml"] = kustomized(t, overlay)
	}
	holdsSchemas(t, made)
	for name, text := range made {
		if updates() && !t.Failed() {
			gatewaytest.WriteFile(t, filepath.Join("testdata", name), text)
		} else if text != kept(t, name) {
			t.Errorf("testdata/%s is not what the tools make: %s", name, again)
		}
	}
}

// TestTheToolsHaveSeenWhatIsShipped: the other tests read what the tools have made.
func TestTheToolsHaveSeenWhatIsShipped(t *testing.T) {
	if seen, now := kept(t, "seen.txt"), digests(t); seen != now {
		t.Errorf("the tools have seen\n%s\nand the files are\n%s\nHave them look: %s", seen, now, again)
	}
}

// digests are those of what the tools are given, as sha256sum prints them, below which
// tools they are.
func digests(t *testing.T) string {
	t.Helper()
	files := []string{"../docker/compose.yaml", "../verify/gateway-api.yaml", "../verify/ingress-nginx.yaml"}
	err := filepath.WalkDir("../kubernetes", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) < 10 {
		t.Fatalf("%v: only %q are there", err, files)
	}
	var all strings.Builder
	for _, name := range []string{kustomize, compose, kubectlValidate, "Kubernetes " + kubernetes, gatewayAPI} {
		fmt.Fprintln(&all, name)
	}
	for _, file := range files {
		fmt.Fprintf(&all, "%x  %s\n", sha256.Sum256([]byte(read(t, file))), file)
	}
	return all.String()
}

// tool runs a program of a module, which go builds once and keeps.
func tool(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	return command(t, append([]string{"go", "run", name}, args...)...)
}

// kustomized is what kubectl apply -k would send.
func kustomized(t *testing.T, overlay string) string {
	t.Helper()
	return must(t, tool(t, kustomize, "build", "../kubernetes/overlays/"+overlay))
}

// composedByTool is compose.yaml read with the program of the specification, which holds
// it to its schema; folders are told from the top one.
func composedByTool(t *testing.T) string {
	t.Helper()
	cmd := tool(t, compose, "--format", "json", "compose.yaml")
	cmd.Dir = "../docker"
	cmd.Env = append(os.Environ(), "REVISION=")
	return strings.ReplaceAll(must(t, cmd), `"`+top(t), `"`+placeOfTop)
}

// placeOfTop stands in testdata for where the repository is.
const placeOfTop = "{top}"

// validate holds manifests to the schemas that a server has.
func validate(t *testing.T, text string) (said string, err error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "manifests.yaml")
	gatewaytest.WriteFile(t, file, text)
	var module struct{ Dir string }
	if err := json.Unmarshal([]byte(must(t, command(t, "go", "mod", "download", "-json", gatewayAPI))), &module); err != nil {
		t.Fatal(err)
	}
	cmd := tool(t, kubectlValidate, "--version", kubernetes,
		"--local-crds", filepath.Join(module.Dir, "config/crd/experimental"), file)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// holdsSchemas wants what is shipped to be taken, and what is spoilt not to be.
func holdsSchemas(t *testing.T, made map[string]string) {
	t.Helper()
	gateway := read(t, "../verify/gateway-api.yaml")
	for name, text := range map[string]string{
		"embedded": made["embedded.yaml"], "redis": made["redis.yaml"],
		"gateway-api.yaml": gateway, "ingress-nginx.yaml": read(t, "../verify/ingress-nginx.yaml"),
	} {
		if said, err := validate(t, text); err != nil {
			t.Errorf("%s: %v\n%s", name, err, said)
		}
	}
	for _, wrong := range []struct{ text, was, is string }{
		{made["redis.yaml"], "replicas: 3", "replicas: three"},
		{made["redis.yaml"], "readOnlyRootFilesystem", "readonlyRootFilesystem"},
		{made["redis.yaml"], "maxUnavailable: 1\n  selector", "atMost: 1\n  selector"},
		{gateway, "type: ExternalAuth", "type: ExternalAuthentication"},
	} {
		if said, err := validate(t, replaced(t, wrong.text, wrong.was, wrong.is)); err == nil {
			t.Errorf("%q is taken: %s", wrong.is, said)
		}
	}
}
