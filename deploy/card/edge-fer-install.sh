#!/bin/sh
# Installs the edge-fer package that lies beside this script on the boot partition; run as root, with the network up. The
# service that edge-fer-firstrun.sh sets up does so, until it has succeeded. What happened is in edge-fer-install.log,
# beside it.
set -eu
card=$(cd "$(dirname "$0")" && pwd)
note=$card/edge-fer-install.log

say() {
    echo "edge-fer: $*"
    # it may be said every few minutes, for days: a card is not written to for nothing
    [ "$(cat "$note" 2>/dev/null)" = "edge-fer: $*" ] || echo "edge-fer: $*" >"$note"
}

# shellcheck source=/dev/null
release=$(. /etc/os-release && echo "${VERSION_ID:-}")
wanted="edge-fer_*~deb${release}_$(dpkg --print-architecture).deb"
package=$(find "$card" -maxdepth 1 -name "$wanted" | sort -V | tail -n 1)
if [ -z "$package" ]; then
    say "no package for this system lies on the boot partition: copy $wanted there, and start the device anew"
    exit 2
fi

install() {
    # the plug may have been pulled while it did so before
    dpkg --configure -a
    apt-get update
    # without the desktop that picamera2 recommends in turn
    camera=$(apt-cache pkgnames python3-picamera2 | grep -x python3-picamera2)
    # shellcheck disable=SC2086 # one word or none
    apt-get install -y --fix-broken --no-install-recommends "$package" mosquitto ${camera:-}
}

export DEBIAN_FRONTEND=noninteractive
if install; then
    say "$(basename "$package") is installed. What became of edge-fer.yaml is told in edge-fer.log"
else
    say "$(basename "$package") could not be installed yet: is there a network? It is tried again every few minutes"
    exit 1
fi
