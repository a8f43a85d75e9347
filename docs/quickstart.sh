#!/usr/bin/env bash
# pgmoat in one go: builds it, starts a private PostgreSQL with pgmoat in front, shows what is let
# through and what is refused, and cleans up after itself. Run it as often as you like.
#
#   docs/quickstart.sh                      a private PostgreSQL in a temporary folder
#   docs/quickstart.sh --backend HOST:PORT  your own server (PGUSER, PGPASSWORD, PGDATABASE apply)
#   docs/quickstart.sh --keep               leave it running and say how to connect
#
# PGMOAT_BIN names a binary to use instead of building one.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
backend="" keep=false
moat_pid="" pg_data="" temp=""

usage() { sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }
say() { printf '\n== %s\n' "$*"; }
fail() { printf 'quickstart: %s\n' "$*" >&2; exit 1; }
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
# initdb and postgres refuse to run as root.
as_postgres() { if [ "$(id -u)" -eq 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi; }

while [ $# -gt 0 ]; do
  case "$1" in
    --backend) [ $# -ge 2 ] || fail "--backend needs HOST:PORT"; backend=$2; shift 2 ;;
    --keep) keep=true; shift ;;
    -h|--help) usage; exit 0 ;;
    *) fail "unknown option '$1' (try --help)" ;;
  esac
done

# No client is left, so SIGTERM ends it at once; a process that stays is not waited for.
stop_pgmoat() {
  kill -TERM "$moat_pid" 2>/dev/null || true
  for _ in $(seq 50); do
    kill -0 "$moat_pid" 2>/dev/null || return 0
    sleep 0.1
  done
  kill -KILL "$moat_pid" 2>/dev/null || true
}

clean_up() {
  local status=$?
  if $keep && [ $status -eq 0 ]; then return; fi
  if [ -n "$moat_pid" ]; then stop_pgmoat; fi
  if [ -n "$pg_data" ]; then as_postgres "$pg_bin/pg_ctl" -D "$pg_data" -m immediate -w stop >/dev/null 2>&1 || true; fi
  if [ -n "$temp" ]; then rm -rf "$temp"; fi
}
trap clean_up EXIT
trap 'exit 130' INT TERM

get_binary() {
  binary=${PGMOAT_BIN:-$root/build/pgmoat}
  if [ -n "${PGMOAT_BIN:-}" ]; then
    [ -x "$binary" ] || fail "PGMOAT_BIN=$binary is not a program"
    return
  fi
  say "building pgmoat (about a minute the first time)"
  local tests=()
  [ -e "$root/build/CMakeCache.txt" ] || tests=(-DPGMOAT_TESTS=OFF)
  { cmake -S "$root" -B "$root/build" -G Ninja "${tests[@]}" && cmake --build "$root/build" --target pgmoat; } \
    >"$temp/build.log" 2>&1 || { tail -n 30 "$temp/build.log" >&2; fail "the build failed (see above)"; }
}

start_postgres() {
  say "starting a private PostgreSQL"
  pg_data=$temp/pg
  local port
  port=$(free_port)
  mkdir "$pg_data"
  [ "$(id -u)" -ne 0 ] || chown postgres: "$pg_data"
  as_postgres "$pg_bin/initdb" -D "$pg_data" -U postgres -A trust -E UTF8 --no-sync >"$temp/initdb.log" 2>&1 ||
    { cat "$temp/initdb.log" >&2; fail "initdb failed (see above)"; }
  as_postgres "$pg_bin/pg_ctl" -D "$pg_data" -w -t 60 -l "$pg_data/server.log" \
    -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off" start >"$temp/pg_ctl.log" 2>&1 ||
    { cat "$temp/pg_ctl.log" "$pg_data/server.log" >&2; fail "PostgreSQL did not start (see above)"; }
  backend=127.0.0.1:$port
  export PGUSER=postgres PGDATABASE=postgres
}

start_pgmoat() {
  say "starting pgmoat in front of $backend, enforcing"
  cat >"$temp/pgmoat.toml" <<'CONFIG'
[policy]
packs = ["core"]             # shipped rules: server files, programs, privileges, ...
paths = ["rules.toml"]       # rules of our own
CONFIG
  cat >"$temp/rules.toml" <<'RULES'
[pack]
id = "quickstart"
version = "1"
requires_api = 1

[[rule]]
id = "quickstart.no-drop"
match = { command = "DROP TABLE" }
deny = { message = "tables are not dropped through the firewall", hint = "Ask the database team." }

[[rule]]
id = "quickstart.cap"
match = { kind = "select", relations = "pg_catalog.pg_type" }
rewrite = { cap_limit = 3 }
RULES
  cat "$temp/pgmoat.toml" "$temp/rules.toml"
  moat_port=$(free_port)
  "$binary" run --config "$temp/pgmoat.toml" --backend "$backend" --listen "127.0.0.1:$moat_port" --mode enforce \
    >"$temp/pgmoat.out" 2>"$temp/events.jsonl" </dev/null &
  moat_pid=$!
  for _ in $(seq 100); do
    if grep -q "ready: listening on" "$temp/events.jsonl"; then return; fi
    kill -0 "$moat_pid" 2>/dev/null || break
    sleep 0.1
  done
  cat "$temp/events.jsonl" >&2
  fail "pgmoat did not become ready (its messages are above)"
}

# What psql shows is the point, so its errors are part of the output and not failures.
ask() { psql -X -h 127.0.0.1 -p "$moat_port" "$@" 2>&1 </dev/null || true; }
# expect TEXT SHOWN: prints what psql showed and insists that TEXT is in it.
expect() {
  local text=$1 shown=$2
  printf '%s\n' "$shown"
  grep -qF -- "$text" <<<"$shown" || fail "expected to see '$text' in what psql said above"
}

demonstrate() {
  say "an ordinary statement passes:  select 6 * 7 as answer"
  expect 42 "$(ask -c 'select 6 * 7 as answer')"

  say "a server's file is not read, however the call is written:  select ('/etc/passwd').pg_read_file"
  expect 'ERROR:  reading files of the server is not allowed' "$(ask -c "select ('/etc/passwd').pg_read_file")"

  say "refused inside a transaction, the transaction is aborted as after any error"
  local shown
  shown=$(ask -c 'begin' -c 'create table kept(i int)' -c 'drop table if exists kept' -c 'select 2 as after' -c 'commit')
  expect 'current transaction is aborted' "$shown"
  [ "$(tail -n 1 <<<"$shown")" = ROLLBACK ] || fail "expected ROLLBACK as the answer to commit"

  say "the session goes on after a refusal"
  expect 'still here' "$(ask -c 'drop table nothing' -c "select 'still here' as session" | grep -v ^HINT)"

  say "a statement is rewritten: pg_type has hundreds of rows, this policy lets three through"
  expect '(3 rows)' "$(ask -c 'select typname from pg_type order by 1')"
  "$binary" explain --config "$temp/pgmoat.toml" 'select typname from pg_type order by 1' | grep '^[-+]'

  say "pgmoat reported the refusal as an event (one JSON object a line on stderr)"
  for _ in $(seq 30); do
    if grep -q 42501 "$temp/events.jsonl"; then break; fi
    sleep 0.1
  done
  expect 42501 "$(grep -m 1 42501 "$temp/events.jsonl" || true)"
}

closing() {
  if $keep; then
    disown "$moat_pid"
    say "left running; files in $temp"
    echo "connect:  psql -h 127.0.0.1 -p $moat_port ${PGUSER:+-U $PGUSER} ${PGDATABASE:+-d $PGDATABASE}"
    echo "events:   tail -f $temp/events.jsonl"
    echo "stop:     kill $moat_pid"
    if [ -n "$pg_data" ]; then
      local how="$pg_bin/pg_ctl -D $pg_data -m fast stop"
      [ "$(id -u)" -ne 0 ] || how="cd / && runuser -u postgres -- $how"
      echo "          ($how) && rm -rf $temp"
    fi
  else
    say "done; everything that was started is stopped again. Next:"
    echo "docs/quickstart.sh --keep               leave it running and play with it"
    echo "docs/quickstart.sh --backend HOST:PORT  in front of your own server"
    echo "build/pgmoat run --backend HOST:PORT --mode monitor   report, change nothing"
    echo "docs/configuration.md                   every setting"
  fi
}

temp=$(mktemp -d)
chmod 755 "$temp"
say "checking packages"
groups=(run)
[ -n "${PGMOAT_BIN:-}" ] || groups+=(build)
bash "$root/tests/support/packages.sh" "${groups[@]}" || fail "packages are missing (see above)"
pg_bin=/usr/lib/postgresql/15/bin
get_binary
[ -n "$backend" ] || start_postgres
start_pgmoat
demonstrate
closing
say "quickstart: ok"
