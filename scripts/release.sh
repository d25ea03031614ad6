#!/usr/bin/env bash
# Makes what is handed on: the program, a package for Debian, completions, and their checksums.
#
#   scripts/release.sh                 a program that links the machine's C library and OpenSSL
#   TARGET=x86_64-unknown-linux-musl scripts/release.sh      a static one, where that target's C tools are there
#   IMAGE=yes scripts/release.sh       the container image too; needs a Docker engine
set -euo pipefail
cd "$(dirname "$0")/.."
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
target=${TARGET:-$(rustc -vV | sed -n 's/^host: //p')}
out=target/release-$version
program=${PROGRAM:-}
if [ -z "$program" ]; then
    cargo build --locked --release --target "$target"
    program=target/$target/release/drdrill
fi
rm -rf "$out" && mkdir -p "$out/completions"
install -m 755 "$program" "$out/drdrill"
for shell in bash zsh fish; do "$program" completions "$shell" >"$out/completions/drdrill.$shell"; done
cp -r scenarios LICENSE-MIT LICENSE-APACHE README.md CHANGELOG.md "$out/"
tar -C target --owner=0 --group=0 --sort=name -czf "target/drdrill-$version-$target.tar.gz" "release-$version"
mv "target/drdrill-$version-$target.tar.gz" "$out/"

# A package: the program, completions, scenarios and licences in their places.
if command -v dpkg-deb >/dev/null; then
    tree=$(mktemp -d)
    trap 'rm -rf "$tree"' EXIT
    chmod 755 "$tree"
    install -D -m 755 "$program" "$tree/usr/bin/drdrill"
    install -D -m 644 "$out/completions/drdrill.bash" "$tree/usr/share/bash-completion/completions/drdrill"
    install -D -m 644 "$out/completions/drdrill.zsh" "$tree/usr/share/zsh/vendor-completions/_drdrill"
    install -D -m 644 "$out/completions/drdrill.fish" "$tree/usr/share/fish/vendor_completions.d/drdrill.fish"
    mkdir -p "$tree/usr/share/doc/drdrill" "$tree/usr/share/drdrill" "$tree/DEBIAN"
    cp LICENSE-MIT LICENSE-APACHE CHANGELOG.md "$tree/usr/share/doc/drdrill/"
    cp -r scenarios "$tree/usr/share/drdrill/"
    cat >"$tree/DEBIAN/control" <<CONTROL
Package: drdrill
Version: $version
Architecture: $(dpkg --print-architecture)
Maintainer: the drdrill maintainers <maintainers@localhost>
Depends: ${DEPENDS-libc6, libssl3 | libssl3t64}
Section: database
Priority: optional
Description: disaster-recovery drills on real databases
 Brings up a database stack in containers, breaks it, lets it fail over,
 and measures recovery time and lost data from the clients' side.
CONTROL
    dpkg-deb --root-owner-group --build "$tree" "$out/drdrill_${version}_$(dpkg --print-architecture).deb" >/dev/null
else
    echo "no package: dpkg-deb is not there" >&2
fi
if [ "${IMAGE:-no}" = yes ]; then
    rm -rf target/image && mkdir -p target/image
    cp -r "$program" scenarios docker/drdrill/Dockerfile target/image/
    DOCKER_BUILDKIT=0 docker build -q -t "drdrill:$version" target/image
fi
(
    cd "$out"
    shopt -s nullglob
    sha256sum drdrill ./*.tar.gz ./*.deb | tee SHA256SUMS
)
