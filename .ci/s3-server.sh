#!/usr/bin/env bash
# A real S3 server for the tests, without Docker: Ceph's object gateway over one monitor and one disk in memory,
# all on loopback, from Debian's packages. Needs root. What is stored is gone when it stops.
#
#   .ci/s3-server.sh start [DIR]   uses a server that answers already; else installs what is missing and starts one
#   .ci/s3-server.sh stop  [DIR]   ends what `start` with the same DIR has started, and nothing else
#
# `start` prints the environment that clients need. DIR must be short: Unix sockets are made in it.
set -euo pipefail

verb=${1:-}
dir=${2:-/tmp/renderq-s3}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
port=${RENDERQ_CI_S3_PORT:-7480}
monitor_port=$((port + 1))
access_key=AKIATEST
secret_key=secrettest
ready_within_seconds=90

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
  if answers; then
    print_environment
    return
  fi
  install_ceph
  stop
  rm -rf "$dir"
  mkdir -p "$dir"/{mon,osd,rgw,run,log}
  cd "$dir"
  export CEPH_CONF=$dir/ceph.conf
  write_config
  # The output of a start that worked is of no interest; of one that failed, everything is.
  if ! start_cluster >log/start.log 2>&1 || ! wait_for_gateway || ! create_user; then
    tail -n 40 log/start.log log/gateway.log >&2 || true
    stop
    echo "the S3 server did not start on port $port; its logs are in $dir/log" >&2
    exit 1
  fi
  print_environment
}

stop() {
  local name pid
  for name in gateway osd mon; do
    [[ -s $dir/run/$name.pid ]] || continue
    pid=$(<"$dir/run/$name.pid")
    rm -f "$dir/run/$name.pid"
    # After a restart of the machine the number may belong to somebody else.
    grep -qaE 'radosgw|ceph-(mon|osd)' "/proc/$pid/cmdline" 2>/dev/null || continue
    kill "$pid" 2>/dev/null || continue
    for _ in {1..50}; do
      kill -0 "$pid" 2>/dev/null || continue 2
      sleep 0.1
    done
    # Everything it holds is in memory, so there is nothing to shut down in order.
    kill -9 "$pid" 2>/dev/null || true
  done
}

answers() {
  curl --silent --noproxy '*' --max-time 3 "http://127.0.0.1:$port/" 2>/dev/null | grep -q 'ListAllMyBucketsResult'
}

print_environment() {
  echo "AWS_ENDPOINT_URL=http://127.0.0.1:$port"
  echo "AWS_ACCESS_KEY_ID=$access_key"
  echo "AWS_SECRET_ACCESS_KEY=$secret_key"
  echo "AWS_REGION=us-east-1"
}

install_ceph() {
  local program
  for program in radosgw radosgw-admin ceph-mon ceph-osd ceph ceph-authtool monmaptool curl; do
    if ! command -v "$program" >/dev/null; then
      bash "$here/apt-install.sh" radosgw ceph-mon ceph-osd ceph-common curl
      return
    fi
  done
}

write_config() {
  cat >ceph.conf <<CONF
[global]
fsid = $(</proc/sys/kernel/random/uuid)
mon host = v2:127.0.0.1:$monitor_port
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind msgr1 = false
keyring = $dir/keyring
run dir = $dir/run
admin socket = $dir/run/\$name.asok
log file = $dir/log/\$name.log
# Run as whoever started us; the packages would change to a user of their own.
setuser match path =
# One disk, one copy, few placement groups: it has to be quick, not safe.
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
auth allow insecure global id reclaim = false

[mon.a]
host = localhost
mon data = $dir/mon
pid file = $dir/run/mon.pid

[osd.0]
osd data = $dir/osd
osd objectstore = memstore
memstore device bytes = 4294967296
pid file = $dir/run/osd.pid

[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$port
rgw data = $dir/rgw
rgw dns name = localhost
rgw crypt require ssl = false
CONF
}

# Checks itself, because `set -e` does not reach into a function that is tested by `if`.
start_cluster() {
  local fsid osd_uuid
  fsid=$(sed -n 's/^fsid = //p' ceph.conf)
  osd_uuid=$(</proc/sys/kernel/random/uuid)
  ceph-authtool --create-keyring keyring --gen-key -n mon. --cap mon 'allow *' &&
    ceph-authtool keyring --gen-key -n client.admin \
      --cap mon 'allow *' --cap osd 'allow *' --cap mgr 'allow *' &&
    ceph-authtool keyring --gen-key -n client.rgw --cap mon 'allow *' --cap osd 'allow *' &&
    ceph-authtool keyring --gen-key -n osd.0 --cap mon 'allow *' --cap osd 'allow *' &&
    monmaptool --create --fsid "$fsid" --addv a "[v2:127.0.0.1:$monitor_port]" monmap &&
    ceph-mon --mkfs -i a --monmap monmap --keyring keyring &&
    ceph-mon -i a &&
    ceph --connect-timeout 30 auth import -i keyring &&
    ceph --connect-timeout 30 osd new "$osd_uuid" &&
    ceph-osd -i 0 --mkfs --osd-uuid "$osd_uuid" &&
    ceph-osd -i 0 &&
    start_gateway
}

start_gateway() {
  setsid radosgw -n client.rgw -f </dev/null >log/gateway.log 2>&1 &
  echo $! >run/gateway.pid
}

wait_for_gateway() {
  local give_up_at=$((SECONDS + ready_within_seconds))
  until answers; do
    ((SECONDS < give_up_at)) || return 1
    sleep 0.5
  done
}

create_user() {
  timeout 60 radosgw-admin user create --uid=renderq --display-name=renderq \
    --access-key="$access_key" --secret-key="$secret_key" >log/user.log 2>&1
}

main
