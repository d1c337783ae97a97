#!/bin/sh
# Installs into target/peers, unless they are there, the programs that `memreel record` is compared with, those
# that read what memreel writes for a CI, and engines of the tests: a schema of JUnit's XML, checkers of actions, workflows and GitLab's jobs.
# usage: scripts/peers.sh
set -eu

psrecord=1.4
psutil=7.2.2
mprof=0.61.0
duct=0.23.0
# The schema that Jenkins' xUnit plugin holds reports to comes with the sources of pytest, which is held to it, too.
pytest=9.2.0
lxml=6.1.3
check_jsonschema=0.39.0
zizmor=1.32.0
# An engine of the tests.
moviepy=2.1.2
folder=$(dirname "$0")/../target/peers

stop() {
    echo "peers: $1" >&2
    exit 1
}

command -v python3 >/dev/null 2>&1 || stop "python3 is not installed: run \`make setup\`"
wanted="psrecord $psrecord, psutil $psutil, mprof $mprof, con-duct $duct, pytest's schema $pytest, lxml $lxml, \
check-jsonschema $check_jsonschema, zizmor $zizmor, moviepy $moviepy"
[ "$(cat "$folder/installed" 2>/dev/null || true)" != "$wanted" ] || exit 0

rm -rf "$folder"
mkdir -p "$(dirname "$folder")"
python3 -m venv "$folder" || stop "python3 cannot make virtual environments: run \`make setup\` (python3-venv)"
# Only what it measures with: drawing is not compared.
"$folder/bin/pip" install --quiet --no-deps "psrecord==$psrecord" "psutil==$psutil" \
    "memory_profiler==$mprof" "con-duct==$duct"
"$folder/bin/pip" install --quiet "lxml==$lxml" "check-jsonschema==$check_jsonschema" "zizmor==$zizmor" \
    "moviepy==$moviepy"
"$folder/bin/pip" download --quiet --no-deps --no-binary pytest --dest "$folder/src" "pytest==$pytest"
tar -xzf "$folder/src/pytest-$pytest.tar.gz" -C "$folder" --strip-components 3 \
    "pytest-$pytest/testing/example_scripts/junit-10.xsd"
echo "$wanted" >"$folder/installed"
