#!/usr/bin/env bash
# Everything that can be tested on this machine, in one command.
#
#   MNAS_PYTHON  a Python with numpy, onnx and onnxruntime (default python3): exported files are run in onnxruntime
#   MNAS_BROWSER a chromium (default one on PATH): pages are looked at in it
#   a driver for Vulkan, such as Debian's mesa-vulkan-drivers, which computes on the processor: training on GPUs
#   MNAS_ASSETS  real weights and photographs (default target/assets; scripts/fetch_assets.sh fetches them)
#   CI           if set, what is missing is a failure; otherwise the tests that need it say "skipped"
set -euo pipefail
cd "$(dirname "$0")/.."

export MNAS_PYTHON="${MNAS_PYTHON:-python3}"
export MNAS_ASSETS="${MNAS_ASSETS:-$PWD/target/assets}"

# All that the tests exercise: every feature but the GPU backends that need a certain maker's GPU or driver.
features="mnas-codegen/build mnas-codegen/onnx mnas-runtime/std mnas-runtime/source mnas-train/wgpu mnasc/wgpu"

part() {
    local start=$SECONDS
    echo "== $*"
    "$@"
    echo "== $((SECONDS - start)) s: $*"
}

part cargo fmt --all --check
# All crates of all features, whose licences are tested.
part cargo fetch --locked
# Without features first: the macro compiles mnas-codegen so, and hints of unused code show only here.
part cargo clippy --locked -p mnas-dsl -p mnas-codegen -p mnas-runtime --no-default-features -- -D warnings
part cargo clippy --locked --workspace --all-targets --features "$features" -- -D warnings
RUSTDOCFLAGS="-D warnings" part cargo doc --locked --workspace --features "$features" --no-deps
part cargo build --locked -p mnas-runtime --no-default-features
# Last, for it takes longest.
part cargo test --locked --workspace --features "$features"
