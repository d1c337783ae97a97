#!/bin/sh
# Packs what `make build man` has left, into target/dist: a package for this release of Debian or Ubuntu, or the archive
# that cargo-binstall fetches. The same commit gives the same files. `is-version` fails unless a tag names the version.
# usage: scripts/package.sh deb|tarball|is-version TAG
set -eu

cargo_deb=3.8.0

cd "$(dirname "$0")/.."
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}
export SOURCE_DATE_EPOCH

# Installs cargo-deb into target/packager, unless it is there.
install_cargo_deb() {
    [ "$(cat target/packager/installed 2>/dev/null || true)" != "$cargo_deb" ] || return 0
    cargo install --quiet --locked --root target/packager --target-dir target/packager/build \
        --version "$cargo_deb" cargo-deb
    rm -rf target/packager/build
    echo "$cargo_deb" >target/packager/installed
}

# Its name says for which system it is: the exporter is linked with that system's FFmpeg.
deb() {
    install_cargo_deb
    # shellcheck source=/dev/null
    system=$(. /etc/os-release && echo "$ID$VERSION_ID")
    mkdir -p target/dist
    target/packager/bin/cargo-deb --package memreel --no-build --strip --quiet \
        --deb-revision "1~$system" --output target/dist/
}

tarball() {
    name=memreel-$version-$(rustc -vV | sed -n 's/^host: //p')
    room=$(mktemp -d)
    trap 'rm -rf "$room"' EXIT
    mkdir -p target/dist "$room/$name"
    for program in memreel memreel-launch; do
        strip -o "$room/$name/$program" "target/release/$program"
    done
    cp -R README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE target/share "$room/$name/"
    find "$room/$name/share" -name '*memreel-export*' -delete
    tar --create --directory "$room" --sort=name --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX \
        --mtime="@$SOURCE_DATE_EPOCH" "$name" | gzip --no-name >"target/dist/$name.tar.gz"
}

case "${1-}" in
deb | tarball) "$1" ;;
is-version)
    [ "${2-}" = "v$version" ] || {
        echo "package: the tag ${2-} does not name the version $version of Cargo.toml" >&2
        exit 1
    }
    ;;
*)
    echo "usage: scripts/package.sh deb|tarball|is-version TAG" >&2
    exit 2
    ;;
esac
