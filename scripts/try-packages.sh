#!/bin/sh
# Unpacks what `make deb` and `make tarball` have left and uses it as somebody without a checkout does, from an empty
# folder: version, doctor, an export that is judged, man pages and completions.
# usage: scripts/try-packages.sh
set -eu

sources=$(cd "$(dirname "$0")/.." && pwd)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$sources/Cargo.toml" | head -n 1)
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT

stop() {
    echo "try-packages: $1" >&2
    exit 1
}

# says FILE TEXT: what a command has written holds this.
says() {
    grep -qF -- "$2" "$1" || stop "\`$2\` is not in: $(cat "$1")"
}

# newest ENDING: the file of this version with this ending.
newest() {
    find "$sources/target/dist" -name "memreel[-_]$version*$1" -printf '%T@ %p\n' | sort -n | tail -n 1 |
        cut -d ' ' -f 2-
}

# pages SHARE: man and the shells that are installed read each file.
pages() {
    for page in "$1"/man/man1/*; do
        MANWIDTH=80 man --warnings -l "$page" >"$room/said" 2>"$room/warned" || stop "man refuses $page"
        [ ! -s "$room/warned" ] || stop "$page: $(cat "$room/warned")"
        says "$room/said" SYNOPSIS
    done
    for shell in bash zsh fish; do
        command -v "$shell" >/dev/null || continue
        find "$1/$shell-completion" "$1/$shell" -type f 2>/dev/null | while read -r file; do
            "$shell" -n "$file" || stop "$shell refuses $file"
        done
    done
}

deb=$(newest .deb)
tarball=$(newest .tar.gz)
[ -n "$deb" ] && [ -n "$tarball" ] || stop "no packages of $version in target/dist: run \`make deb tarball\`"
command -v man >/dev/null || stop "man is not installed: run \`make setup-tests\`"

dpkg-deb --field "$deb" Depends >"$room/said"
says "$room/said" libavcodec
dpkg -x "$deb" "$room/deb"
[ -s "$room/deb/usr/share/doc/memreel/copyright" ] || stop "$deb has no copyright"
[ -s "$room/deb/usr/share/doc/memreel/docs/verdicts.md" ] || stop "$deb has no docs"
[ -s "$room/deb/usr/share/doc/memreel/docs/schema/summary.json" ] || stop "$deb has no JSON Schemas"
pages "$room/deb/usr/share"

mkdir "$room/empty" "$room/home"
cd "$room/empty"
HOME=$room/home
PATH=$room/deb/usr/bin:/usr/bin:/bin
export HOME PATH
unset MEMREEL_LIBEXEC MEMREEL_RLVIDEO MEMREEL_MEDIA XDG_CACHE_HOME
memreel --version >"$room/said"
cat "$room/said"
says "$room/said" "memreel $version"
says "$room/said" "$room/deb/usr/bin/memreel-export"
head=$(git -C "$sources" rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
says "$room/said" "commit: $head"
memreel doctor >"$room/said" || stop "doctor: $(cat "$room/said")"
says "$room/said" "$room/deb/usr/bin/memreel-launch"
memreel run one-clip --engine ffmpeg --threading single --size 160x90 >"$room/said" 2>"$room/warned" ||
    stop "run: $(cat "$room/said" "$room/warned")"
says "$room/said" "Memory grows:"
grep -F "Memory grows:" "$room/said"
[ -s reports/one-clip/latest/summary.csv ] || stop "the run left no summary.csv"

# filled KEY: what cargo-binstall makes of a key of its metadata.
filled() {
    target=$(basename "$tarball" .tar.gz | sed "s/^memreel-$version-//")
    sed -n "s/^$1 = \"\(.*\)\"/\1/p" "$sources/Cargo.toml" |
        sed "s/{ version }/$version/g; s/{ target }/$target/g; s/{ bin }/memreel/; s/{ binary-ext }//"
}
[ "$(basename "$(filled pkg-url)")" = "$(basename "$tarball")" ] || stop "pkg-url names $(filled pkg-url)"
tar -tzf "$tarball" >"$room/said"
says "$room/said" "$(filled bin-dir)"

mkdir "$room/tarball"
tar -xzf "$tarball" -C "$room/tarball" --strip-components 1
pages "$room/tarball/share"
MEMREEL_LIBEXEC=$room/deb/usr/bin "$room/tarball/memreel" --version >"$room/said"
says "$room/said" "$room/deb/usr/bin/memreel-export"
"$room/tarball/memreel" record --save true -- true >"$room/said" 2>&1 || stop "record: $(cat "$room/said")"
[ -s true/samples.csv ] || stop "the archive's memreel records nothing"
echo "try-packages: $(basename "$deb") and $(basename "$tarball") work"
