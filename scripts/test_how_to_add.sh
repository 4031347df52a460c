#!/usr/bin/env bash
# Adds a block kind, a pass, a weight format and a searcher to a copy of the tree and runs a few tests of them there.
#
#   scripts/test_how_to_add.sh [patches]   `patches`: only applies the patches, which takes a second
#
# Each patch in scripts/how_to_add may touch only the files that its row of "How to add" in ARCHITECTURE.md lists
# (NAME there is the name of what is added). The copy shares the target folder, so that dependencies are built once.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/workspace.sh
source scripts/workspace.sh
root=$PWD
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$root/target}"
copy="$CARGO_TARGET_DIR/how_to_add"

# The files that a row lists, in order.
listed() {
    grep -E "^\| $1 \|" ARCHITECTURE.md | cut -d '|' -f 3 | grep -oE '`[^`]+`' | tr -d '`' | sort
}

rm -rf "$copy"
mkdir -p "$copy"
git ls-files -z --cached --others --exclude-standard | while IFS= read -r -d '' file; do
    if [[ -e $file ]]; then printf '%s\0' "$file"; fi
done | tar --create --null --files-from=- | tar --extract --directory "$copy"

cd "$copy"
# A repository of its own: inside of another one, `git apply` would leave out every file.
git init -q
add() {
    local row=$1 patch=$2 name=$3
    git apply -C1 "$root/scripts/how_to_add/$patch"
    local touched
    touched=$(git apply -C1 --numstat "$root/scripts/how_to_add/$patch" | cut -f 3 | sed "s/\b$name\b/NAME/" | sort)
    if ! diff <(listed "$row") <(echo "$touched") > "$copy/difference"; then
        echo "ARCHITECTURE.md lists other files for \"$row\" than its patch touches (< listed, > touched):" >&2
        cat "$copy/difference" >&2
        exit 1
    fi
    echo "added: $row, $(wc -l <<< "$touched") files"
}
add "block kind" block_kind.patch widen
add "pass" pass.patch drop_repeated_relu
add "weight format" weight_format.patch lines
add "searcher" searcher.patch sweep

if [ "${1:-}" = patches ]; then exit; fi
for check in "$root"/scripts/how_to_add/check/*.rs; do
    package=$(basename "$check" .rs)
    folder=${package#mnas-hostile}
    mkdir -p "${folder:-hostile}/tests"
    cp "$check" "${folder:-hostile}/tests/added.rs"
done
cargo test --offline "${workspace[@]}" --test added
