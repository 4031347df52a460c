#!/bin/sh
# Fetches the real weights, photographs and results that tests and examples use, about 40 MB, into
# ${MNAS_ASSETS:-target/assets}. Needs python3 with pip; no PyTorch. What is there already and intact is kept.
set -eu
cd "$(dirname "$0")/.."
exec python3 scripts/fetch_assets.py "${MNAS_ASSETS:-target/assets}"
