#!/bin/sh
# Starts Redis with one user, the gateway's, whose password is a file; `redis.sh health`
# asks it. The rights are those of ../OPERATIONS.md ("The user of Redis").
set -eu

secret=${REDIS_PASSWORD_FILE:-/run/secrets/redis_password}
run=${REDIS_RUN:-/run/redis}
conf=${REDIS_CONF:-/etc/redis/redis.conf}
rights='~sidegate:* &sidegate:* +hello +ping +eval +evalsha +time +exists +get +set +setrange +getrange +strlen +pttl +pexpire +del +incr +decr +incrby +zadd +zscore +zcount +zrange +zrangebyscore +zrem +publish +subscribe +scan +type +wait +info'

if ! [ -s "$secret" ]; then
	echo "redis.sh: make the password of Redis, by deploy/docker/secrets.sh: $secret is missing or empty" >&2
	exit 1
fi
if ! [ -r "$secret" ]; then
	echo "redis.sh: let the user $(id -u) read $secret, by deploy/docker/secrets.sh" >&2
	exit 1
fi
password=$(cat "$secret")
if [ -z "$password" ]; then
	echo "redis.sh: make the password of Redis, by deploy/docker/secrets.sh: $secret is blank" >&2
	exit 1
fi

if [ "${1-}" = health ]; then
	said=$(REDISCLI_AUTH=$password redis-cli ${REDIS_PORT:+-p "$REDIS_PORT"} --user sidegate ping 2>&1) || :
	[ "$said" = PONG ] || {
		echo "redis.sh: Redis does not answer: $said" >&2
		exit 1
	}
	exit
fi

# Redis keeps the password as its digest, and the file is gone with the container.
(umask 077 && printf 'user default off\nuser sidegate on #%s %s\n' \
	"$(printf %s "$password" | sha256sum | cut -d' ' -f1)" "$rights" >"$run/users.acl")
exec redis-server "$conf" "$@"
