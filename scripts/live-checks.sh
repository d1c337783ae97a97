#!/bin/sh
# Checks of real exports, made one after the other: how many fail though nothing has changed, and how many find what
# was put in. Takes about an hour; docs/ci.md quotes what it prints.
# usage: scripts/live-checks.sh [CHECKS] [alike|peak|growth]...
set -eu

cd "$(dirname "$0")/.."
checks=${1:-20}
[ $# -gt 0 ] && shift
kinds=${*:-alike peak growth}
work=target/live-checks
scenario=tests/data/gate/gate.toml
memreel=target/release/memreel

mkdir -p "$work"
loops=
stop() {
    for loop in $loops; do kill "$loop" 2>/dev/null || true; done
}
trap stop EXIT
trap 'exit 130' INT TERM

# beside N: whatever is run from now on runs beside so many loops that do nothing but take CPU time.
beside() {
    for _ in $(seq "$1"); do
        sh -c 'while :; do :; done' &
        loops="$loops $!"
    done
}

# baseline ARGUMENT...: five repeats, kept in $work/baseline.
baseline() {
    rm -f "$work/baseline"
    "$memreel" run "$scenario" --repeat 5 --reports "$work/reports" "$@" >"$work/log" 2>&1
    "$memreel" baseline save "$work/reports/gate/latest" "$work/baseline" >/dev/null
}

# failed PROGRAM ARGUMENT...: how many checks of what it runs fail.
failed() {
    program=$1
    shift
    count=0
    for check in $(seq "$checks"); do
        code=0
        "$program" run "$scenario" --reports "$work/reports" --check --baseline "$work/baseline" \
            --across-builds "$@" >"$work/log" 2>&1 || code=$?
        case $code in
        0) ;;
        1) count=$((count + 1)) ;;
        # melt hangs before its first frame in some of a hundred exports on a busy machine: no answer.
        *) echo "check $check: exit code $code, see $work/log" >&2 ;;
        esac
    done
    echo "$count"
}

# faulty FAULT: a memreel whose exporter has this fault.
faulty() {
    folder=$work/faulty
    rm -rf "$folder"
    mkdir -p "$folder"
    ln "$memreel" target/release/memreel-launch "$folder"
    real=$(pwd)/target/release/memreel-export
    # shellcheck disable=SC2016 # $1 and $@ are the script's own.
    printf '#!/bin/sh\ncase "$1" in *.otio) set -- --fault %s "$@";; esac\nexec "%s" "$@"\n' "$1" "$real" \
        >"$folder/memreel-export"
    chmod +x "$folder/memreel-export"
    echo "$folder/memreel"
}

# of_baseline FIGURE: the median of the exporter's single-threaded runs.
of_baseline() {
    sed -n "s/^$1 = \[\(.*\)\]/\1/p" "$work/baseline" | head -n 1 | tr -d ' ' | tr ',' '\n' | sort -n |
        sed -n 3p
}

for kind in $kinds; do
    case $kind in
    alike)
        beside 2
        baseline
        echo "nothing changed, beside two busy loops: $(failed "$memreel" --repeat 3) of $checks checks failed"
        stop
        loops=
        ;;
    peak)
        baseline --set 'matrix.exclude=[]' --engine ffmpeg --threading single
        more=$(($(of_baseline peak_bytes) / 20))
        program=$(faulty "hold=$more")
        found=$(failed "$program" --set 'matrix.exclude=[]' --engine ffmpeg --threading single --repeat 5)
        echo "5 % more of the exporter's peak ($more B): found by $found of $checks checks"
        ;;
    growth)
        baseline --set 'matrix.exclude=[]' --engine ffmpeg --threading single
        limit=$(sed -n 's/.*"not_stable_above_bytes_per_frame": \([0-9]*\).*/\1/p' \
            "$work/reports/gate/latest/summary.json" | head -n 1)
        more=$((2 * limit))
        program=$(faulty "keep-per-frame=$more")
        found=$(failed "$program" --set 'matrix.exclude=[]' --engine ffmpeg --threading single --repeat 5)
        echo "$more B kept of each frame, twice not_stable_above: found by $found of $checks checks"
        ;;
    *)
        echo "live-checks: $kind is none of alike, peak, growth" >&2
        exit 2
        ;;
    esac
done
