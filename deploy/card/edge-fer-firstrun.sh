#!/bin/sh
# For bookworm images, which have no cloud-init. At the first boot Raspberry Pi Imager's firstrun.sh runs before there is
# a network, so this only sees to it that edge-fer-install.sh runs once there is one.
# Add to the card's firstrun.sh, above the line that begins with `rm -f`:
#   sh /boot/firmware/edge-fer-firstrun.sh
set -eu
cat >/etc/systemd/system/edge-fer-install.service <<'UNIT'
[Unit]
Description=Install edge-fer from the boot partition, once
Wants=network-online.target
After=network-online.target
ConditionPathExists=!/usr/bin/edge-fer
RequiresMountsFor=/boot/firmware

[Service]
Type=oneshot
ExecStart=/bin/sh /boot/firmware/edge-fer-install.sh
ExecStartPost=/bin/systemctl disable edge-fer-install.service

[Install]
WantedBy=multi-user.target
UNIT
mkdir -p /etc/systemd/system/multi-user.target.wants
ln -sf ../edge-fer-install.service /etc/systemd/system/multi-user.target.wants/edge-fer-install.service
