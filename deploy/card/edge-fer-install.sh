#!/bin/sh
# Installs the edge-fer package that lies beside this script on the boot partition; run as root, once, with the network
# up. cloud-init does so on current images (user-data), edge-fer-firstrun.sh sees to it on bookworm's. What happened is
# in edge-fer-install.log, beside it.
set -eu
card=$(cd "$(dirname "$0")" && pwd)

say() { echo "edge-fer: $*" | tee "$card/edge-fer-install.log"; }

# shellcheck source=/dev/null
release=$(. /etc/os-release && echo "${VERSION_ID:-}")
wanted="edge-fer_*~deb${release}_$(dpkg --print-architecture).deb"
package=$(find "$card" -maxdepth 1 -name "$wanted" | sort -V | tail -n 1)
if [ -z "$package" ]; then
    say "no package for this system lies on the boot partition: copy $wanted there, then: sudo sh $card/edge-fer-install.sh"
    exit 1
fi

export DEBIAN_FRONTEND=noninteractive
# the clock may be wrong until the network has set it, and apt refuses lists from the future
for attempt in 1 2 3 4 5; do
    if apt-get update && apt-get install -y "$package"; then
        say "$(basename "$package") is installed. What became of edge-fer.yaml is told in edge-fer.log"
        exit 0
    fi
    echo "edge-fer: attempt $attempt failed"
    sleep "${EDGE_FER_PAUSE:-60}"
done
say "$(basename "$package") could not be installed: is there a network? Then: sudo sh $card/edge-fer-install.sh"
exit 1
