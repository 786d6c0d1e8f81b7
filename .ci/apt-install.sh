#!/usr/bin/env bash
# apt-install.sh PACKAGE...: installs Debian packages without questions, and without a word unless it fails.
set -euo pipefail

echo "installing $*" >&2
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export DEBIAN_FRONTEND=noninteractive
{
  # Somebody else's apt may hold the lock for a while.
  apt-get update -qq -o Acquire::Retries=3 &&
    apt-get install -y -qq --no-install-recommends -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 "$@"
} >"$log" 2>&1 </dev/null || {
  tail -n 40 "$log" >&2
  echo "could not install $*; this needs root, on Debian" >&2
  exit 1
}
