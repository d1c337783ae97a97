#!/bin/sh
# The steps of action.yml, which is told what to do in the environment.
# usage: scripts/action.sh keys|build|check
set -euf

sources=$(cd "$(dirname "$0")/.." && pwd)

# What is passed on in a line must be one.
one_line() {
    case $2 in
    *"
"*)
        echo "memreel: the input \`$1\` has more than one line" >&2
        exit 2
        ;;
    esac
}

digest() {
    sha256sum | cut -c 1-16
}

# Says where the programs are or will be, and under which names they and the media are kept: the programs by all that
# they are built from and the system whose libraries they are linked with, the media by what a scenario asks for.
keys() {
    one_line programs "${MEMREEL_PROGRAMS-}"
    # shellcheck source=/dev/null
    system=$(. /etc/os-release && echo "$ID-$VERSION_ID")
    built_from=$(
        cd "$sources"
        find Cargo.toml Cargo.lock build.rs scenarios src bounds trace record judge timeline projects exporter -type f \
            -exec sha256sum {} + | LC_ALL=C sort | digest
    )
    version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$sources/Cargo.toml" | head -n 1)
    asked_for=$({
        echo "$MEMREEL_SCENARIO $MEMREEL_ARGS"
        [ ! -f "$MEMREEL_SCENARIO" ] || cat "$MEMREEL_SCENARIO"
    } | digest)
    {
        echo "programs=${MEMREEL_PROGRAMS:-$RUNNER_TEMP/memreel-programs}"
        echo "programs-key=memreel-programs-$system-$(uname -m)-$built_from"
        echo "media-key=memreel-media-$version-$asked_for"
    } >>"$GITHUB_OUTPUT"
}

build() {
    target=$RUNNER_TEMP/memreel-target
    cargo build --release --locked --workspace --bins --manifest-path "$sources/Cargo.toml" --target-dir "$target"
    mkdir -p "$MEMREEL_PROGRAMS"
    for program in memreel memreel-launch memreel-export; do
        cp "$target/release/$program" "$MEMREEL_PROGRAMS/"
    done
}

# Exports and checks; what came of it is the exit code, and is told to later steps, too.
check() {
    reports=$(mktemp -d "$RUNNER_TEMP/memreel-reports.XXXXXX")
    set -- --check --junit "$MEMREEL_JUNIT" --reports "$reports"
    [ -z "$MEMREEL_BASELINE" ] || set -- "$@" --baseline "$MEMREEL_BASELINE"
    [ "$MEMREEL_STRICT" != true ] || set -- "$@" --strict
    # shellcheck disable=SC2086 # a list of words
    set -- "$@" $MEMREEL_ARGS
    # After two dashes whatever it is called is no option.
    set -- "$@" -- "$MEMREEL_SCENARIO"
    code=0
    "$MEMREEL_PROGRAMS/memreel" run "$@" || code=$?
    latest=$(find "$reports" -name latest)
    {
        [ -z "$latest" ] || echo "result=$(realpath "$latest")"
        echo "exit-code=$code"
    } >>"$GITHUB_OUTPUT"
    exit "$code"
}

case "${1-}" in
keys | build | check) "$1" ;;
*)
    echo "usage: scripts/action.sh keys|build|check" >&2
    exit 2
    ;;
esac
