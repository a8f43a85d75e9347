#!/usr/bin/env bash
# Every test there is, from a fresh clone: packages, release build, sanitizer build, fuzz smoke,
# end-to-end, quickstart. The last line is "N passed, M failed".
#
#   tests/run.sh                everything (about 20 minutes on 2 cores)
#   tests/run.sh --quick        release build, unit tests, end-to-end
#   tests/run.sh --only STEP    release | sanitize | fuzz | e2e | e2e-sanitized | quickstart
#
# FUZZ_SECONDS=30: how long each fuzz target runs.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
exec </dev/null
fuzz_seconds=${FUZZ_SECONDS:-30}
steps=(release sanitize fuzz e2e e2e-sanitized quickstart)
passed=0 failed=0 number=0
logs=$(mktemp -d)

usage() { sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }
case "${1:-}" in
  "") ;;
  --quick) steps=(release e2e) ;;
  --only)
    case " ${steps[*]} " in *" ${2:-none} "*) steps=("$2") ;;
      *) echo "tests/run.sh: --only takes one of: ${steps[*]}" >&2; exit 2 ;; esac ;;
  -h|--help) usage; exit 0 ;;
  *) echo "tests/run.sh: unknown option '$1' (try --help)" >&2; exit 2 ;;
esac

finish() {
  if [ "$failed" -eq 0 ]; then rm -rf "$logs"; else echo "logs are kept in $logs"; fi
  echo "$passed passed, $failed failed"
  [ "$failed" -eq 0 ]
  exit
}

# The step's own failure: what went wrong and where to read on.
broken() {
  echo "  FAILED: $1; log $2, its last lines:"
  tail -n 40 "$2" | sed 's/^/  | /'
}

# build FOLDER LOG CMAKE-OPTION...
build() {
  local folder=$1 log=$2
  shift 2
  if ! { cmake -S . -B "$folder" -G Ninja "$@" && cmake --build "$folder"; } >"$log" 2>&1; then
    failed=$((failed + 1))
    broken "building $folder" "$log"
    return 1
  fi
}

# run_ctest FOLDER LOG: adds ctest's counts.
run_ctest() {
  local status=0 total bad
  ctest --test-dir "$1" --output-on-failure --no-tests=error --timeout 300 -j 2 >"$2" 2>&1 || status=$?
  total=$(sed -n 's/.*tests failed out of \([0-9]*\)$/\1/p' "$2" | tail -n 1)
  bad=$(sed -n 's/.*, \([0-9]*\) tests failed out of.*/\1/p' "$2" | tail -n 1)
  tally "$((${total:-0} - ${bad:-0}))" "${bad:-0}" "$status" "ctest in $1" "$2"
}

# run_pytest BINARY LOG OPTION...: adds pytest's counts.
run_pytest() {
  local binary=$1 log=$2 status=0 good bad errors
  shift 2
  PGMOAT_BIN=$PWD/$binary PYTHONDONTWRITEBYTECODE=1 \
    timeout 900 /usr/bin/python3 -m pytest tests/e2e -q -p no:cacheprovider "$@" >"$log" 2>&1 || status=$?
  good=$(tail -n 1 "$log" | sed -n 's/.*\b\([0-9][0-9]*\) passed.*/\1/p')
  bad=$(tail -n 1 "$log" | sed -n 's/.*\b\([0-9][0-9]*\) failed.*/\1/p')
  errors=$(tail -n 1 "$log" | sed -n 's/.*\b\([0-9][0-9]*\) error.*/\1/p')
  tally "${good:-0}" "$((${bad:-0} + ${errors:-0}))" "$status" "pytest with $binary" "$log"
}

# tally PASSED FAILED STATUS WHAT LOG: a program that failed without a count is one failure.
tally() {
  local bad=$2
  if [ "$3" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
  passed=$((passed + $1)) failed=$((failed + bad))
  echo "  $1 passed, $bad failed"
  [ "$bad" -eq 0 ] || broken "$4" "$5"
}

step_release() {
  build build "$logs/build.log" -DCMAKE_CXX_COMPILER=g++ -DPGMOAT_TESTS=ON && run_ctest build "$logs/ctest.log"
}

step_sanitize() {
  build build-asan "$logs/build-asan.log" -DCMAKE_CXX_COMPILER=clang++ -DPGMOAT_SANITIZE=ON &&
    run_ctest build-asan "$logs/ctest-asan.log"
}

# One target on its seeds. New finds go to a temporary folder, never into corpus/.
fuzz_one() {
  local target=$1 name seeds=() folder
  name=$(basename "$target" _fuzz)
  mkdir -p "$logs/fuzz/$name"
  for folder in corpus/*/"$name"; do [ -d "$folder" ] && seeds+=("$folder"); done
  timeout $((fuzz_seconds + 120)) "$target" -max_total_time="$fuzz_seconds" -rss_limit_mb=2048 -timeout=20 \
    -print_final_stats=1 -artifact_prefix="$logs/fuzz-$name-" "$logs/fuzz/$name" "${seeds[@]}" \
    >"$logs/fuzz-$name.log" 2>&1
}

step_fuzz() {
  build build-fuzz "$logs/build-fuzz.log" -DCMAKE_CXX_COMPILER=clang++ -DPGMOAT_FUZZ=ON -DPGMOAT_TESTS=OFF || return
  local targets=(build-fuzz/fuzz/*_fuzz) target at pids status
  if [ ! -x "${targets[0]}" ]; then
    failed=$((failed + 1))
    echo "  FAILED: no fuzz targets were built"
    return
  fi
  echo "  ${#targets[@]} targets, $fuzz_seconds s each, two at a time"
  for ((at = 0; at < ${#targets[@]}; at += 2)); do
    pids=()
    for target in "${targets[@]:at:2}"; do fuzz_one "$target" & pids+=($!); done
    for target in "${targets[@]:at:2}"; do
      status=0
      wait "${pids[0]}" || status=$?
      pids=("${pids[@]:1}")
      if [ "$status" -eq 0 ]; then
        passed=$((passed + 1))
      else
        failed=$((failed + 1))
        broken "$(basename "$target") (the input is beside the log)" "$logs/fuzz-$(basename "$target" _fuzz).log"
      fi
    done
  done
}

# need FOLDER OPTION...: the program alone, for a step that was asked for by itself.
need() {
  [ -x "$1/pgmoat" ] && return
  local folder=$1
  shift
  build "$folder" "$logs/$folder.log" "$@"
}

step_e2e() { need build -DCMAKE_CXX_COMPILER=g++ && run_pytest build/pgmoat "$logs/e2e.log"; }

step_e2e-sanitized() {
  need build-asan -DCMAKE_CXX_COMPILER=clang++ -DPGMOAT_SANITIZE=ON &&
    PGMOAT_SHORT=1 run_pytest build-asan/pgmoat "$logs/e2e-asan.log" -k "not slow"
}

step_quickstart() {
  need build -DCMAKE_CXX_COMPILER=g++ || return
  local log=$logs/quickstart.log status=0
  timeout 300 bash docs/quickstart.sh >"$log" 2>&1 || status=$?
  if [ "$status" -eq 0 ] && ! grep -q '^== quickstart: ok$' "$log"; then status=1; fi
  if [ "$status" -eq 0 ]; then tally 1 0 0 "" ""; else tally 0 1 1 "docs/quickstart.sh" "$log"; fi
}

title() {
  case "$1" in
    release) echo "release build with g++, unit tests, tidy" ;;
    sanitize) echo "clang build with address and undefined-behaviour sanitizers, unit tests" ;;
    fuzz) echo "fuzz smoke" ;;
    e2e) echo "end to end against PostgreSQL" ;;
    e2e-sanitized) echo "end to end with the sanitizer build" ;;
    quickstart) echo "the quickstart, its output checked" ;;
  esac
}

echo "== packages"
if ! bash tests/support/packages.sh build test run; then
  failed=1
  echo "  FAILED: installing packages"
  finish
fi
for step in "${steps[@]}"; do
  number=$((number + 1))
  echo "== $number/${#steps[@]} $(title "$step")  [${SECONDS} s]"
  "step_$step"
done
echo "== done  [${SECONDS} s]"
finish
