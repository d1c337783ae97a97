#!/bin/sh
# Installs the programs that `memreel record` is compared with into target/peers, unless they are there.
# usage: scripts/peers.sh
set -eu

psrecord=1.4
psutil=7.2.2
mprof=0.61.0
duct=0.23.0
folder=$(dirname "$0")/../target/peers

stop() {
    echo "peers: $1" >&2
    exit 1
}

command -v python3 >/dev/null 2>&1 || stop "python3 is not installed: run \`make setup\`"
wanted="psrecord $psrecord, psutil $psutil, mprof $mprof, con-duct $duct"
[ "$(cat "$folder/installed" 2>/dev/null || true)" != "$wanted" ] || exit 0

rm -rf "$folder"
mkdir -p "$(dirname "$folder")"
python3 -m venv "$folder" || stop "python3 cannot make virtual environments: run \`make setup\` (python3-venv)"
# Only what it measures with: drawing is not compared.
"$folder/bin/pip" install --quiet --no-deps "psrecord==$psrecord" "psutil==$psutil" \
    "memory_profiler==$mprof" "con-duct==$duct"
echo "$wanted" >"$folder/installed"
