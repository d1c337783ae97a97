#!/bin/sh
# Installs what memreel needs on Debian or Ubuntu, and nothing that is there already.
# usage: scripts/setup.sh [--tests]
set -eu

oldest_rust=1.88

# What FFmpeg's headers and the bindings to them need, a linker, the engine melt and its Python binding.
packages="build-essential pkg-config libclang-dev
libavcodec-dev libavformat-dev libavfilter-dev libavutil-dev libswscale-dev libswresample-dev
melt python3-mlt"

# For the tests: the ffmpeg command line that the exporter is compared to, engines that are recipes, allocators, what counts
# instructions, shows system calls and looks into processes, what reads scripts and man pages, the scheduler that runs a
# job array (its daemons are started for a test alone), terminals of any width, and a virtual environment for psrecord
# and what reads the files of a CI.
if [ "${1:-}" = --tests ]; then
    packages="$packages ffmpeg valgrind strace gdb shellcheck slurm-wlm man-db tmux
ges1.0-tools gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly gstreamer1.0-libav
python3-openshot libjemalloc2 libmimalloc2.0"
    python3 -c 'import ensurepip' 2>/dev/null || packages="$packages python3 python3-venv"
fi

stop() {
    echo "setup: $1" >&2
    exit 1
}

command -v cargo >/dev/null 2>&1 ||
    stop "cargo is not installed; memreel needs Rust $oldest_rust or later: install it with rustup (https://rustup.rs)"
rust=$(rustc --version | cut -d ' ' -f 2)
printf '%s\n%s\n' "$oldest_rust" "$rust" | sort --version-sort --check=quiet ||
    stop "Rust $rust is too old; memreel needs $oldest_rust or later: run \`rustup update\`"

# shellcheck disable=SC2086,SC2116 # $packages is a list of words
all=$(echo $packages)
command -v dpkg-query >/dev/null 2>&1 ||
    stop "this is not Debian or Ubuntu; install what these packages hold, then go on: $all"

missing=
for package in $all; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    as_root=
elif command -v sudo >/dev/null 2>&1; then
    as_root=sudo
else
    stop "neither root nor sudo; have these packages installed, then go on:$missing"
fi

echo "setup: installing$missing"
$as_root apt-get update -q
# shellcheck disable=SC2086
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends $missing
