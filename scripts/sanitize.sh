#!/usr/bin/env bash
# The runtime's tests and random networks in Miri and AddressSanitizer, and at night in ThreadSanitizer.
#
#   scripts/sanitize.sh [night]   `night` (or MNAS_NIGHT): ThreadSanitizer, more networks, more seeds, both models of
#                                 aliasing
#
#   MNAS_SEED     decides which networks are drawn (default: follows from the commit)
#   MNAS_NIGHTLY  the nightly toolchain (default below); it is installed if rustup can
#   CI            if set, a missing toolchain is a failure; otherwise this says "skipped"
#
# Each sanitizer has to report a planted fault, too: a silent one is not looking.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/workspace.sh
source scripts/workspace.sh

nightly="${MNAS_NIGHTLY:-nightly-2026-10-29}"
night="${1:-${MNAS_NIGHT:+night}}"
host="$(rustc -vV | sed -n 's/^host: //p')"
work="${CARGO_TARGET_DIR:-target}/sanitize"
mkdir -p "$work"
work="$(cd "$work" && pwd)"

skip() {
    echo "$1"
    if [ -n "${CI:-}" ]; then exit 1; fi
    echo "skipped: Miri and sanitizers"
    exit 0
}

case "$host" in
*-linux-gnu) ;;
*) skip "sanitizers are not tried on $host" ;;
esac
if ! cargo "+$nightly" miri --version >"$work/log" 2>&1; then
    rustup toolchain install "$nightly" --profile minimal --component miri,rust-src >"$work/log" 2>&1 || {
        cat "$work/log"
        skip "there is no toolchain $nightly with Miri"
    }
fi

part() {
    local start=$SECONDS
    echo "-- $*"
    "$@"
    echo "-- $((SECONDS - start)) s: $*"
}

# A command that has to fail, and to say a certain thing.
reports() {
    local text="$1"
    shift
    if "$@" >"$work/log" 2>&1; then
        echo "a planted fault was not reported: $*"
        exit 1
    fi
    if ! grep -q "$text" "$work/log"; then
        cat "$work/log"
        echo "another failure than \"$text\": $*"
        exit 1
    fi
    echo "reported, as it should be: $text"
}

# The generator is built by the toolchain of the project, as the tests are.
generate() {
    rm -rf "$work/$1"
    cargo build -q "${workspace[@]}" --example sanitized
    "${CARGO_TARGET_DIR:-target}/debug/examples/sanitized" "$work/$@"
}

miri() {
    CARGO_TARGET_DIR="$work/miri-target" cargo "+$nightly" miri "$@"
}

# A panic inside of the drop of a payload is leaked on purpose, and a test does that.
runtime_in_miri() {
    MIRIFLAGS="${MIRIFLAGS:-} -Zmiri-ignore-leaks" miri test --locked -q -p mnas-runtime --features std
}

networks_in_miri() {
    miri run -q --manifest-path "$work/miri/Cargo.toml" --bin "$@"
}

# build SANITIZER FLAGS: the programs of networks, and the standard library with them where it has to know.
build() {
    local sanitizer="$1"
    shift
    CARGO_TARGET_DIR="$work/$sanitizer-target" RUSTFLAGS="-Zsanitizer=$sanitizer" \
        cargo "+$nightly" build -q --manifest-path "$work/native/Cargo.toml" --target "$host" "$@"
}

program() {
    "$work/$1-target/$host/debug/$2" "${@:3}"
}

# Every instruction set; one that the machine lacks runs as the next lower one.
run_all() {
    local isa
    for isa in scalar avx2 avx512; do
        MNAS_ISA=$isa program "$1" clean >"$work/log" 2>&1 || {
            cat "$work/log"
            echo "failed with MNAS_ISA=$isa"
            exit 1
        }
    done
}

# A seed of its own for each commit, so that networks do not repeat; it is printed with the generator's command.
seed="${MNAS_SEED:-$((16#$(git rev-parse HEAD 2>/dev/null | cut -c1-6 || echo 4d)))}"
echo "-- seed $seed"

part runtime_in_miri
part generate miri "$([ "$night" ] && echo 24 || echo 1)" "$seed" scalar small
part networks_in_miri clean
part reports "Data race detected" networks_in_miri race planted
part reports "going beyond the bounds of its allocation" networks_in_miri bounds planted

part generate native "$([ "$night" ] && echo 40 || echo 5)" "$seed" avx512,avx2,scalar
part build address
part run_all address
part reports "AddressSanitizer: heap-buffer-overflow" program address bounds planted

# Miri has looked for data races already, in scalar code; ThreadSanitizer needs a standard library of its own, which takes
# a minute to build.
if [ "$night" ]; then
    part build thread -Zbuild-std
    part run_all thread
    part reports "ThreadSanitizer: data race" program thread race planted

    export MIRIFLAGS="-Zmiri-tree-borrows"
    part runtime_in_miri
    part networks_in_miri clean
    export MIRIFLAGS="-Zmiri-many-seeds=0..16 -Zmiri-preemption-rate=0.1"
    part miri test --locked -q -p mnas-runtime --features std --test thread_pool -- failed_run
fi
