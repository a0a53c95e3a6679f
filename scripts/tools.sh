# The tools that scripts/ needs: finds each one or installs it, and says what it does. Sourced, not run.
#
# What is installed goes to the cache, outside the tree, in a folder named for its version or lock:
# ${DEWCLAW_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dewclaw}. rustup's toolchain and apt's packages, where
# they may be installed, go where those put them.
#
# WASMTIME, WASM_OPT and CHROMIUM name a wasmtime command line, a wasm-opt and a browser to use instead; DEWCLAW_PYTHON, a
# Python that has the packages of examples/embed-python; WAMR_RUNNER, a wamr-runner.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${DEWCLAW_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/dewclaw}
target=${CARGO_TARGET_DIR:-$root/target}
[[ $target = /* ]] || target=$PWD/$target
export CARGO_TARGET_DIR=$target

# Pinned. The wasmtime command line and the crate in Cargo.toml move together.
wasmtime_version=48.0.8
wasmtime_features=run,compile,wasi-http,component-model,cranelift,parallel-compilation,cache
wasmtime_least=48
cargo_deny_version=0.20.2
wasm_opt_least=132
node_least=20.15
python_least=3.11

# In CI what is built is what Cargo.lock says. (For the scripts that call cargo.)
cargo_locked=()
# shellcheck disable=SC2034
[[ -z ${CI:-} ]] || cargo_locked=(--locked)

say() { printf 'dewclaw: %s\n' "$*" >&2; }
die() {
  say "$@"
  exit 1
}

# The comment at the head of the script that runs, as its help.
self=$(readlink -f "$0")
show_help() { sed -n '2,/^[^#]/s/^# \{0,1\}//p' "$self"; }

# version_of COMMAND...: the first version number in what it prints.
version_of() { "$@" 2>/dev/null | grep -oE '[0-9]+(\.[0-9]+)*' | head -n 1; }
# at_least VERSION LEAST
at_least() { [[ $(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1) = "$2" ]]; }

# need_base COMMAND...: tools of the operating system. apt may install them when root asks; else they are named.
need_base() {
  local command package packages=()
  for command; do
    command -v "$command" >/dev/null && continue
    case $command in
      node) package=nodejs ;;
      gcc) package="gcc libc6-dev" ;;
      diff) package=diffutils ;;
      script) package=bsdutils ;;
      *) package=$command ;;
    esac
    # shellcheck disable=SC2206 # one command may need two packages
    packages+=($package)
  done
  [[ ${#packages[@]} -gt 0 ]] || return 0
  need_packages "${packages[@]}"
}

# need_packages PACKAGE...: installs what is known to be missing, or says how.
need_packages() {
  local packages=("$@")
  if [[ $EUID -eq 0 && -e /etc/debian_version ]] && command -v apt-get >/dev/null; then
    say "installing ${packages[*]} with apt-get"
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}"; } >&2 ||
      die "apt-get could not install ${packages[*]}: install them, then run this again"
  else
    die "missing: ${packages[*]}. On Debian or Ubuntu: sudo apt-get install ${packages[*]}. Then run this again"
  fi
}

# need_version NAME LEAST COMMAND...
need_version() {
  local version
  version=$(version_of "${@:3}") || version=
  at_least "$version" "$2" ||
    die "$1 $2 or newer is needed, and this is ${version:-of no known version}: install it, put it first on PATH, then run this again"
}

need_python() {
  need_base python3
  need_version python3 $python_least python3 --version
}

need_node() {
  need_base node npm
  need_version node $node_least node --version
}

# The toolchain of rust-toolchain.toml, its components and its wasm targets.
need_rust() {
  need_base gcc
  need_python
  command -v cargo >/dev/null || die "missing: cargo. Install rustup (https://rustup.rs; on Debian 13: apt-get install rustup), then run this again"
  local channel components targets part
  { read -r channel && read -r components && read -r targets; } < <(
    cd "$root" && python3 -c '
import tomllib
toolchain = tomllib.load(open("rust-toolchain.toml", "rb"))["toolchain"]
print(toolchain["channel"])
for key in ("components", "targets"):
    print(*toolchain.get(key, []))'
  )
  if ! command -v rustup >/dev/null; then
    at_least "$(version_of rustc --version)" "$channel" || die "rustc $channel is needed: install rustup (https://rustup.rs), then run this again"
    for part in $targets; do
      [[ -d $(rustc --print sysroot)/lib/rustlib/$part ]] ||
        die "this Rust has no target $part: install rustup (https://rustup.rs), then run this again"
    done
    return 0
  fi
  if ! rustup run "$channel" rustc --version >/dev/null 2>&1; then
    say "installing Rust $channel with rustup"
    rustup toolchain install "$channel" --profile minimal >&2
  fi
  local installed
  installed=$(rustup component list --toolchain "$channel" --installed)
  for part in $components; do
    grep -q "^$part-\|^$part\$" <<<"$installed" && continue
    say "installing Rust component $part with rustup"
    rustup component add --toolchain "$channel" "$part" >&2
  done
  installed=$(rustup target list --toolchain "$channel" --installed)
  for part in $targets; do
    grep -qx "$part" <<<"$installed" && continue
    say "installing Rust target $part with rustup"
    rustup target add --toolchain "$channel" "$part" >&2
  done
}

# need_npm: sets npm_bin to the programs of scripts/npm/package-lock.json, in a folder named for the lock.
need_npm() {
  [[ -z ${npm_bin:-} ]] || return 0
  need_node
  local lock folder
  lock=$(sha256sum "$root/scripts/npm/package-lock.json" | cut -c1-16)
  folder=$cache/tools/npm-$lock
  if [[ ! -d $folder ]]; then
    say "installing the packages of scripts/npm/package-lock.json with npm into $folder"
    mkdir -p "$cache/tools"
    local partial
    partial=$(mktemp -d "$cache/tools/npm-partial.XXXXXX")
    cp "$root"/scripts/npm/package{,-lock}.json "$partial"
    if ! (cd "$partial" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error) >&2; then
      rm -rf "$partial"
      die "npm ci failed: see above. It needs the npm registry once; WASM_OPT=FILE names a wasm-opt of your own"
    fi
    # Another run may have been faster; its result is as good.
    mv -T "$partial" "$folder" 2>/dev/null || rm -rf "$partial"
  fi
  npm_bin=$folder/node_modules/.bin
}

# need_wasm_opt: sets WASM_OPT. The pinned one comes before one on PATH, so that everyone gets the same bytes.
need_wasm_opt() {
  if [[ -n ${WASM_OPT:-} ]]; then
    at_least "$(version_of "$WASM_OPT" --version)" $wasm_opt_least ||
      die "WASM_OPT=$WASM_OPT is not a wasm-opt of version $wasm_opt_least or newer"
    return 0
  fi
  local found
  if ! command -v npm >/dev/null && found=$(command -v wasm-opt) && at_least "$(version_of "$found" --version)" $wasm_opt_least; then
    say "using $found (without npm, which would give the pinned one)"
    WASM_OPT=$found
  else
    need_npm
    WASM_OPT=$npm_bin/wasm-opt
  fi
}

# need_aimock: exports AIMOCK, a model server of a third party that the end-to-end tests talk to.
need_aimock() {
  need_npm
  export AIMOCK=$npm_bin/aimock
}

# need_jco: exports JCO, which makes JavaScript of a component.
need_jco() {
  need_npm
  export JCO=$npm_bin/jco
}

# need_wasmtime_py: exports DEWCLAW_PYTHON, a Python with the packages of examples/embed-python, in an environment named for
# its version and theirs.
need_wasmtime_py() {
  if [[ -n ${DEWCLAW_PYTHON:-} ]]; then
    "$DEWCLAW_PYTHON" -c 'import wasmtime.component' 2>/dev/null ||
      die "DEWCLAW_PYTHON=$DEWCLAW_PYTHON is not a Python with the package wasmtime"
    return 0
  fi
  need_python
  local wanted=$root/examples/embed-python/requirements.txt version lock folder
  version=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
  lock=$(sha256sum "$wanted" | cut -c1-16)
  folder=$cache/tools/python$version-$lock
  if [[ ! -d $folder ]]; then
    python3 -c 'import ensurepip, venv' 2>/dev/null || need_packages python3-venv
    say "installing the packages of examples/embed-python/requirements.txt with pip into $folder"
    mkdir -p "$cache/tools"
    local partial
    partial=$(mktemp -d "$cache/tools/python-partial.XXXXXX")
    if ! { python3 -m venv "$partial" &&
      "$partial/bin/python" -m pip install --quiet --require-hashes --only-binary :all: -r "$wanted"; } >&2; then
      rm -rf "$partial"
      die "pip install failed: see above. It needs PyPI once; DEWCLAW_PYTHON=FILE names a Python of your own with these packages"
    fi
    # Another run may have been faster; its result is as good.
    mv -T "$partial" "$folder" 2>/dev/null || rm -rf "$partial"
  fi
  export DEWCLAW_PYTHON=$folder/bin/python
}

# need_chromium: exports CHROMIUM, the browser that the page is tested in: the one it names, or Debian's.
need_chromium() {
  if [[ -z ${CHROMIUM:-} ]]; then
    need_base chromium
    CHROMIUM=$(command -v chromium)
  fi
  [[ -x $CHROMIUM ]] || die "CHROMIUM=$CHROMIUM is no program: name a Chromium, or unset it to use the one on PATH"
  export CHROMIUM
}

# find_wasmtime: sets WASMTIME if one is at hand, else fails.
find_wasmtime() {
  if [[ -n ${WASMTIME:-} ]]; then
    at_least "$(version_of "$WASMTIME" --version)" $wasmtime_least ||
      die "WASMTIME=$WASMTIME is not a wasmtime of version $wasmtime_least or newer"
    return 0
  fi
  local found
  for found in "$(command -v wasmtime)" "$cache/tools/wasmtime-$wasmtime_version/bin/wasmtime"; do
    if [[ -x $found ]] && at_least "$(version_of "$found" --version)" $wasmtime_least; then
      WASMTIME=$found
      return 0
    fi
  done
  return 1
}

# need_wasmtime: sets WASMTIME; installs the pinned one with the features we use if none is at hand.
need_wasmtime() {
  find_wasmtime && return 0
  need_rust
  local folder=$cache/tools/wasmtime-$wasmtime_version partial
  say "installing the wasmtime command line $wasmtime_version with cargo into $folder: some minutes, once"
  mkdir -p "$cache/tools"
  partial=$(mktemp -d "$cache/tools/wasmtime-partial.XXXXXX")
  if ! (cd "$root" && cargo install wasmtime-cli --version "$wasmtime_version" --locked --no-default-features \
    --features "$wasmtime_features" --root "$partial" --target-dir "$partial/target") >&2; then
    rm -rf "$partial"
    die "cargo install wasmtime-cli failed: see above. WASMTIME=FILE names a wasmtime of your own"
  fi
  rm -rf "$partial/target"
  mv -T "$partial" "$folder" 2>/dev/null || rm -rf "$partial"
  WASMTIME=$folder/bin/wasmtime
}

# need_cargo_deny: sets CARGO_DENY to the pinned one, installed if it is not at hand.
need_cargo_deny() {
  need_rust
  local folder=$cache/tools/cargo-deny-$cargo_deny_version partial
  CARGO_DENY=$folder/bin/cargo-deny
  [[ ! -x $CARGO_DENY ]] || return 0
  say "installing cargo-deny $cargo_deny_version with cargo into $folder: some minutes, once"
  mkdir -p "$cache/tools"
  partial=$(mktemp -d "$cache/tools/cargo-deny-partial.XXXXXX")
  if ! (cd "$root" && cargo install cargo-deny --version "$cargo_deny_version" --locked --no-default-features --root "$partial" \
    --target-dir "$partial/target") >&2; then
    rm -rf "$partial"
    die "cargo install cargo-deny failed: see above"
  fi
  rm -rf "$partial/target"
  # Another run may have been faster; its result is as good.
  mv -T "$partial" "$folder" 2>/dev/null || rm -rf "$partial"
}

# have_libclang: whether bindgen will find libclang and clang's own headers, where Debian has them; LIBCLANG_PATH names another folder.
have_libclang() {
  [[ -z ${LIBCLANG_PATH:-} ]] || return 0
  compgen -G '/usr/lib/llvm-*/lib/libclang.so*' >/dev/null ||
    compgen -G '/usr/lib/llvm-*/lib/libclang-[0-9]*.so*' >/dev/null || return 1
  compgen -G '/usr/lib/llvm-*/lib/clang/*/include/stddef.h' >/dev/null
}

# need_cjson: cJSON, which examples/embed-c reads JSON with.
need_cjson() {
  need_base gcc make
  gcc -xc - -fsyntax-only <<<'#include <cjson/cJSON.h>' 2>/dev/null || need_packages libcjson-dev
}

# find_wamr: sets WAMR_RUNNER if one is at hand, else fails.
find_wamr() {
  if [[ -n ${WAMR_RUNNER:-} ]]; then
    [[ $("$WAMR_RUNNER" --version 2>/dev/null) = wamr-runner* ]] || die "WAMR_RUNNER=$WAMR_RUNNER is not a wamr-runner"
    return 0
  fi
  [[ -x $target/release/wamr-runner ]] || return 1
  WAMR_RUNNER=$target/release/wamr-runner
}

# need_wamr: exports WAMR_RUNNER; unless it names one, builds crates/wamr-runner. cmake and make for its C sources, libclang for
# their bindings: the end-to-end tests link it too. libclang-dev is the name that every Debian has; 12 takes libclang-14-dev for it.
need_wamr() {
  need_base cmake make
  have_libclang || need_packages libclang-dev
  if [[ -z ${WAMR_RUNNER:-} ]]; then
    need_rust
    (cd "$root" && cargo build --release "${cargo_locked[@]}" -p wamr-runner) >&2 ||
      die "cargo could not build wamr-runner: see above. WAMR_RUNNER=FILE names one of your own"
  fi
  find_wamr
  export WAMR_RUNNER
}
