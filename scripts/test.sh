#!/usr/bin/env bash
# Everything that can be tested on this machine, in one command, or a part of it.
#
#   scripts/test.sh [LANE...]
#
#   lint       rustfmt, clippy, the lints of this tree, documentation; the patches of `additions`
#   core       tests of the crates, but for those of the other lanes
#   generated  generated code: random networks, planted faults, kernels, assembly; mutants of files; equal bytes
#   train      training on the processor, and at night on a GPU
#   targets    foreign targets, the oldest Rust that is supported (rustup fetches both), the target for cargo-fuzz
#   sanitize   Miri and sanitizers (rustup fetches a nightly Rust)
#   packages   the packages as a user gets them (needs Python and the fetched assets)
#   additions  a block kind, a pass, a weight format and a searcher are added to a copy of the tree
#   night      all of them, with what takes too long for every push
#
# Without a lane: lint, core, generated and train, which need Rust alone. The first failure ends the run.
#
#   MNAS_PYTHON  a Python with numpy, onnx and onnxruntime (default python3): exported files run in onnxruntime
#   MNAS_BROWSER a chromium (default one on PATH): pages are opened in it
#   MNAS_ASSETS  real weights and photographs (default target/assets; scripts/fetch_assets.sh fetches them)
#   MNAS_SEED    chooses mutants, and the networks, kernels and faults of a push (default: follows from the commit)
#   CI           if set, a missing tool is a failure; otherwise its tests are listed as skipped at the end
set -euo pipefail
cd "$(dirname "$0")/.."

export MNAS_PYTHON="${MNAS_PYTHON:-python3}"
export MNAS_ASSETS="${MNAS_ASSETS:-$PWD/target/assets}"
# Every commit tries others. Fifteen digits are exact in any language.
commit=$(git rev-parse --short=8 HEAD 2> /dev/null || echo 0)
export MNAS_SEED="${MNAS_SEED:-$((16#$commit))}"

target=${CARGO_TARGET_DIR:-$PWD/target}
logs=$target/test-logs
mkdir -p "$logs"
rm -f "$logs"/*

if [ "$*" = night ]; then export MNAS_NIGHT=1; fi
# shellcheck source=scripts/workspace.sh
source scripts/workspace.sh

# Test programs of the lanes `lint`, `generated` and `train`; all others are of `core`.
lint_tests="cycles subjects words"
generated_tests="networks kernels_equal_loops graphs pairs doors macro_errors"
other_generated_tests="planted quantized toolchain mutants attacks identical"
train_tests="model training"

# Seconds that the processors have computed for the processes that have ended. On a machine that does other things
# as well they say more than the time that has passed.
computed() {
    # Not in a subshell, which would count its own processes.
    times > "$logs/times"
    awk 'NR == 2 { for (i = 1; i <= 2; i++) { split($i, t, "[ms]"); sum += 60 * t[1] + t[2] } printf "%d\n", sum }' "$logs/times"
}

# Seconds since $1 that have passed, since $2 that were computed; then what took them.
took() { printf '%5d s %5d s of processors  %.100s' $((SECONDS - $1)) $(($(< "$logs/computed") - $2)) "$3"; }

times=()
part() {
    local start=$SECONDS shown="$*" before
    computed > "$logs/computed"
    before=$(< "$logs/computed")
    # The features are the same everywhere.
    shown=${shown//"${workspace[*]}"/--workspace}
    shown=${shown//"${workspace_without_gpu[*]}"/--workspace}
    shown=${shown//$'\n'/ }
    echo "== $shown"
    "$@"
    computed > "$logs/computed"
    times+=("$(took "$start" "$before" "$shown")")
    echo "== ${times[-1]}"
}

# Runs tests; what passes is shown in one line a program, what fails in full, and what is skipped at the end.
tests() {
    local log=$logs/$((${#times[@]} + 1))-$BASHPID.log
    local shown='^ *(Compiling mnas|Running|Doc-tests)|^test result|^test .* FAILED|^(error|warning)'
    if ! cargo test "$@" -- --show-output > "$log" 2>&1; then
        grep -E "$shown" "$log" || true
        sed -n '/^failures:/,/^test result/p;/^error/,$p' "$log"
        echo "the whole output: $log" >&2
        return 1
    fi
    grep -E "$shown" "$log"
}

# Runs sets of tests at the same time, each given by its options: cargo runs programs one after another, and what a
# program runs last often keeps one processor busy.
at_once() {
    local set sets=() failed=
    for set in "$@"; do
        # shellcheck disable=SC2086
        tests "${workspace[@]}" $set &
        sets+=($!)
    done
    for set in "${sets[@]}"; do wait "$set" || failed=1; done
    test -z "$failed"
}

# Options that choose the programs with these names.
named() { for name in $1; do printf -- '--test %s ' "$name"; done; }

# Names of the test programs of the workspace that are in no list above.
core_tests() {
    local file name
    for file in */tests/*.rs */tests/*/main.rs; do
        name=$(basename "${file%/main.rs}" .rs)
        case " $lint_tests $generated_tests $other_generated_tests $train_tests " in
            *" $name "*) ;;
            *) echo "$name" ;;
        esac
    done | sort -u
}

# Options that choose the programs of the workspace. Not `--bins`: the fuzz target has a `main` of its own.
bins() {
    local file
    for file in */src/main.rs; do
        sed -n 's/^name = "\(.*\)"/--bin \1/p' "${file%/src/main.rs}/Cargo.toml" | head -n 1
    done
}

# Says that something is left out; with CI set that is a failure.
skip() {
    echo "skipped: $*" | tee -a "$logs/skipped.log"
    test -z "${CI:-}"
}

lint() {
    # Nothing is linked here: the build script of libfuzzer-sys need not compile libFuzzer.
    local -x CUSTOM_LIBFUZZER_PATH=$target/libfuzzer.a
    part cargo fmt --all --check
    # The patches of the lane `additions`, which changes near them break.
    part scripts/test_how_to_add.sh patches
    # All crates of all features, whose licences are tested.
    part cargo fetch --locked
    # shellcheck disable=SC2046
    part tests "${workspace[@]}" $(named "$lint_tests")
    # Without features first: the macro compiles mnas-codegen so, and hints of unused code show only here.
    part cargo clippy --locked -p mnas-dsl -p mnas-codegen -p mnas-runtime --no-default-features -- -D warnings
    part cargo clippy "${workspace_without_gpu[@]}" --all-targets -- -D warnings
    if [ -n "${MNAS_NIGHT:-}" ]; then
        part cargo clippy --locked -p mnas-train -p mnasc --features mnasc/wgpu --all-targets -- -D warnings
    fi
    RUSTDOCFLAGS="-D warnings" part cargo doc "${workspace_without_gpu[@]}" --no-deps
    part cargo build --locked -p mnas-runtime --no-default-features
}

core() {
    # Building is a part of its own: its time says nothing about the tests.
    part cargo test "${workspace[@]}" --no-run
    part at_once "--lib $(bins) --examples $(named "$(core_tests | grep -vx cli)")" "--test cli" "--doc"
}

generated() {
    part at_once "$(named "$generated_tests")" "$(named "$other_generated_tests")"
}

train() {
    # shellcheck disable=SC2046
    part tests "${workspace[@]}" $(named "$train_tests")
    if [ -n "${MNAS_NIGHT:-}" ] && [ -z "$has_gpu" ]; then
        skip "training on GPUs (no driver for Vulkan; Debian's mesa-vulkan-drivers has one)"
    fi
}

targets() {
    local triples=(aarch64-unknown-linux-gnu wasm32-unknown-unknown thumbv7em-none-eabihf) triple oldest
    oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
    if ! command -v rustup > /dev/null; then
        skip "foreign targets and Rust $oldest (no rustup)"
        return
    fi
    part rustup target add "${triples[@]}"
    for triple in "${triples[@]}"; do
        part cargo build --locked -p mnas-target-build -p mnas-target-macro --target "$triple"
    done
    # The fuzz target, with libFuzzer, which a C++ compiler builds.
    part cargo build "${workspace[@]}" --bin reader
    part rustup toolchain install "$oldest" --profile minimal --no-self-update
    # Every crate but the trainer, which needs burn's Rust. The programs of tests are not a user's.
    part env RUSTUP_TOOLCHAIN="$oldest" cargo check --locked --target-dir "$target/oldest" \
        -p mnas -p mnasc -p mnas-fuzz -p mnas-data -p mnas-target-build -p mnas-target-macro
}

sanitize() {
    if [ -x scripts/sanitize.sh ]; then
        part scripts/sanitize.sh
    else
        skip "sanitizers (no scripts/sanitize.sh)"
    fi
}

packages() { part scripts/test_packages.sh; }

additions() { part scripts/test_how_to_add.sh; }

all=(lint core generated train targets sanitize packages additions)
lanes=("$@")
if [ ${#lanes[@]} = 0 ]; then lanes=(lint core generated train); fi
if [ "${lanes[*]}" = night ]; then lanes=("${all[@]}"); fi
for lane in "${lanes[@]}"; do
    case " ${all[*]} " in
        *" $lane "*) ;;
        *)
            echo "$lane is not a lane; expected one of ${all[*]}, or night alone" >&2
            exit 2
            ;;
    esac
done

for lane in "${lanes[@]}"; do
    lane_start=$SECONDS
    computed > "$logs/computed"
    lane_before=$(< "$logs/computed")
    echo "=== lane $lane, seed $MNAS_SEED"
    "$lane"
    computed > "$logs/computed"
    times+=("$(took "$lane_start" "$lane_before" "lane $lane")")
done

echo "=== test programs of ten seconds or more:"
for log in "$logs"/*.log; do
    # Some lanes run no tests of cargo's.
    [ -e "$log" ] || continue
    awk '/^ *(Running|Doc-tests)/ { sub(/ \(.*/, ""); sub(/^ */, ""); name = $0 }
        /^test result/ { sub(/.*finished in /, ""); sub(/s$/, ""); if ($0 + 0 >= 10) printf "%7.1f s  %s\n", $0, name }' "$log"
done
echo "=== skipped:"
# A test that skips something says so in what it prints.
skipped=$(grep -hE '^skipped: |^test .* ignored' "$logs"/*.log | sort | uniq -c || true)
echo "${skipped:-nothing}"
echo "=== lanes ${lanes[*]} passed, in $SECONDS s:"
printf '%s\n' "${times[@]}"
