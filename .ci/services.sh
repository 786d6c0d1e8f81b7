#!/usr/bin/env bash
# The real services of the tests on loopback: Redis, Postgres and an S3 server, and the browser, from Debian's packages.
#
#   .ci/services.sh start [DIR]   uses what answers on the standard ports; installs (as root) and starts the rest
#   .ci/services.sh stop  [DIR]   ends what `start` with the same DIR has started, and nothing else
#
# `start` prints RENDERQ_TEST_* lines on stdout, for `export`. DIR must be short: Unix sockets are made in it.
# RENDERQ_CI_REDIS_PORT, RENDERQ_CI_POSTGRES_PORT and RENDERQ_CI_S3_PORT name other ports to look at.
set -euo pipefail

verb=${1:-}
dir=${2:-/tmp/renderq-services}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
redis_port=${RENDERQ_CI_REDIS_PORT:-6379}
postgres_port=${RENDERQ_CI_POSTGRES_PORT:-5432}

main() {
  case $verb in
    start) start ;;
    stop) stop ;;
    *)
      echo "usage: $0 start|stop [DIR]" >&2
      exit 2
      ;;
  esac
}

start() {
  # What an earlier start has left running would otherwise be forgotten.
  stop
  mkdir -p "$dir"
  # Postgres runs as a user of its own and must get through to its folder.
  chmod 711 "$dir"
  start_redis
  start_postgres
  start_s3
  find_chromium
}

stop() {
  if [[ -s $dir/redis.pid ]]; then
    end_process "$(<"$dir/redis.pid")" redis-server
    rm -f "$dir/redis.pid"
  fi
  if [[ -s $dir/postgres/postmaster.pid ]]; then
    as_postgres "$(postgres_bin)/pg_ctl" -D "$dir/postgres" -m immediate -t 30 stop >/dev/null || true
  fi
  bash "$here/s3-server.sh" stop "$dir/s3"
}

start_redis() {
  local port=$redis_port
  if ! redis_answers "$port"; then
    command -v redis-server >/dev/null || bash "$here/apt-install.sh" redis-server
    port=$(free_port)
    redis-server --bind 127.0.0.1 --port "$port" --save '' --appendonly no --maxmemory-policy noeviction \
      --dir "$dir" --daemonize yes --pidfile "$dir/redis.pid" --logfile "$dir/redis.log" >&2
    wait_for Redis redis_answers "$port"
  fi
  echo "RENDERQ_TEST_REDIS_URL=redis://127.0.0.1:$port"
}

redis_answers() {
  local reply
  # Without a client of its own: redis-cli may not be installed where a server is.
  reply=$({
    exec 3<>"/dev/tcp/127.0.0.1/$1"
    printf 'PING\r\n' >&3
    IFS= read -r -t 3 line <&3
    printf '%s' "$line"
  } 2>/dev/null) || return 1
  [[ $reply == +PONG* ]]
}

start_postgres() {
  local port=$postgres_port
  if ! postgres_answers "$port"; then
    [[ -n $(postgres_bin) ]] || bash "$here/apt-install.sh" postgresql
    port=$(free_port)
    start_own_postgres "$port"
    wait_for Postgres postgres_answers "$port"
  fi
  echo "RENDERQ_TEST_POSTGRES_URL=postgres://postgres@127.0.0.1:$port/postgres"
}

# A server that wants a password is not for us: the tests have none.
postgres_answers() {
  port_is_open "$1" || return 1
  command -v psql >/dev/null || bash "$here/apt-install.sh" postgresql-client
  PGCONNECT_TIMEOUT=3 psql --no-password --no-psqlrc --quiet --tuples-only --command 'select 1' \
    "postgres://postgres@127.0.0.1:$1/postgres" >/dev/null 2>&1
}

start_own_postgres() {
  local bin
  bin=$(postgres_bin)
  rm -rf "$dir/postgres"
  mkdir -m 700 "$dir/postgres"
  if ((EUID == 0)); then chown postgres "$dir/postgres"; fi
  as_postgres "$bin/initdb" -D "$dir/postgres" -U postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 \
    --no-sync >"$dir/initdb.log" 2>&1 || { cat "$dir/initdb.log" >&2; return 1; }
  # fsync is off because its data need not outlive the machine.
  as_postgres "$bin/pg_ctl" -D "$dir/postgres" -l "$dir/postgres/server.log" -w -t 60 \
    -o "-p $1 -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off -c max_connections=200" \
    start >&2
}

postgres_bin() {
  find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1
}

# Postgres refuses to run as root.
as_postgres() {
  if ((EUID == 0)); then
    # From a folder that this user may enter; it complains otherwise.
    (cd / && runuser -u postgres -- "$@")
  else
    "$@"
  fi
}

start_s3() {
  bash "$here/s3-server.sh" start "$dir/s3" | sed -n 's/^AWS_ENDPOINT_URL=/RENDERQ_TEST_S3_ENDPOINT=/p'
}

# Not a service, but the tests need it in the same way.
find_chromium() {
  command -v chromium >/dev/null || bash "$here/apt-install.sh" chromium
  echo "RENDERQ_TEST_CHROMIUM=$(command -v chromium)"
}

port_is_open() {
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

free_port() {
  node -e 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => {
    console.log(s.address().port); s.close() })'
}

wait_for() {
  local name=$1 give_up_at=$((SECONDS + 30))
  shift
  until "$@"; do
    if ((SECONDS >= give_up_at)); then
      echo "$name did not start within 30 seconds; see $dir" >&2
      return 1
    fi
    sleep 0.2
  done
}

# After a restart of the machine the number may belong to somebody else, hence the name.
end_process() {
  local pid=$1 name=$2
  if grep -qa "$name" "/proc/$pid/cmdline" 2>/dev/null; then kill "$pid"; fi
}

main
