# shellcheck shell=bash
# Where everything is: sourced by every script, and by you to get the right cargo (`source scripts/env.sh`). Prints nothing,
# installs nothing, may be sourced twice. Every variable set beforehand wins.

PULSECAST_ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]:-$0}")/.." && pwd)
PULSECAST_CACHE=${PULSECAST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/pulsecast}

# The browser's half needs a Rust that can compile to wasm32. Usually that is yours; where its wasm32 target could not be fetched,
# `scripts/setup` made one of Debian's packages and left the file in-use. PULSECAST_TOOLCHAIN=NAME asks for one by name.
_pulsecast_web=$PULSECAST_CACHE/toolchain-web
if [ -z "${PULSECAST_TOOLCHAIN:-}" ] && [ -z "${RUSTUP_TOOLCHAIN:-}" ] && [ -e "$_pulsecast_web/in-use" ]; then
  PULSECAST_TOOLCHAIN=pulsecast-web
fi
if [ -n "${PULSECAST_TOOLCHAIN:-}" ] && command -v rustup >/dev/null 2>&1; then
  export RUSTUP_TOOLCHAIN=$PULSECAST_TOOLCHAIN
fi

# Tools of exactly the version we ask for, each in a directory of its own: two checkouts never fight over one.
_pulsecast_bindgen=$(awk '/^name = "wasm-bindgen"$/ { getline; gsub(/[^0-9.]/, ""); print; exit }' "$PULSECAST_ROOT/Cargo.lock" 2>/dev/null)
_pulsecast_path=$PULSECAST_ROOT/node_modules/.bin:$PULSECAST_CACHE/tools/wasm-bindgen-$_pulsecast_bindgen/bin:$PULSECAST_CACHE/tools/bin
if [ "${PULSECAST_TOOLCHAIN:-}" = pulsecast-web ] && ! command -v rustup >/dev/null 2>&1; then
  _pulsecast_path=$_pulsecast_path:$_pulsecast_web/bin
fi
case ":$PATH:" in
  *":$_pulsecast_path:"*) ;;
  *) PATH=$_pulsecast_path:$PATH ;;
esac

# Outside the checkout and one per compiler, so that a fresh clone builds in minutes and two compilers do not undo each other.
if [ -z "${CARGO_TARGET_DIR:-}" ]; then
  _pulsecast_rustc=$(rustc -V 2>/dev/null | cut -d' ' -f2)
  CARGO_TARGET_DIR=$PULSECAST_CACHE/target-${_pulsecast_rustc:-unknown}
  if [ "${PULSECAST_TOOLCHAIN:-}" = pulsecast-web ]; then CARGO_TARGET_DIR=$CARGO_TARGET_DIR-web; fi
fi

# DuckDB comes as a ready-made shared library in an npm package; the version is the one package.json pins for this machine.
case "$(uname -s)-$(uname -m)" in
  Linux-x86_64) PULSECAST_DUCKDB_PACKAGE=@duckdb/node-bindings-linux-x64 ;;
  Linux-aarch64) PULSECAST_DUCKDB_PACKAGE=@duckdb/node-bindings-linux-arm64 ;;
  Darwin-arm64) PULSECAST_DUCKDB_PACKAGE=@duckdb/node-bindings-darwin-arm64 ;;
  Darwin-x86_64) PULSECAST_DUCKDB_PACKAGE=@duckdb/node-bindings-darwin-x64 ;;
  *) PULSECAST_DUCKDB_PACKAGE= ;;
esac
if [ -z "${DUCKDB_LIB_DIR:-}" ]; then
  _pulsecast_duckdb=$(sed -n "s|.*\"$PULSECAST_DUCKDB_PACKAGE\": *\"\([^\"]*\)\".*|\1|p" "$PULSECAST_ROOT/package.json" 2>/dev/null)
  _pulsecast_duckdb=${_pulsecast_duckdb%%-*} # 1.5.6-r.1 is the first packaging of 1.5.6
  DUCKDB_LIB_DIR=$PULSECAST_CACHE/duckdb-${_pulsecast_duckdb:-none}/lib
fi

# The browser tests drive a browser that is already here; Playwright's own download is never wanted.
if [ -z "${CHROMIUM:-}" ]; then
  CHROMIUM=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
fi
PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD=1

# Leptos decides while it is compiled what the page calls its wasm: with this it is /pkg/pulsecast.wasm, as cargo-leptos has it.
LEPTOS_OUTPUT_NAME=pulsecast

export PATH PULSECAST_ROOT PULSECAST_CACHE PULSECAST_DUCKDB_PACKAGE CARGO_TARGET_DIR DUCKDB_LIB_DIR CHROMIUM
export PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD LEPTOS_OUTPUT_NAME
unset _pulsecast_web _pulsecast_bindgen _pulsecast_path _pulsecast_rustc _pulsecast_duckdb
