#!/usr/bin/env bash
# Tries the faults that the kernel's emulator (netem) makes on a kernel that has it: a virtual machine with Debian's cloud
# kernel, a Docker engine and a Redis stack. Its processor is emulated, so that it runs anywhere, some ten minutes long.
# Needs what `scripts/setup.sh` sets up, and qemu-system-x86_64 and cpio, which it installs where it may.
set -euo pipefail
cd "$(dirname "$0")/.."

MACHINE=drdrill.local/netem-machine:1
MEMORY=8G
LIMIT_S=1500

for tool in qemu-system-x86_64:qemu-system-x86 cpio:cpio; do
    command -v "${tool%%:*}" >/dev/null && continue
    { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${tool##*:}"; } >/dev/null ||
        { echo "netem: MISSING: ${tool%%:*}; install the package ${tool##*:}" >&2; exit 5; }
done

target/debug/drdrill images --build redis sidecar
docker build -q --network host --build-arg BASE=drdrill.local/base:trixie -t "$MACHINE" scripts/netem >/dev/null

work=$(mktemp -d)
container=
trap 'rm -rf "$work"; [ -z "$container" ] || docker rm "$container" >/dev/null' EXIT
mkdir "$work/root"
container=$(docker create "$MACHINE" /init)
docker export "$container" | tar -x -C "$work/root"
cp "$work"/root/boot/vmlinuz-* "$work/kernel"
rm -rf "$work"/root/boot
docker save drdrill.local/redis:8 drdrill.local/sidecar:1 -o "$work/root/images/all.tar"
cp scripts/netem/drills.sh scripts/netem/drill.yaml target/debug/drdrill "$work/root/drdrill/"
strip --strip-debug "$work/root/drdrill/drdrill" 2>/dev/null || true
(cd "$work/root" && find . -print0 | cpio --null -o -H newc --quiet) >"$work/initrd"
rm -rf "$work/root"

timeout "$LIMIT_S" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m "$MEMORY" -nographic -no-reboot \
    -kernel "$work/kernel" -initrd "$work/initrd" -append "console=ttyS0 quiet rdinit=/init" </dev/null | tee "$work/said"
grep -q "machine: every fault was seen" "$work/said" ||
    { echo "netem: not every fault was seen; what each came to stands above" >&2; exit 1; }
