package install_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// inside is the script that a container is started by: its root is read-only, and has
// what compose.yaml mounts; it has no capability and gets none. Where a file is not
// there, nothing is mounted.
const inside = `
set -eu
root=$1 user=$2 mounts=$3
shift 3
mount --bind "$root" "$root"
printf %s "$mounts" | while IFS='	' read -r kind from to; do
	if [ "$kind" = tmpfs ] || [ -d "$from" ]; then
		mkdir -p "$root$to"
	elif [ -e "$from" ]; then
		mkdir -p "$(dirname "$root$to")"
		: >>"$root$to"
	else
		rm -f "$root$to"
	fi
done
mkdir -p "$root/proc"
mount -o remount,bind,ro "$root"
mount -t proc proc "$root/proc"
printf %s "$mounts" | while IFS='	' read -r kind from to; do
	case $kind in
	bind) [ ! -e "$from" ] || mount --bind "$from" "$root$to" ;;
	tmpfs) mount -t tmpfs -o "$from" tmpfs "$root$to" ;;
	esac
done
exec setpriv --no-new-privs chroot --userspec="$user" --groups= "$root" "$@"
`

// container is a service of compose.yaml, with its command.
func (s *site) container(name string) *exec.Cmd {
	command := s.file.Services[name].Command
	if len(command) == 0 {
		command = s.image.Cmd
	}
	return s.runs(name, append(slices.Clone(s.image.Entrypoint), command...))
}

// runs runs a command in a service of compose.yaml.
func (s *site) runs(name string, args []string) *exec.Cmd {
	s.t.Helper()
	service := s.file.Services[name]
	all := []string{"unshare", "--mount", "--propagation", "private", "sh", "-c", inside, "sh", s.root, service.User, s.mounts(name)}
	cmd := command(s.t, append(all, args...)...)
	cmd.Env = append(slices.Clone(s.image.Env), "PATH="+os.Getenv("PATH"))
	return cmd
}

// mounts are those of a service, one a line: kind, source or options, target.
func (s *site) mounts(name string) string {
	s.t.Helper()
	service := s.file.Services[name]
	var all strings.Builder
	add := func(words ...string) { all.WriteString(strings.Join(words, "\t") + "\n") }
	for _, v := range service.Volumes {
		from := v.Source
		if v.Type == "volume" {
			from = s.folder("volume-" + v.Source)
			if err := os.Chown(from, 65532, 65532); err != nil {
				s.t.Fatal(err)
			}
		} else {
			from = s.copied(from)
		}
		add("bind", from, v.Target)
	}
	for _, f := range service.Tmpfs {
		target, options, _ := strings.Cut(f, ":")
		add("tmpfs", options, target)
	}
	for _, secret := range service.Secrets {
		target := secret.Target
		if !strings.HasPrefix(target, "/") {
			target = filepath.Join("/run/secrets", firstOf(target, secret.Source))
		}
		add("bind", s.copied(s.file.Secrets[secret.Source].File), target)
	}
	return all.String()
}

// copied is a file of the repository in the copy that the test has of it.
func (s *site) copied(path string) string {
	s.t.Helper()
	name, err := filepath.Rel(top(s.t), path)
	if err != nil || strings.HasPrefix(name, "..") {
		s.t.Fatalf("%s is not in the repository", path)
	}
	return filepath.Join(s.dir, name)
}

func firstOf(texts ...string) string {
	return texts[slices.IndexFunc(texts, func(s string) bool { return s != "" })]
}
