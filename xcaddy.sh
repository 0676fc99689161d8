#!/usr/bin/env bash
# Builds, tests and starts Sidegate. `./xcaddy.sh help` says how.
set -euo pipefail

root=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}")")" && pwd)
readonly root
readonly module=example.com/sidegate
version=$(sed -n 's/^const Version = "\(.*\)"$/\1/p' "$root/caddymodule/version.go")
readonly version

# What xcaddy builds with, but for the linker's flags; see `ldflags`.
readonly tags=nobadger,nomysql,nopgx

# What a built ./caddy must contain; see `check`.
readonly wanted=(
	sidegate
	http.handlers.session_endpoints
	http.handlers.session_auth
	http.matchers.session
	http.reverse_proxy.transport.sidegate
	sidegate.stores.embedded
	sidegate.stores.memory
	sidegate.stores.redis
	sidegate.logins.users
	sidegate.logins.oidc
	sidegate.logins.app
	sidegate.directories.http
)

usage() {
	cat <<'TEXT'
usage: ./xcaddy.sh [build] [xcaddy build arguments]
       ./xcaddy.sh run [caddy run arguments]
       ./xcaddy.sh test [-long] [-slowest] [go test arguments]
       ./xcaddy.sh help

build  makes ./caddy: Caddy with its standard modules and Sidegate's. It uses
       xcaddy where that is installed, and then takes further plugins:
         ./xcaddy.sh --with github.com/caddy-dns/cloudflare
run    makes ./caddy without further plugins and starts the demo in the
       Caddyfile. It needs no Redis and no identity provider.
test   runs every test with the race detector, and first installs what they
       need and is missing: redis-server, chromium, nginx, haproxy, apache2
       (with lua-socket), htpasswd, promtool, php, buildah, systemd-analyze (nothing of
       systemd runs), strace, a C compiler for the detector, and
       Python (with PyJWT) and Node, which run what the README has in those
       languages; and, to be signed in to, radicale, python3-django, mercurial
       and fossil (with fcgiwrap). Node tests the client for browsers, too, with packages from
       npm at the versions of a package-lock.json.
         -long     sets SIDEGATE_LONG=1: soak and fault tests run at full
                   length, figures are held to their bounds, and tools that
                   take minutes to build look at the manifests once more
         -slowest  prints the ten slowest tests at the end
       With packages among the arguments, as paths from this folder, only
       those are tested:
         ./xcaddy.sh test ./sessionstore/... -run Revoke
TEXT
}

fail() {
	echo "xcaddy.sh: $*" >&2
	exit 1
}

# build makes ./caddy, by xcaddy where it is installed, and checks it.
build() {
	if command -v xcaddy >/dev/null; then
		build_with_xcaddy "$@"
	elif (($# > 0)); then
		fail "building with '$*' needs xcaddy: go install github.com/caddyserver/xcaddy/cmd/xcaddy@latest, and put \"$(go env GOPATH)/bin\" on PATH"
	else
		build_with_go
	fi
	check
}

# ldflags are xcaddy's, and tell the binary which commit it is built of: the
# stamp of the go command would tell of the main module, which is a scratch one.
ldflags() {
	local commit changed=
	echo -n '-w -s'
	# Where git refuses the folder (it belongs to somebody else, as in many
	# containers) or is not there, nothing is told.
	# An image is built of the sources alone, and told the commit by SIDEGATE_REVISION.
	if [[ ${SIDEGATE_REVISION-} ]]; then
		echo " -X $module/caddymodule.revision=$SIDEGATE_REVISION"
		return
	fi
	commit=$(git -C "$root" rev-parse HEAD 2>/dev/null) || return 0
	[[ -z $(git -C "$root" status --porcelain) ]] || changed=+modified
	echo " -X $module/caddymodule.revision=$commit$changed"
}

build_with_xcaddy() {
	local arg caddy private
	for arg; do
		# Another name would leave an old ./caddy behind, and check that one.
		[[ $arg != --output* ]] || fail "the binary is always ./caddy: leave out --output and move it afterwards"
	done
	caddy=$(go -C "$root" list -m -f '{{.Version}}' github.com/caddyserver/caddy/v2)
	# The go command asks for a module at our package's path before it looks at
	# the one that --replace names. Only 404 means "none there, look further",
	# and some module proxies answer a path that they do not know with 400 or
	# 403. So our own path, which no proxy serves, is not asked of any. Every
	# other module keeps to the proxies of GOPROXY, and to what they refuse.
	# A --replace without the version would have xcaddy take one that says nothing.
	private=$(go env GONOPROXY)
	GONOPROXY=${private:+$private,}$module \
		XCADDY_GO_BUILD_FLAGS=${XCADDY_GO_BUILD_FLAGS-"-trimpath -tags $tags -ldflags '$(ldflags)'"} \
		xcaddy build "$caddy" --with "$module/caddymodule@$version" --replace "$module@$version=$root" --output "$root/caddy" "$@"
}

# build_with_go makes the binary that xcaddy would make without further
# plugins, as xcaddy does: of a scratch module that requires ours, for Caddy
# tells the versions of what the main module requires, and not its own. It
# requires what our go.mod does and not a module more.
build_with_go() (
	scratch=$(mktemp -d)
	trap 'rm -rf -- "$scratch"' EXIT
	cp -- "$root/go.mod" "$root/go.sum" "$root/caddymodule/cmd/caddy/main.go" "$scratch"
	go mod edit -module=caddy -require="$module@$version" "$scratch/go.mod"
	echo "replace $module => \"$root\"" >>"$scratch/go.mod" # a path may have blanks
	# Without C, as xcaddy builds too: it runs on any Linux, and in an empty image.
	CGO_ENABLED=${CGO_ENABLED:-0} GOWORK=off go -C "$scratch" build -mod=readonly -buildvcs=false -trimpath -ldflags "$(ldflags)" -tags "$tags" -o "$root/caddy" .
)

# check makes sure that Sidegate's modules are in ./caddy, and tell our version.
check() {
	local have name missing=()
	if [[ $(go env GOOS GOARCH) != $(go env GOHOSTOS GOHOSTARCH) ]]; then
		echo "built $root/caddy for another platform; its modules were not checked"
		return
	fi
	have=$("$root/caddy" list-modules --versions) || fail "the new ./caddy does not start"
	for name in "${wanted[@]}"; do
		grep -qxF -- "$name $version" <<<"$have" || missing+=("$name")
	done
	((${#missing[@]} == 0)) || fail "./caddy was built without $version of ${missing[*]}: is every package imported in caddymodule?"
	echo "built $root/caddy with Sidegate's ${#wanted[@]} modules: $("$root/caddy" version)"
}

# run starts the demo. Paths in the Caddyfile are relative to its folder.
run() {
	echo "building $root/caddy; the first time that takes some minutes"
	build_with_go
	check
	cd -- "$root"
	exec ./caddy run --config Caddyfile "$@"
}

# run_tests tests the given packages, or every package of every module here.
run_tests() {
	local timeout=20m slowest=
	while :; do
		case ${1-} in
		-long)
			export SIDEGATE_LONG=1
			timeout=60m
			;;
		-slowest) slowest=1 ;;
		*) break ;;
		esac
		shift
	done
	install_for_tests
	export CGO_ENABLED=1 # the race detector is a C library
	cd -- "$root"
	if [[ $slowest ]]; then
		test_packages -json -timeout "$timeout" "$@" | go run ./deploy/slowest
	else
		test_packages -timeout "$timeout" "$@"
	fi
}

# test_packages runs go test on the packages among its arguments, or on those
# of every module: twice as many at once as there are processors, for tests wait
# for real programs more than they compute.
test_packages() {
	local dir arg failed=0
	set -- -p "$((2 * $(getconf _NPROCESSORS_ONLN)))" "$@"
	for arg; do
		case $arg in
		. | ./* | ../* | "$module"/*)
			go test -race "$@"
			return
			;;
		esac
	done
	while IFS= read -r dir; do
		(cd -- "$dir" && go test -race ./... "$@") || failed=1
	done < <(modules)
	return "$failed"
}

# modules lists the folders that hold a Go module, the top one first.
modules() {
	find . -name go.mod -not -path '*/testdata/*' -exec dirname {} \; | sort
}

install_for_tests() {
	command -v redis-server >/dev/null || install_packages redis-server
	can_compile_c || install_packages gcc libc6-dev
	command -v chromium >/dev/null || install_packages chromium
	can_verify_in_python || install_packages python3 python3-jwt python3-cryptography
	can_verify_in_node || install_packages nodejs
	can_speak_websocket_in_node || install_packages node-ws
	command -v npm >/dev/null || install_packages npm
	command -v curl >/dev/null || install_packages curl
	command -v htpasswd >/dev/null || install_packages apache2-utils
	command -v promtool >/dev/null || install_packages prometheus
	has_server nginx || install_packages nginx-light
	has_server haproxy || install_packages haproxy
	has_server apache2 || install_packages apache2
	has_socket_for_lua || install_packages lua-socket
	command -v php >/dev/null || install_packages php-cli
	has_installers || install_packages buildah systemd strace openssl
	has_apps || install_packages radicale python3-django python3-jwt python3-cryptography mercurial fossil fcgiwrap
	# The tests start servers of their own, on free ports of loopback; those of the
	# packages are not started, and where they run they are never asked.
	command -v redis-server >/dev/null || fail "redis-server is installed but not on PATH"
	command -v chromium >/dev/null || fail "chromium is installed but not on PATH"
	command -v htpasswd >/dev/null || fail "apache2-utils is installed but htpasswd is not on PATH"
	command -v promtool >/dev/null || fail "prometheus is installed but promtool is not on PATH"
	has_installers || fail "one of buildah, systemd-analyze, systemd-sysusers, strace and openssl is not on PATH"
	can_verify_in_python || fail "neither python3 nor /usr/bin/python3 has the modules jwt (PyJWT) and cryptography"
	has_server nginx && has_server haproxy && has_server apache2 || fail "nginx, haproxy or apache2 is installed but not on PATH"
	has_socket_for_lua || fail "lua-socket is installed, but not for the Lua 5.3 of Apache"
	command -v php >/dev/null || fail "php-cli is installed but php is not on PATH"
	command -v curl >/dev/null || fail "curl is installed but not on PATH"
	has_apps || fail "one of radicale, hg, fossil and fcgiwrap is not in /usr/bin or /usr/sbin, or /usr/bin/python3 has no django, jwt or cryptography"
	can_verify_in_node || fail "node is not on PATH, or older than 18"
	command -v npm >/dev/null || fail "npm is installed but not on PATH"
	can_speak_websocket_in_node || fail "node-ws is installed, but node does not find the module ws in /usr/share/nodejs"
	can_compile_c || fail "the C compiler '$(go env CC)' cannot compile: the race detector needs it"
}

# has_server looks where Debian puts servers too: that is not on everybody's PATH.
has_server() { PATH=$PATH:/usr/sbin command -v "$1" >/dev/null; }

# has_socket_for_lua looks for the module that Apache asks the gateway with.
has_socket_for_lua() { [[ -e /usr/share/lua/5.3/socket/http.lua ]]; }

# has_installers looks for what the image and the unit are built and tried by.
has_installers() {
	local name
	for name in buildah systemd-analyze systemd-sysusers strace openssl; do
		command -v "$name" >/dev/null || return 1
	done
}

# has_apps looks for the programs that are started behind the gateway, and for the
# modules of the system's Python: apt installs them for no other.
has_apps() {
	local name
	for name in radicale hg fossil; do
		[[ -x /usr/bin/$name ]] || return 1
	done
	[[ -x /usr/sbin/fcgiwrap || -x /usr/bin/fcgiwrap ]] && /usr/bin/python3 -c 'import django, jwt, cryptography' >/dev/null 2>&1
}

# can_verify_in_python looks at the system's Python too: apt installs modules
# for that one, and it need not be the first on PATH.
can_verify_in_python() {
	python3 -c 'import jwt, cryptography' >/dev/null 2>&1 ||
		/usr/bin/python3 -c 'import jwt, cryptography' >/dev/null 2>&1
}

# can_verify_in_node wants a Node that has fetch: 18, or later.
can_verify_in_node() {
	node -e 'process.exit(typeof fetch === "function" ? 0 : 1)' >/dev/null 2>&1
}

# can_speak_websocket_in_node looks where Debian puts modules: not every node does.
can_speak_websocket_in_node() {
	NODE_PATH=/usr/share/nodejs node -e 'require("ws")' >/dev/null 2>&1
}

# can_compile_c tries the compiler and the C library's headers, for one without
# the other is common.
can_compile_c() {
	local cc
	read -ra cc <<<"$(go env CC)"
	echo '#include <stdlib.h>' | "${cc[@]}" -E - >/dev/null 2>&1
}

# install_unstarted installs packages whose services do not start with that: the
# one of prometheus would listen on every address. A policy that is there already
# is the system's own, and stays.
readonly install_unstarted='
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
	trap "rm -f $policy" EXIT
	printf "#!/bin/sh\nexit 101\n" >"$policy" && chmod 755 "$policy" || exit
fi
apt-get install -y -qq --no-install-recommends "$@"'

install_packages() {
	local as=()
	command -v apt-get >/dev/null ||
		fail "the tests need '$*', and there is no apt-get here: install that with your system's package manager"
	if ((EUID != 0)); then
		command -v sudo >/dev/null || fail "the tests need '$*': run as root: apt-get install $*"
		as=(sudo)
	fi
	echo "installing $*, which the tests need"
	# One broken source of packages must not keep us from those of the others.
	"${as[@]}" apt-get update -qq || echo "apt-get update failed: trying with the lists that are there" >&2
	"${as[@]}" env DEBIAN_FRONTEND=noninteractive sh -c "$install_unstarted" sh "$@" ||
		fail "apt-get could not install '$*': install it by hand, then try again"
}

main() {
	local word=${1-build}
	case $word in
	help | -h | --help) usage && return ;;
	build | run | test) shift || true ;;
	-*) word=build ;; # arguments for xcaddy build
	*)
		usage >&2
		exit 2
		;;
	esac
	command -v go >/dev/null || fail "go is not on PATH: install the version that go.mod names, or a later one, from https://go.dev/dl/"
	case $word in
	build) build "$@" ;;
	run) run "$@" ;;
	test) run_tests "$@" ;;
	esac
}

main "$@"
