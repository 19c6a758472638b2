#!/bin/sh
# Sets up a service that runs edge-fer-install.sh at each boot, once there is a network, until it has succeeded: a device
# may have no network at first, or lose its power meanwhile. Run as root: on current images (trixie) by cloud-init, as
# user-data says; on bookworm's by Raspberry Pi Imager's firstrun.sh, above whose line that begins with `rm -f` this goes:
#   sh /boot/firmware/edge-fer-firstrun.sh
# With --now, the service is also started.
set -eu
root=${EDGE_FER_ROOT:-}
cat >"$root/etc/systemd/system/edge-fer-install.service" <<'UNIT'
[Unit]
Description=Install edge-fer from the boot partition
Wants=network-online.target
After=network-online.target
RequiresMountsFor=/boot/firmware

[Service]
Type=oneshot
ExecStart=/bin/sh /boot/firmware/edge-fer-install.sh
ExecStartPost=/bin/systemctl disable edge-fer-install.service
Restart=on-failure
RestartSec=3min
# no package lies there: waiting brings none
RestartPreventExitStatus=2

[Install]
WantedBy=multi-user.target
UNIT
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -sf ../edge-fer-install.service "$root/etc/systemd/system/multi-user.target.wants/edge-fer-install.service"
# cloud-init will not come back here after a power cut
sync
if [ "${1:-}" = --now ]; then
    systemctl daemon-reload
    systemctl start --no-block edge-fer-install.service
fi
