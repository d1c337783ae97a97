#!/bin/sh
# Makes the investigation again: every scenario beside this file is run, what is whole already is kept, and
# the page is written from the results.
# usage: reports/export-crash/investigate.sh [CHECKOUT]
# CHECKOUT is one of the editor rlvideo; without it (and without MEMREEL_RLVIDEO) its part is left out.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
memreel=${MEMREEL:-$here/../../target/release/memreel}
results=$here/results
[ $# -eq 0 ] || MEMREEL_RLVIDEO=$1
export MEMREEL_RLVIDEO="${MEMREEL_RLVIDEO:-}"

# In the order of the page's questions.
steps="editor-uhd-20-cuts editor-uhd-60-cuts editor-uhd-240-cuts grid grid-editor ladder graph editor-720p threads
threads-uhd layouts-10-clips layouts-40-clips layouts-160-clips layouts-uhd empty-tracks mixed-tracks without-empty-tracks proxies
proxies-made exports exports-uhd long crashes limited"

# Whether a step is for the editor alone.
is_for_the_editor() {
    case $1 in
    graph) true ;;
    mixed-tracks | without-empty-tracks) false ;;
    *) grep -q 'engine = "rlvideo"' "$here/scenarios/$1.toml" ;;
    esac
}

is_wanted() { [ -n "$MEMREEL_RLVIDEO" ] || ! is_for_the_editor "$1"; }

seconds() { awk -F , -v step="$1" '$1 == step { print $2; found = 1 } END { if (!found) print 0 }' "$here/durations.csv"; }

total=0
for step in $steps; do
    if is_wanted "$step"; then
        [ -e "$results/$step/done" ] || total=$((total + $(seconds "$step")))
    else
        echo "left out: $step (name a checkout of rlvideo to have it)"
    fi
done
echo "about $(((total + 59) / 60)) minutes to go on a machine like the page's, and some for the media at first"

# The very graph that the editor exports, written out by the step before: exported by melt and the binding.
run_graph() {
    graph=$(find "$results/ladder/latest/jobs" -path '*rlvideo*r1/graph.mlt' | sort | head -n 1)
    [ -n "$graph" ] || { echo "investigate: the step \`ladder\` left no graph.mlt of the editor's" >&2; return 5; }
    cp "$graph" "$results/graph.mlt"
    run_project graph --engine melt,mlt-python
}

# The timeline of the step before, with what editors plant on every track, empty or not: a transition for its
# pictures and one for its sound.
run_mixed_tracks() {
    timeline=$(find "$results/empty-tracks/latest/timelines" -name '*.mlt' | head -n 1)
    awk '
    function plant(service, track, more) {
        print "<transition><property name=\"mlt_service\">" service "</property>"
        print "<property name=\"a_track\">0</property><property name=\"b_track\">" track "</property>"
        print "<property name=\"always_active\">1</property>" more "</transition>"
    }
    /<\/tractor>/ {
        for (track = 1; track <= 50; track++) {
            plant("composite", track, "")
            plant("mix", track, "<property name=\"sum\">1</property>")
        }
    }
    { print }' "$timeline" > "$results/mixed-tracks.mlt"
    run_project mixed-tracks
}

# The same, laid out anew: what "optimise the producer" brings.
run_without_empty_tracks() {
    "$memreel" layout "$results/mixed-tracks.mlt" --to flat -o "$results/without-empty-tracks.mlt" 2> /dev/null
    run_project without-empty-tracks
}

# In a control group that has 2.5 GiB, which is what a machine of 4 GB has left beside a desktop.
run_limited() {
    limit=2684354560
    group=/sys/fs/cgroup/memory/memreel-investigation
    mkdir -p "$group" 2> /dev/null && [ -e "$group/memory.limit_in_bytes" ] || group=/sys/fs/cgroup/memreel-investigation
    if mkdir -p "$group" 2> /dev/null && [ -e "$group/memory.limit_in_bytes" ]; then
        echo "$limit" > "$group/memory.limit_in_bytes"
    elif [ -e "$group/memory.max" ]; then
        echo "$limit" > "$group/memory.max"
        echo 0 > "$group/memory.swap.max"
    else
        echo "left out: limited (no control group for memory can be made here)"
        return 0
    fi
    code=0
    sh -c 'echo $$ > "$1/cgroup.procs"; shift; exec "$@"' sh "$group" \
        "$memreel" run "$here/scenarios/limited.toml" --reports "$results" || code=$?
    rmdir "$group" || true
    return "$code"
}

run_project() {
    project=$results/$1.mlt
    shift
    "$memreel" run "$project" --reports "$results" --encoder libx264 --preset ultrafast --repeat 3 "$@"
}

run() {
    if [ -e "$results/$1/latest" ]; then
        "$memreel" run --resume "$results/$1/latest" $2
    else
        case $1 in
        graph) run_graph ;;
        mixed-tracks) run_mixed_tracks ;;
        without-empty-tracks) run_without_empty_tracks ;;
        limited) run_limited ;;
        *) "$memreel" run "$here/scenarios/$1.toml" --reports "$results" $2 ;;
        esac
    fi
}

mkdir -p "$results"
for step in $steps; do
    is_wanted "$step" || continue
    [ ! -e "$results/$step/done" ] || continue
    echo "== $step: about $(seconds "$step") s"
    began=$(date +%s)
    code=0
    run "$step" "$([ "$step" = ladder ] && echo --dump-graph)" || code=$?
    # 4 is an answer too: an export that fails is counted. Anything else has to be mended first.
    case $code in 0 | 4) ;; *) exit "$code" ;; esac
    echo "$(($(date +%s) - began))" > "$results/$step/done"
done

# What the steps took, for whoever makes it again.
{
    echo "step,seconds"
    for step in $steps; do
        [ -e "$results/$step/done" ] && echo "$step,$(cat "$results/$step/done")" || echo "$step,$(seconds "$step")"
    done
} > "$here/durations.csv.new"
mv "$here/durations.csv.new" "$here/durations.csv"

export MEMREEL="$memreel"
exec python3 "$here/page.py" "$results" "$here"
