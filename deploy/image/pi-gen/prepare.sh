#!/bin/bash
# Puts the package and the common settings into the stage, which then is copied into a checkout of pi-gen.
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SOURCE=$(cd "$HERE/../../.." && pwd)

if [ ! -f "${1:-}" ] || [ ! -x "${2:-}/build-docker.sh" ]; then
    echo "Usage: deploy/image/pi-gen/prepare.sh dist/edge-fer_…~deb13_arm64.deb FOLDER-OF-PI-GEN" >&2
    exit 2
fi
files=$2/stage-edge-fer/00-install/files
cp -R "$HERE/stage-edge-fer" "$2/"
cp "$HERE/config" "$2/config"
mkdir -p "$files"
cp "$1" "$files/edge-fer.deb"
cp "$SOURCE/deploy/card/edge-fer.yaml" "$files/"
for file in systemd/journald.conf.d systemd/system.conf.d ssh/sshd_config.d apt/apt.conf.d tmpfiles.d; do
    mkdir -p "$files/rootfs/etc/$file"
    cp "$SOURCE/deploy/image/rootfs/etc/$file"/* "$files/rootfs/etc/$file/"
done
# of Raspberry Pi OS Lite itself, no image is wanted
touch "$2/stage2/SKIP_IMAGES"
echo "Now, in $2: sudo ./build.sh (on Debian for arm64) or ./build-docker.sh"
