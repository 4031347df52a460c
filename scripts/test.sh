#!/usr/bin/env bash
# Everything that can be tested on this machine, in one command.
#
#   MNAS_PYTHON  a Python with numpy, onnx and onnxruntime (default python3): exported files are run in onnxruntime
#   MNAS_BROWSER a chromium (default one on PATH): pages are looked at in it
#   MNAS_ASSETS  real weights and photographs (default target/assets; scripts/fetch_assets.sh fetches them)
#   CI           if set, what is missing is a failure; otherwise the tests that need it say "skipped"
set -euo pipefail
cd "$(dirname "$0")/.."

export MNAS_PYTHON="${MNAS_PYTHON:-python3}"
export MNAS_ASSETS="${MNAS_ASSETS:-$PWD/target/assets}"

part() {
    local start=$SECONDS
    echo "== $*"
    "$@"
    echo "== $((SECONDS - start)) s: $*"
}

part cargo fmt --all --check
# Without features first: the macro compiles mnas-codegen so, and hints of unused code show only here.
part cargo clippy --locked -p mnas-dsl -p mnas-codegen -p mnas-runtime --no-default-features -- -D warnings
part cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
RUSTDOCFLAGS="-D warnings" part cargo doc --locked --workspace --all-features --no-deps
part cargo build --locked -p mnas-runtime --no-default-features
# Last, for it takes longest.
part cargo test --locked --workspace --all-features
