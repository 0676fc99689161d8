#!/bin/sh
# Starts Redis with one user, the gateway's, whose password is a file; `redis.sh health`
# asks it. The rights are those of ../OPERATIONS.md ("The user of Redis").
set -eu

secret=${REDIS_PASSWORD_FILE:-/run/secrets/redis_password}
run=${REDIS_RUN:-/run/redis}
conf=${REDIS_CONF:-/etc/redis/redis.conf}
rights='~sidegate:* &sidegate:* +hello +ping +eval +evalsha +time +exists +get +set +setrange +getrange +strlen +pttl +pexpire +del +incr +decr +incrby +zadd +zscore +zcount +zrange +zrangebyscore +zrem +publish +subscribe +scan +type +wait +info'

# says tells what to do and ends.
says() {
	echo "redis.sh: $1" >&2
	exit 1
}

[ ! -d "$secret" ] || says "name the file of the password, by REDIS_PASSWORD_FILE: $secret is a folder; a container's mount makes one where the file was missing: take it away, run deploy/docker/secrets.sh, and make the container anew"
[ -s "$secret" ] || says "make the password of Redis, by deploy/docker/secrets.sh: $secret is missing or empty"
[ -r "$secret" ] || says "let the user $(id -u) read $secret, by deploy/docker/secrets.sh"
password=$(cat "$secret")
[ -n "$password" ] || says "make the password of Redis, by deploy/docker/secrets.sh: $secret is blank"

if [ "${1-}" = health ]; then
	said=$(REDISCLI_AUTH=$password redis-cli ${REDIS_PORT:+-p "$REDIS_PORT"} --user sidegate ping 2>&1) || :
	[ "$said" = PONG ] || says "Redis does not answer: $said"
	exit
fi

[ -d "$run" ] || says "make the folder $run, as tmpfs in compose.yaml does, or name another by REDIS_RUN: the file with the user of Redis goes there"
[ -w "$run" ] && [ -x "$run" ] || says "let the user $(id -u) write to the folder $run, as tmpfs in compose.yaml does, or name another by REDIS_RUN: the file with the user of Redis goes there"
[ -f "$conf" ] && [ -r "$conf" ] || says "name the configuration of Redis, by REDIS_CONF: $conf is no file that the user $(id -u) may read"

# Redis keeps the password as its digest, and the file is gone with the container.
(umask 077 && printf 'user default off\nuser sidegate on #%s %s\n' \
	"$(printf %s "$password" | sha256sum | cut -d' ' -f1)" "$rights" >"$run/users.acl")
exec redis-server "$conf" --aclfile "$run/users.acl" "$@"
