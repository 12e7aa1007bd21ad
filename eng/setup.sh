# shellcheck shell=bash
# What "./scrm setup" does: each ensure_* function brings one part into place and returns at once when it is there already.
# Sourced by ./scrm, which sets root (the checkout), state (its .scrm folder) and program. Asks nothing; everything it says goes to
# standard error, so that a verb's own output stays clean.
: "${root:?}" "${state:?}" "${program:?}"

librdkafka_source="@confluentinc/kafka-javascript@1.10.1" # an npm package that carries librdkafka's C source
librdkafka_version=$(sed -n 's/.*Include="Confluent.Kafka" Version="\([^"]*\)".*/\1/p' "$root/Directory.Packages.props")
chdb_version="26.7.3-stable.1"
nuget_packages=${NUGET_PACKAGES:-$HOME/.nuget/packages}

case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) rid=linux-x64 chdb_package="@chdb/lib-linux-x64-gnu" ;;
  Linux-aarch64) rid=linux-arm64 chdb_package="@chdb/lib-linux-arm64-gnu" ;;
  *) rid="" chdb_package="" ;;
esac

say() { printf 'scrm: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# A stamp holds the key of what was done last; another key (a new version) means it has to be done again.
is_stamped() { [[ -f $state/stamps/$1 && $(<"$state/stamps/$1") == "$2" ]]; }
stamp() { mkdir -p "$state/stamps" && printf '%s' "$2" >"$state/stamps/$1"; }

as_root() {
  if [[ $EUID == 0 ]]; then "$@"
  elif sudo -n true 2>/dev/null; then sudo -n "$@"
  else die "\"$*\" needs root: run \"sudo ./scrm setup\" once, or run the command yourself"; fi
}

# Runs a command up to three times: package registries have short outages.
with_retries() {
  local attempt
  for attempt in 1 2 3; do
    "$@" && return
    [[ $attempt == 3 ]] || { say "failed; trying again in $((attempt * 5)) s"; sleep $((attempt * 5)); }
  done
  return 1
}

# Runs a long command with its output in a log; only a failure shows the log's end.
logged() {
  local name=$1 log
  shift
  mkdir -p "$state/logs"
  log=$state/logs/$name.log
  "$@" >"$log" 2>&1 || { tail -n 30 "$log" >&2; die "$name failed; all of its output is in $log"; }
}

# A folder for a part in the making; what a broken-off run left there is gone.
empty_folder() {
  local folder=$state/work/$1
  rm -rf "$folder" && mkdir -p "$folder" && printf '%s\n' "$folder"
}

# npm_file PACKAGE FOLDER: downloads a package's archive into an empty folder and prints its path.
npm_file() {
  ensure_commands npm:npm
  say "downloading $1 from npm"
  with_retries npm pack "$1" --pack-destination "$2" --silent >/dev/null 2>"$2/npm.err" || {
    cat "$2/npm.err" >&2
    die "npm could not download $1"
  }
  printf '%s\n' "$2"/*.tgz
}

# ensure_commands COMMAND:PACKAGE...: installs the Debian packages of the commands that are missing.
ensure_commands() {
  local pair missing=()
  for pair in "$@"; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
  done
  [[ ${#missing[@]} == 0 ]] || install_packages "${missing[@]}"
}

# ensure_packages PACKAGE...: the same for packages without a command, such as headers.
ensure_packages() {
  command -v dpkg-query >/dev/null || return 0 # not Debian: the build that needs them says what is missing
  local package missing=()
  for package in "$@"; do
    [[ $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || missing+=("$package")
  done
  [[ ${#missing[@]} == 0 ]] || install_packages "${missing[@]}"
}

install_packages() {
  command -v apt-get >/dev/null || die "please install $* (only Debian's packages are installed by this script)"
  say "installing Debian packages: $*"
  local policy=/usr/sbin/policy-rc.d
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
  logged apt-update as_root "${apt[@]}" update
  # Debian starts a service that it installs, unless policy-rc.d says no (101). ScrmStream starts its own servers.
  local ours=""
  if [[ ! -e $policy ]]; then
    ours=$policy
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod 755 "$policy"
  fi
  local failed=""
  (logged apt-install as_root "${apt[@]}" install -y --no-install-recommends "$@") || failed=yes
  [[ -z $ours ]] || as_root rm -f "$ours"
  [[ -z $failed ]] || exit 1
  if [[ " $* " == *" redis-server "* && -d /run/systemd/system ]]; then as_root systemctl disable --quiet redis-server; fi
}

ensure_dotnet() {
  local dotnet
  dotnet=$(command -v dotnet) || die "the .NET 10 SDK is missing: install it and put \"dotnet\" on the PATH"
  # The built program looks for its runtime here when it is in none of the usual places.
  export DOTNET_ROOT=${DOTNET_ROOT:-$(dirname "$(readlink -f "$dotnet")")}
}

ensure_redis() { ensure_commands redis-server:redis-server; }

# Confluent.Kafka needs the package librdkafka.redist. Where no package source serves it, it is built from source.
ensure_librdkafka() {
  mkdir -p "$state/feed" # nuget.config lists it, so it has to exist even when nothing is in it
  local package=$state/feed/librdkafka.redist.$librdkafka_version.nupkg
  if is_stamped librdkafka "$librdkafka_version $librdkafka_source $rid"; then
    [[ -s $package || -d $nuget_packages/librdkafka.redist/$librdkafka_version ]] && return
  fi
  if [[ ! -s $package ]] && ! librdkafka_is_served; then build_librdkafka; fi
  stamp librdkafka "$librdkafka_version $librdkafka_source $rid"
}

librdkafka_is_served() {
  local probe=$state/probe served=1
  rm -rf "$probe" && mkdir -p "$probe"
  # Under the checkout, so that the same sources are asked as in a build, but without the settings of the checkout.
  echo '<Project />' | tee "$probe/Directory.Build.props" >"$probe/Directory.Packages.props"
  cat >"$probe/probe.csproj" <<XML
<Project Sdk="Microsoft.NET.Sdk">
  <PropertyGroup><TargetFramework>net10.0</TargetFramework></PropertyGroup>
  <ItemGroup><PackageReference Include="librdkafka.redist" Version="[$librdkafka_version]" /></ItemGroup>
</Project>
XML
  say "looking for librdkafka.redist $librdkafka_version"
  dotnet restore "$probe/probe.csproj" >"$probe/log" 2>&1 && served=0
  rm -rf "$probe"
  return $served
}

build_librdkafka() {
  [[ -n $rid ]] || die "librdkafka is built on Linux x86-64 and arm64 only; elsewhere a NuGet source has to serve librdkafka.redist"
  say "no source serves it: building librdkafka $librdkafka_version from source (about a minute)"
  ensure_commands gcc:build-essential make:build-essential pkg-config:pkg-config python3:python3 strip:binutils
  ensure_packages libssl-dev zlib1g-dev libzstd-dev
  local work source archive
  work=$(empty_folder librdkafka)
  archive=$(npm_file "$librdkafka_source" "$work")
  tar -xzf "$archive" -C "$work" package/deps/librdkafka
  source=$work/package/deps/librdkafka
  verify_librdkafka_version "$source/src/rdkafka.h"
  # Left out is what would tie the library to more system libraries (Kerberos, curl); lz4 comes with its source.
  logged librdkafka-configure env -C "$source" ./configure --disable-gssapi --disable-curl --disable-lz4-ext
  logged librdkafka-make make -C "$source" -j"$(nproc)" libs
  strip -o "$work/librdkafka.so" "$source/src/librdkafka.so.1"
  pack_librdkafka "$work" "$source/LICENSES.txt"
  rm -rf "$work"
}

verify_librdkafka_version() {
  local hex
  hex=$(sed -n 's/^#define RD_KAFKA_VERSION *0x\([0-9a-f]*\).*/\1/p' "$1")
  local found=$((16#${hex:0:2})).$((16#${hex:2:2})).$((16#${hex:4:2}))
  [[ $found == "$librdkafka_version" ]] \
    || die "$librdkafka_source holds librdkafka $found, Confluent.Kafka needs $librdkafka_version: change eng/setup.sh"
}

pack_librdkafka() {
  logged librdkafka-pack dotnet pack "$root/eng/librdkafka.redist.csproj" -c Release -o "$1/out" --disable-build-servers \
    -p:ArtifactsPath="$1/artifacts" -p:Version="$librdkafka_version" -p:RuntimeId="$rid" \
    -p:LibraryFile="$1/librdkafka.so" -p:LicenseText="$2"
  mv "$1/out/librdkafka.redist.$librdkafka_version.nupkg" "$state/feed/"
}

# The embedded ClickHouse is chDB, one shared library.
ensure_chdb() {
  local library=$state/chdb/libchdb.so
  is_stamped chdb "$chdb_package $chdb_version" && [[ -s $library ]] && return
  [[ -n $chdb_package ]] || { say "the embedded ClickHouse runs on Linux x86-64 and arm64 only; use a ClickHouse server here"; return; }
  local work archive
  work=$(empty_folder chdb)
  archive=$(npm_file "$chdb_package@$chdb_version" "$work")
  mkdir -p "$state/chdb"
  tar -xzOf "$archive" package/libchdb.so >"$library.part"
  mv "$library.part" "$library"
  rm -rf "$work"
  stamp chdb "$chdb_package $chdb_version"
}

# Builds scrmstream in Release when a source is newer than the last build. Folders count too, so a deleted file is seen.
ensure_build() {
  local stamp=$state/stamps/build
  [[ -x $program && -f $stamp && -z $(find_newer "$stamp") ]] && return
  say "building"
  mkdir -p "$state/stamps"
  touch "$stamp.started" # taken before the build: a file changed meanwhile is newer
  build_program
  mv "$stamp.started" "$stamp"
}

# find_newer STAMP [FOLDER...]: a source of the program, or of the folders, that is newer.
find_newer() {
  local stamp=$1
  shift
  find "$root/src" "$root/schemas" "$@" "$root"/{Directory.*.props,nuget.config,BannedSymbols.txt,.editorconfig} -newer "$stamp" -print -quit
}

# Compiled ahead of time where the compiler for that can be had: every verb starts sooner (--help 0.12 instead of 0.18 s). What a
# stream spends its time in is not (src/ScrmStream.Host/ScrmStream.Host.csproj).
build_program() {
  publish_program -p:PublishReadyToRun=true >"$state/stamps/ahead-of-time.log" 2>&1 && return
  say "compiling ahead of time does not work here ($state/stamps/ahead-of-time.log says why); going without"
  publish_program >&2 || die "the build of src/ScrmStream.Host failed"
}

publish_program() {
  rm -rf "${program%/*}"
  dotnet publish "$root/src/ScrmStream.Host" -c Release -r "$(dotnet --info | sed -n 's/^ *RID: *//p')" --self-contained false "$@" \
    -o "${program%/*}" --disable-build-servers -v quiet -clp:ErrorsOnly
}

# build_release PROJECT or SOLUTION: leaves no compiler server behind.
build_release() {
  dotnet build "$root/$1" -c Release --disable-build-servers -v quiet -clp:ErrorsOnly >&2 || die "the build of $1 failed"
}

# The parts that do not come from the sources. One at a time on one checkout; what it starts must not keep the lock (9>&-).
ensure_parts() {
  ensure_dotnet
  mkdir -p "$state"
  { flock 9; ensure_each 9>&-; } 9>"$state/lock"
}

ensure_each() {
  ensure_redis
  ensure_librdkafka
  ensure_chdb
}

ensure_program() {
  ensure_parts
  { flock 9; ensure_build 9>&-; } 9>"$state/lock"
}

# What tests compare Avro with: independent writers. Without them those tests are skipped and say so.
avsc_version="5.7.9"
kafkajs_version="2.2.4"

ensure_avro_writers() {
  ensure_npm_module avsc "$avsc_version" || say "npm avsc is not to be had: the tests with it are skipped"
  ensure_npm_module kafkajs "$kafkajs_version" || say "npm kafkajs is not to be had: the tests with it are skipped"
  ensure_python_writers || say "python3-avro and python3-kafka are not to be had: the tests with them are skipped"
}

# ensure_npm_module NAME VERSION: a module without dependencies, unpacked to where the tests look for it.
ensure_npm_module() {
  is_stamped "$1" "$2" && [[ -d $state/avro/$1 ]] && return
  command -v node >/dev/null || return 1
  local work archive
  work=$(empty_folder "$1")
  archive=$(npm_file "$1@$2" "$work") || return 1
  mkdir -p "$state/avro"
  rm -rf "$state/avro/$1"
  tar -xzf "$archive" -C "$work" && mv "$work/package" "$state/avro/$1" || return 1
  rm -rf "$work"
  stamp "$1" "$2"
}

# Unpacked beside the checkout, not installed: nothing else on the machine needs it.
ensure_python_writers() {
  [[ -d $state/avro/python/avro && -d $state/avro/python/kafka ]] && return
  command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null && [[ -x /usr/bin/python3 ]] || return 1
  local work package
  work=$(empty_folder python)
  say "downloading python3-avro and python3-kafka from Debian"
  (cd "$work" && apt-get -q download python3-avro python3-kafka >/dev/null 2>apt.err) || return 1
  for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/unpacked" || return 1; done
  mkdir -p "$state/avro"
  rm -rf "$state/avro/python"
  mv "$work/unpacked/usr/lib/python3/dist-packages" "$state/avro/python" || return 1
  rm -rf "$work"
}
