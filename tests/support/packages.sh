#!/usr/bin/env bash
# The Debian 12 packages that pgmoat needs, and their installation. Calls apt-get only when something
# is missing, so it is free when there is nothing to do.
#
#   packages.sh build|run|bench...     install what is missing in these groups (default: build run)
#   packages.sh --list GROUP...        print them
set -euo pipefail

packages_of() {
  case "$1" in
    build) echo g++ cmake ninja-build ccache libasio-dev libtomlplusplus-dev libcli11-dev rapidjson-dev \
      libpg-query-dev postgresql-server-dev-15 liblua5.4-dev libre2-dev libxxhash-dev libssl-dev libpq-dev python3 ;;
    run) echo postgresql-15 postgresql-client-15 python3 ;;
    test) echo clang libgtest-dev libbenchmark-dev postgresql-15 postgresql-client-15 python3 python3-pytest nlohmann-json3-dev lua-check openssl ;;
    bench) echo pgbouncer haproxy libbenchmark-dev valgrind ;;
    *) echo "packages.sh: unknown group '$1' (build, run, test, bench)" >&2; return 2 ;;
  esac
}

installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# apt-get, quietly; the end of its log is shown when it fails.
apt() {
  local log
  log=$(mktemp)
  if ! DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" >"$log" 2>&1 </dev/null; then
    echo "packages.sh: apt-get $* failed; its last lines:" >&2
    tail -n 20 "$log" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

# Debian's postgresql package creates and starts a cluster when it is installed first. Tests start
# servers of their own, so the package is told not to. A file that exists is somebody's choice.
no_default_cluster() {
  local file=/etc/postgresql-common/createcluster.conf
  [ -e "$file" ] && return
  mkdir -p "$(dirname "$file")"
  echo "create_main_cluster = false" >"$file"
}

main() {
  local list=false group package
  if [ "${1:-}" = --list ]; then list=true; shift; fi
  [ $# -gt 0 ] || set -- build run
  local wanted=() missing=()
  for group in "$@"; do
    local of
    of=$(packages_of "$group")
    wanted+=($of)
  done
  if $list; then printf '%s\n' "${wanted[@]}" | sort -u; return; fi
  for package in $(printf '%s\n' "${wanted[@]}" | sort -u); do
    installed "$package" || missing+=("$package")
  done
  if [ ${#missing[@]} -eq 0 ]; then return; fi
  if ! command -v apt-get >/dev/null; then
    echo "packages.sh: this is not Debian; install the equivalents of: ${missing[*]}" >&2
    return 1
  fi
  if [ "$(id -u)" -ne 0 ]; then
    echo "packages.sh: missing packages; as root run: apt-get install ${missing[*]}" >&2
    return 1
  fi
  echo "installing ${missing[*]}"
  case " ${missing[*]} " in *" postgresql-15 "*) no_default_cluster ;; esac
  for package in "${missing[@]}"; do
    if ! apt-cache show "$package" >/dev/null 2>&1; then apt update; break; fi
  done
  if ! apt install --no-install-recommends "${missing[@]}"; then
    echo "packages.sh: trying once more with fresh package lists" >&2
    apt update
    apt install --no-install-recommends "${missing[@]}"
  fi
}

main "$@"
