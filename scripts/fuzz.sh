#!/bin/sh
# Fuzzes each kind of input that memreel reads for FUZZ_SECONDS (60), or those in FUZZ_TARGETS alone.
# What is found lies in target/fuzz/found; what to try again next time in target/fuzz/inputs.
set -eu
cd "$(dirname "$0")/../fuzz"
seconds=${FUZZ_SECONDS:-60}
targets=${FUZZ_TARGETS:-$(ls corpus)}
# The versions that memreel is built with.
[ -f Cargo.lock ] || cp ../Cargo.lock .
cargo build --release
fuzzer=$(ls ../target/fuzz/*/release/memreel-fuzz)
found=../target/fuzz/found
mkdir -p "$found"
TMPDIR=$(mktemp -d -p "$([ -d /dev/shm ] && echo /dev/shm || echo /tmp)")
export TMPDIR
trap 'rm -rf "$TMPDIR"' EXIT
failed=
for target in $targets; do
    inputs=../target/fuzz/inputs/$target
    mkdir -p "$inputs"
    # The words of the kept inputs, and of scenarios each key that there is: libFuzzer cannot see them in comparisons.
    { cat corpus/"$target"/*; [ "$target" != scenario ] || cat ../docs/scenarios.md; } |
        LC_ALL=C grep -oaE '[A-Za-z_][A-Za-z0-9_.:-]{2,30}' | sort -u | sed 's/.*/"&"/' > "$TMPDIR/words"
    log=../target/fuzz/$target.log
    # A limit of memory counts the fuzzer's own, 100 MiB and more.
    if FUZZ_TARGET=$target "$fuzzer" -max_total_time="$seconds" -max_len=65536 -timeout=20 -rss_limit_mb=600 \
        -dict="$TMPDIR/words" -artifact_prefix="$found/$target-" -print_final_stats=1 \
        "$inputs" "corpus/$target" > "$log" 2>&1; then
        runs=$(awk '/number_of_executed_units/ { print $2 }' "$log")
        cover=$(grep -oE 'cov: [0-9]+' "$log" | tail -1)
        peak=$(awk '/peak_rss_mb/ { print $2 }' "$log")
        echo "$target: $runs inputs, $cover, at most $peak MB, nothing found"
    else
        failed="$failed $target"
        echo "$target: FOUND"
        grep -aE -A3 'panicked at|ERROR: libFuzzer|Test unit written' "$log" || tail -5 "$log"
    fi
done
[ -z "$failed" ] || { echo "found something:$failed; the inputs are in target/fuzz/found" >&2; exit 1; }
