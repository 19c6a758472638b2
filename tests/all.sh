#!/bin/sh
# Runs every part of `make test`, and says at the end how long each took. Stops at the first that fails.
set -eu
make=$1
ledger="" total=0

told() {
    printf '\nHow long each part of make test took (tests/conftest.py breaks the tests down, above):\n'
    printf '%b' "$ledger"
    printf '  %-12s %5d s of the 1500 s that it may take on two cores\n' total "$total"
}

for part in environment lint types tests benchmarks; do
    start=$(date +%s)
    code=0
    "$make" --no-print-directory "$part" || code=$?
    took=$(($(date +%s) - start))
    total=$((total + took))
    ledger="$ledger$(printf '  %-12s %5d s' "$part" "$took")\\n"
    if [ "$code" -ne 0 ]; then
        told
        echo "make test failed in its part \`$part\`: \`make $part\` runs that alone" >&2
        exit "$code"
    fi
done
told
