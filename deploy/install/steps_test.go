package install_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// steps are the lines that the top of a file has to be typed.
func steps(t *testing.T, file string) (lines []string) {
	t.Helper()
	for line := range strings.Lines(read(t, file)) {
		if step, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "#\t"); ok {
			lines = append(lines, step)
		} else if !strings.HasPrefix(line, "#") {
			break
		}
	}
	return lines
}

// TestTheStepsOfTheUnitWorkOnABareMachine: a Debian 12 has no /etc/sysusers.d, and root's
// umask may be 077. Nothing of systemd runs but what makes the user, whose group only root
// could give files to.
func TestTheStepsOfTheUnitWorkOnABareMachine(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "etc"), 0o750); err != nil {
		t.Fatal(err)
	}
	all := strings.Join(steps(t, unitFile), "\n")
	host, enabled := strings.Index(all, "$HOST"), strings.Index(all, "enable --now")
	if host < 0 || host > enabled {
		t.Error("the service starts before it has the host of its operator")
	}
	all = regexp.MustCompile(`systemctl [^&\n]*(&&)?`).ReplaceAllString(all, "")
	all = replaced(t, all, " -g sidegate", "", " /etc/", " "+root+"/etc/", ">/etc/", ">"+root+"/etc/", " /usr/", " "+root+"/usr/",
		"systemd-sysusers", "systemd-sysusers --root="+root, "$(caddy hash-password --algorithm argon2id)", "HASH",
		"755 caddy ", "755 /bin/true ", "HOST=app.example.com", "HOST=gate.example.org")
	cmd := command(t, "sh", "-euc", "umask 077\n"+all)
	cmd.Dir = top(t)
	must(t, cmd)
	for name, mode := range map[string]os.FileMode{"Caddyfile": 0o640, "users.yaml": 0o640, "secret": 0o600} {
		if is, err := os.Stat(filepath.Join(root, "etc/sidegate", name)); err != nil || is.Mode().Perm() != mode || is.Size() == 0 {
			t.Errorf("%s: %v %v, want %v", name, is, err, mode)
		}
	}
	if made := read(t, filepath.Join(root, "etc/sidegate/Caddyfile")); !strings.Contains(made, "\ngate.example.org {") || strings.Contains(made, "app.example.com") {
		t.Errorf("the host is not in\n%s", made)
	}
	if users := read(t, filepath.Join(root, "etc/passwd")); !strings.HasPrefix(users, "sidegate:") {
		t.Errorf("the users are %q", users)
	}
}

// shipped is a copy of what compose.yaml is made of, as in a clone under that umask.
func shipped(t *testing.T, mask string) (docker string) {
	t.Helper()
	dir := t.TempDir()
	copyShipped(t, filepath.Join(top(t), "deploy"), dir)
	must(t, command(t, "chmod", "-R", mask, dir))
	return filepath.Join(dir, "docker")
}

func TestTheSecretsOfAnOperatorAreNotCopied(t *testing.T) {
	docker := shipped(t, "u+rwX")
	if err := os.MkdirAll(filepath.Join(docker, "secrets"), 0o700); err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	copyShipped(t, filepath.Dir(docker), to)
	if _, err := os.Stat(filepath.Join(to, "docker/secrets")); err == nil {
		t.Error("they are copied")
	}
}

func TestTheSecretsAreMade(t *testing.T) {
	for _, test := range []struct{ name, mask, caddy, says string }{
		{"in a clone that others read", "u+rwX", "echo", "signs in with the password"},
		{"in a clone that nobody else reads", "go-rwx", "echo", "signs in with the password"},
		{"not without the image", "u+rwX", "false", "build the image (docker compose"},
		{"not without Docker", "u+rwX", "/nowhere/docker", "secrets.sh: there is no program /nowhere/docker: start Docker"},
		{"not by a program of another folder", "u+rwX", "./caddy hash", "secrets.sh: there is no program ./caddy: start Docker"},
	} {
		t.Run(test.name, func(t *testing.T) {
			docker := shipped(t, test.mask)
			cmd := command(t, filepath.Join(docker, "secrets.sh"))
			cmd.Env = append(os.Environ(), "CADDY="+test.caddy)
			said, err := cmd.CombinedOutput()
			if (err == nil) != (test.caddy == "echo") || !strings.Contains(string(said), test.says) || err != nil && !strings.HasPrefix(string(said), "secrets.sh: ") {
				t.Fatalf("%v: it says %s", err, said)
			}
			if err != nil {
				return
			}
			for _, name := range []string{"gateway.caddy", "app.caddy", "redis.sh", "redis.conf", "../demo/upstream.html", "secrets/redis_password"} {
				if is, err := os.Stat(filepath.Join(docker, name)); err != nil || is.Mode().Perm()&0o004 == 0 {
					t.Errorf("the containers cannot read %s: %v %v", name, is, err)
				}
			}
		})
	}
}

func TestTheSecretsAreMadeByAProgramWhosePathHasABlank(t *testing.T) {
	docker, caddy := shipped(t, "u+rwX"), filepath.Join(t.TempDir(), "a caddy")
	if err := os.WriteFile(caddy, []byte("#!/bin/sh\necho hashed\n"), 0o700); err != nil { // #nosec G306 -- a program
		t.Fatal(err)
	}
	cmd := command(t, filepath.Join(docker, "secrets.sh"))
	cmd.Env = append(os.Environ(), "CADDY="+caddy)
	if said, err := cmd.CombinedOutput(); err != nil || !strings.Contains(read(t, filepath.Join(docker, "secrets/users.yaml")), "password: hashed") {
		t.Errorf("%v: it says %s", err, said)
	}
}

func TestAFolderOfSecretsThatIsAnothersIsToldWithTheStep(t *testing.T) {
	docker, programs := shipped(t, "u+rwX"), t.TempDir()
	if err := os.WriteFile(filepath.Join(programs, "chmod"), []byte("#!/bin/sh\nexit 1\n"), 0o700); err != nil { // #nosec G306 -- a program
		t.Fatal(err)
	}
	cmd := command(t, filepath.Join(docker, "secrets.sh"))
	cmd.Env = append(os.Environ(), "CADDY=echo", "PATH="+programs+":"+os.Getenv("PATH"))
	if said, err := cmd.CombinedOutput(); err == nil || !strings.HasPrefix(string(said), "secrets.sh: give the folder "+docker+"/secrets to the user ") {
		t.Errorf("%v: it says %s", err, said)
	}
}

// A container that is started before its secrets are there has folders in their place.
func TestFoldersInThePlaceOfSecretsAreToldOrTakenAway(t *testing.T) {
	docker := shipped(t, "u+rwX")
	folder := func(name string) {
		if err := os.MkdirAll(filepath.Join(docker, "secrets", name), 0o750); err != nil {
			t.Fatal(err)
		}
	}
	secrets := func() (string, error) {
		cmd := command(t, filepath.Join(docker, "secrets.sh"))
		cmd.Env = append(os.Environ(), "CADDY=echo")
		said, err := cmd.CombinedOutput()
		return string(said), err
	}
	folder("redis_password/full")
	if said, err := secrets(); err == nil || !strings.HasPrefix(said, "secrets.sh: take away the folder "+docker+"/secrets/redis_password") {
		t.Errorf("%v: it says %s", err, said)
	}
	if err := os.Remove(filepath.Join(docker, "secrets/redis_password/full")); err != nil {
		t.Fatal(err)
	}
	folder("users.yaml")
	if said, err := secrets(); err != nil || read(t, filepath.Join(docker, "secrets/redis_password")) == "" || read(t, filepath.Join(docker, "secrets/users.yaml")) == "" {
		t.Errorf("%v: it says %s", err, said)
	}
}

func TestRedisSaysWhatToDoWhenItDoesNotStart(t *testing.T) {
	dir := t.TempDir()
	file, conf := filepath.Join(dir, "password"), filepath.Join(dir, "redis.conf")
	for _, path := range []string{file, conf} {
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct{ name, secret, run, conf, says string }{
		{"a folder in the place of the password", dir, dir, conf, "name the file of the password, by REDIS_PASSWORD_FILE: " + dir + " is a folder"},
		{"no password", dir + "/none", dir, conf, "make the password of Redis"},
		{"no folder for the user", file, dir + "/none", conf, "make the folder " + dir + "/none"},
		{"a file in the place of that folder", file, file, conf, "make the folder " + file},
		{"no configuration", file, dir, dir + "/none", "name the configuration of Redis, by REDIS_CONF: " + dir + "/none"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmd := command(t, "sh", "../docker/redis.sh")
			cmd.Env = append(os.Environ(), "REDIS_PASSWORD_FILE="+test.secret, "REDIS_RUN="+test.run, "REDIS_CONF="+test.conf)
			if said, err := cmd.CombinedOutput(); err == nil || !strings.HasPrefix(string(said), "redis.sh: "+test.says) || strings.Count(string(said), "\n") != 1 {
				t.Errorf("%v: it says %s", err, said)
			}
		})
	}
}

// TestOneServiceBuildsTheImage: of two, Docker would store the image of the first, and
// fail with that of the second.
func TestOneServiceBuildsTheImage(t *testing.T) {
	built := 0
	for name, s := range composed(t).Services {
		if s.Build != nil {
			built++
		}
		if s.Image == "sidegate" && s.PullPolicy != "never" {
			t.Errorf("a registry is asked for the image of %s", name)
		}
	}
	if built != 1 {
		t.Errorf("%d services build", built)
	}
}

// stub stands in for docker and kubectl: it notes how it was called, and is kubectl as far
// as the files that it is given must be there.
const stub = `#!/bin/sh
echo "${0##*/} $*" >>"$CALLS"
case "$*" in
*hash-password*) cat >/dev/null && echo HASH ;;
esac
for word; do
	case $word in
	--from-file=*) [ -s "${word#*=}" ] || exit 1 ;;
	esac
done
`

// TestTheStepsOfTheOverlaysMakeWhatTheyApply: no registry has the image until it is
// pushed, and the files of the secret are nobody's until they are made.
func TestTheStepsOfTheOverlaysMakeWhatTheyApply(t *testing.T) {
	for _, overlay := range overlays {
		t.Run(overlay, func(t *testing.T) {
			dir, bin := t.TempDir(), t.TempDir()
			if err := os.MkdirAll(filepath.Join(dir, "deploy"), 0o750); err != nil {
				t.Fatal(err)
			}
			must(t, command(t, "cp", "-r", "../kubernetes", filepath.Join(dir, "deploy")))
			for _, name := range []string{"docker", "kubectl"} {
				if err := os.WriteFile(filepath.Join(bin, name), []byte(stub), 0o700); err != nil { // #nosec G306 -- it is run
					t.Fatal(err)
				}
			}
			typed := replaced(t, strings.Join(steps(t, "../kubernetes/overlays/"+overlay+"/kustomization.yaml"), "\n"),
				"HOST=app.example.com PROXIES=192.0.2.0/24 IMAGE=registry.example.com/sidegate:0.1.0",
				"HOST=gate.example.org PROXIES='10.244.0.0/24 10.244.1.0/24' IMAGE=images.example.org:5000/gate:7")
			cmd := command(t, "sh", "-euc", typed)
			cmd.Dir = dir
			cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "CALLS="+filepath.Join(bin, "calls"))
			said := must(t, cmd)
			calls := read(t, filepath.Join(bin, "calls"))
			push, apply := strings.Index(calls, "docker push images.example.org:5000/gate:7"), strings.Index(calls, "kubectl apply -k deploy/kubernetes/overlays/"+overlay)
			if push < 0 || apply < push {
				t.Errorf("the calls are\n%s", calls)
			}
			if !strings.Contains(said, "you@example.com signs in with ") {
				t.Errorf("it says %q", said)
			}
			if made := read(t, filepath.Join(dir, "deploy/kubernetes/base/kustomization.yaml")); !strings.Contains(made, "newName: images.example.org:5000/gate\n    newTag: '7'\n") {
				t.Errorf("the image is not in\n%s", made)
			}
			if made := read(t, filepath.Join(dir, "deploy/kubernetes/base/gateway.caddy")); strings.Contains(made, "app.example.com") || strings.Count(made, "gate.example.org") < 2 {
				t.Errorf("the host is not in\n%s", made)
			} else if !strings.Contains(made, "\ttrusted_proxies static 10.244.0.0/24 10.244.1.0/24\n") {
				t.Errorf("the proxies are not in\n%s", made)
			}
			if left, err := os.ReadDir(dir); err != nil || len(left) != 1 {
				t.Errorf("%v: secrets are left beside the repository's files: %v", err, left)
			}
		})
	}
}
