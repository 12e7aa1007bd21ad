# shellcheck shell=bash
# "./scrm test": builds and runs the test projects and adds up their results. Sourced by ./scrm.
: "${root:?}" "${state:?}"

test_usage() { echo "usage: ./scrm test [unit|integration] [--full] [arguments of dotnet test]"; }

run_tests() {
  local projects=() arguments=()
  while [[ $# -gt 0 ]]; do
    case $1 in
      unit) projects+=(ScrmStream.Core.Tests) ;;
      integration) projects+=(ScrmStream.Integration.Tests) ;;
      --full) export SCRM_TEST_FULL=1 ;;
      -h | --help) test_usage; return ;;
      -*) arguments+=("$@"); break ;;
      *) test_usage >&2; exit 2 ;;
    esac
    shift
  done
  [[ ${#projects[@]} -gt 0 ]] || projects=(ScrmStream.Core.Tests ScrmStream.Integration.Tests)
  ensure_parts
  ensure_avro_writers
  ensure_test_build
  passed=0 failed=0 skipped=0
  rm -rf "$state/test-results" # no count of an earlier run
  mkdir -p "$state/test-results"
  run_test_projects "${arguments[@]}"
  report_tests
}

# Hundreds of short processes are started, which want their code soon rather than fast (src/ScrmStream.Host/ScrmStream.Host.csproj).
export DOTNET_TC_QuickJit=1

# The unit tests work and the integration tests mostly wait: they run beside each other, and the ones in the background show what they said at the end.
run_test_projects() {
  local last=${projects[-1]} project broke=0
  background=()
  trap 'kill "${background[@]}" 2>/dev/null || true' EXIT
  for project in "${projects[@]:0:${#projects[@]}-1}"; do
    start_tests "$project" "$@" >"$state/test-results/$project.log" 2>&1 &
    background+=("$!")
  done
  (start_tests "$last" "$@") || broke=1
  count_tests "$last" "$broke"
  for project in "${projects[@]:0:${#projects[@]}-1}"; do
    broke=0
    wait "${background[0]}" || broke=1
    background=("${background[@]:1}")
    cat "$state/test-results/$project.log"
    count_tests "$project" "$broke"
  done
}

# Builds both test projects and what they test, each once, when a source is newer than their last build.
ensure_test_build() {
  local stamp=$state/stamps/tests started=$state/stamps/tests.started
  [[ -f $stamp && -d $root/artifacts/bin/ScrmStream.Integration.Tests/release && -z $(find_newer "$stamp" "$root/tests" "$root/benchmarks") ]] && return
  mkdir -p "$state/stamps"
  touch "$started" # taken before the build: a file changed meanwhile is newer
  build_release tests/All.slnf
  mv "$started" "$stamp"
}

# Takes the place of the shell that it is called in.
start_tests() {
  local project=$1
  shift
  exec dotnet test "$root/tests/$project" -c Release --no-build --results-directory "$state/test-results" \
    --logger "trx;LogFileName=$project.trx" --logger "console;verbosity=normal" "$@"
}

# Adds the counts of one project. A run that breaks off without a failed test counts as one failure.
count_tests() {
  local project=$1 broke=$2 failed_before=$failed
  [[ ! -s $state/test-results/$project.trx ]] || add_counts "$state/test-results/$project.trx"
  if [[ $broke == 1 && $failed == "$failed_before" ]]; then
    say "$project ended with an error outside its tests"
    failed=$((failed + 1))
  fi
}

add_counts() {
  local counters total executed good
  counters=$(grep -o '<Counters [^>]*' "$1")
  total=$(counter total "$counters") executed=$(counter executed "$counters") good=$(counter passed "$counters")
  passed=$((passed + good))
  failed=$((failed + executed - good))
  skipped=$((skipped + total - executed))
}

counter() { sed -n "s/.* $1=\"\([0-9]*\)\".*/\1/p" <<<"$2"; }

# The last line is what programs read; a run without a test is no success.
report_tests() {
  if [[ $skipped == 0 ]]; then echo "$passed passed, $failed failed"; else echo "$passed passed, $failed failed, $skipped skipped"; fi
  [[ $failed == 0 && $passed -gt 0 ]] || exit 1
}
