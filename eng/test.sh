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
  local project
  passed=0 failed=0 skipped=0
  for project in "${projects[@]}"; do run_test_project "$project" "${arguments[@]}"; done
  report_tests
}

# Builds both test projects and what they test, each once, when a source is newer than their last build.
ensure_test_build() {
  local stamp=$state/stamps/tests started=$state/stamps/tests.started
  [[ -f $stamp && -d $root/artifacts/bin/ScrmStream.Integration.Tests/release && -z $(find_newer "$stamp" "$root/tests") ]] && return
  mkdir -p "$state/stamps"
  touch "$started" # taken before the build: a file changed meanwhile is newer
  build_release tests/All.slnf
  mv "$started" "$stamp"
}

# Runs one project and adds its counts. A run that breaks off without a failed test counts as one failure.
run_test_project() {
  local project=$1 results=$state/test-results/$1.trx broke=0
  shift
  rm -f "$results"
  dotnet test "$root/tests/$project" -c Release --no-build --results-directory "$state/test-results" \
    --logger "trx;LogFileName=$project.trx" --logger "console;verbosity=normal" "$@" || broke=1
  local failed_before=$failed
  [[ ! -s $results ]] || add_counts "$results"
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
