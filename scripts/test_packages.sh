#!/usr/bin/env bash
# The packages as a user would get them, away from the repository: mnasc is installed from its own, run with only rustc
# on PATH. onnxruntime compares what the reference executor gives on every shipped spec. On a third of the specs generated
# code is compared with the reference executor, and on an eighth onnxruntime compares what generated code gives: MNAS_SEED
# chooses which, and with MNAS_NIGHT it is all of them.
#
#   MNAS_PYTHON  a Python with numpy, onnx and onnxruntime (default python3)
#   MNAS_ASSETS  real weights and photographs (default target/assets; scripts/fetch_assets.sh fetches them)
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
target=${CARGO_TARGET_DIR:-$root/target}
mkdir -p "$target"
target=$(cd "$target" && pwd)
python=$(command -v "${MNAS_PYTHON:-python3}")
assets=${MNAS_ASSETS:-$target/assets}

begin() { part=$1 part_started=$SECONDS; echo "=== $part"; }
end() { echo "=== $((SECONDS - part_started)) s: $part"; }

begin "cargo package"
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
# Every member that is published; folders have the names of their packages.
members=$(grep -L '^publish = false' */Cargo.toml | xargs -n 1 dirname)
rm -rf "$target/package"
# The packages are built below, once for all of them.
package=(cargo package --locked --no-verify)
for member in $members; do package+=(-p "$member"); done
# Sources that are not committed are no failure on a developer's machine.
if [ -z "${CI:-}" ]; then package+=(--allow-dirty); fi
"${package[@]}" 2>&1 | tee "$target/package.log"
# The project has no home page yet. Every other warning is an error.
if grep '^warning' "$target/package.log" | grep -v 'manifest has no documentation, homepage or repository'; then
    echo "cargo package warns" >&2
    exit 1
fi
# Outside of the repository, so that no relative path leads into it.
away=$(mktemp -d)
trap 'rm -rf "$away"' EXIT
patches=()
for member in $members; do
    tar -xzf "$target/package/$member-$version.crate" -C "$away"
    # Packages name each other by version; until they are published, that is where they are.
    patches+=(--config "patch.crates-io.$member.path='$away/$member-$version'")
done
end

begin "mnasc from its package"
# As the workspace has it.
profile=(
    --config 'profile.dev.opt-level=1' --config 'profile.dev.debug="line-tables-only"'
    --config 'profile.dev.package."*".debug=false'
    # Its generated kernels take long to optimise and no time to run.
    --config 'profile.dev.package.program.opt-level=0'
)
# The toolchain of the repository, for there is no toolchain file where this happens.
sysroot=$(rustc --print sysroot)
export PATH=$sysroot/bin:$PATH
unset RUSTUP_TOOLCHAIN
(
    cd "$away"
    export CARGO_TARGET_DIR=$target
    # Adapts the package's lock file to packages that are on disk, and to nothing else.
    cargo fetch --quiet "${patches[@]}" --manifest-path "mnasc-$version/Cargo.toml"
    # Packages are tested here, not speed: the profile of the tests, whose dependencies are compiled already.
    cargo install --locked --quiet "${patches[@]}" "${profile[@]}" --profile dev \
        --path "mnasc-$version" --root "$away/installed"
)
end

begin "the packages mnas and mnas-codegen in a program"
mkdir -p "$away/program/src"
cp tests/specs/features.yaml "$away/program/"
cat >"$away/program/Cargo.toml" <<TOML
[package]
name = "program"
version = "0.0.0"
edition = "2024"

[dependencies]
mnas = "=$version"
mnas-runtime = "=$version"

[build-dependencies]
mnas-codegen = { version = "=$version", features = ["build"] }
TOML
cat >"$away/program/build.rs" <<'RUST'
fn main() {
    mnas_codegen::build::Build::new("features.yaml").random_weights(1).compile("features");
}
RUST
cat >"$away/program/src/main.rs" <<'RUST'
mod built {
    include!(concat!(env!("OUT_DIR"), "/features.rs"));
}
mnas::mnas_net!(pub struct Features = <"features.yaml">);

/// The network by the build script's door and by the macro's, with the same weights.
fn main() {
    let (mut a, mut b) = ([0.0; Features::OUTPUT_LEN], [0.0; Features::OUTPUT_LEN]);
    let image: Box<[f32; Features::INPUT_LEN]> = Box::new(std::array::from_fn(|i| (i % 97) as f32 / 50.0 - 1.0));
    built::Features::embedded().infer(&mut mnas::Workspace::boxed(), &image, &mut a);
    let bytes = include_bytes!(concat!(env!("OUT_DIR"), "/features.weights"));
    let packed: Vec<f32> = bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
    Features::from_packed(&packed).unwrap().infer(&mut mnas::Workspace::boxed(), &image, &mut b);
    assert_eq!(a, b);
    assert!(a.iter().all(|v| v.is_finite()) && a.iter().any(|v| v.abs() > 1e-3), "{a:?}");
    println!("ok: two doors, the same outputs: {a:?}");
}
RUST
(
    cd "$away/program"
    cp "$root/Cargo.lock" .
    CARGO_TARGET_DIR=$target cargo run --quiet "${patches[@]}" "${profile[@]}"
)
end

begin "the installed mnasc, with only rustc on PATH"
mkdir "$away/bin" "$away/home" "$away/work"
ln -s "$sysroot/bin/rustc" "$away/bin/rustc"
# What rustc links with.
for tool in cc ld; do
    if path=$(command -v "$tool"); then ln -s "$path" "$away/bin/$tool"; fi
done
cp specs/*.yaml specs/widths/*.yaml "$assets/efficientnet_lite0.pth" "$assets/cat.png" "$away/work/"
cd "$away/work"
mnasc=$away/installed/bin/mnasc
# One folder of compiled networks for all commands.
export MNAS_CACHE=$away/cache
kept=(MNAS_CACHE="$MNAS_CACHE" MNAS_SEED="${MNAS_SEED:-0}" ${MNAS_NIGHT:+MNAS_NIGHT=1})
alone() { env -i HOME="$away/home" PATH="$away/bin" "${kept[@]}" "$@"; }
# As many at once as there are processors: rustc optimises a network on one.
xargs=$(command -v xargs)
at_once() { alone "$xargs" -t -P "$(getconf _NPROCESSORS_ONLN)" "$@"; }
specs=(*.yaml)
for number in "${!specs[@]}"; do
    if [ -n "${MNAS_NIGHT:-}" ] || [ $((number % 3)) = $((${MNAS_SEED:-0} % 3)) ]; then echo "${specs[number]}"; fi
done | at_once -I SPEC "$mnasc" verify SPEC --tolerance 1e-5
alone "$mnasc" bench mnasnet_a1.yaml --json
alone "$mnasc" run efficientnet_lite0.yaml --weights efficientnet_lite0.pth --image cat.png | tee cat.txt
# As PyTorch says too.
sed -n 2p cat.txt | grep -q 'tiger cat'
end

begin "every spec against onnxruntime"
printf '%s\n' "${specs[@]}" | at_once -n 3 "$python" "$root/scripts/check_against_onnxruntime.py" "$mnasc"
end
