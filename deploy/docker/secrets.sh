#!/bin/sh
# Makes the secrets that compose.yaml names, in the folder secrets beside it, and one
# person, whose password it tells. What is there already stays; run it again at any time.
# The image hashes the password; without Docker say CADDY=$PWD/caddy, or how else caddy is
# called here.
set -eu

cd -- "$(dirname -- "$0")"
mkdir -p secrets
# Compose mounts the files as they are, for a user of the container: they are readable,
# and the folder lets nobody else in.
chmod 700 secrets || {
	echo "secrets.sh: give the folder $PWD/secrets to the user $(id -un), or take it away: a container that was started before there was one has made it" >&2
	exit 1
}

for name in sidegate_secret redis_password users.yaml; do
	[ ! -d "secrets/$name" ] || rmdir "secrets/$name" 2>/dev/null || {
		echo "secrets.sh: take away the folder $PWD/secrets/$name, in whose place a file goes: a container that was started before there was one has made it" >&2
		exit 1
	}
done
for name in sidegate_secret redis_password; do
	[ -s "secrets/$name" ] && continue
	rm -f "secrets/$name" # nobody may write into what is there
	openssl rand -base64 32 >"secrets/$name"
done
if ! [ -s secrets/users.yaml ]; then
	if [ -f "${CADDY-}" ]; then # by a path, which may have a blank
		set -- "$CADDY"
	else
		# shellcheck disable=SC2086 # words
		set -- ${CADDY:-docker run --rm -i --pull never sidegate}
	fi
	command -v "$1" >/dev/null || {
		echo "secrets.sh: there is no program $1: start Docker and build the image (docker compose -f deploy/docker/compose.yaml build), or run CADDY=\$PWD/caddy deploy/docker/secrets.sh" >&2
		exit 1
	}
	password=$(openssl rand -hex 12)
	hash=$(printf %s "$password" | "$@" hash-password --algorithm argon2id) || {
		echo "secrets.sh: no password was hashed, as said above: start Docker and build the image (docker compose -f deploy/docker/compose.yaml build), or run CADDY=\$PWD/caddy deploy/docker/secrets.sh" >&2
		exit 1
	}
	rm -f secrets/users.yaml
	printf 'users:\n  - id: 1\n    email: ada@example.com\n    password: %s\n    roles: [admin]\n' "$hash" >secrets/users.yaml
	echo "ada@example.com signs in with the password $password"
fi
chmod 444 secrets/*
# Of a clone that was made under umask 077 no container could open what is mounted.
chmod a+r gateway.caddy app.caddy redis.conf redis.sh ../demo/upstream.html
echo "secrets are in $PWD/secrets"
