#!/bin/sh
# Runs in the image's root while it is built: what packages cannot do before its settings are there.
set -eu
export DEBIAN_FRONTEND=noninteractive

apt-get install -y --no-install-recommends /edge-fer.deb
systemctl enable systemd-networkd systemd-resolved systemd-timesyncd
mkdir -p /boot/efi /boot/firmware

# the kernel and its initrd go to the boot partition, as with every later kernel
kernel=$(basename "$(find /lib/modules -mindepth 1 -maxdepth 1 | sort -V | tail -n 1)")
mkdir -p /boot/efi/edge-fer /boot/efi/loader/entries /boot/efi/EFI/BOOT /boot/efi/EFI/systemd
kernel-install add "$kernel" "/boot/vmlinuz-$kernel"
# nothing is mounted here, where it looks for the partition that paths begin at
sed -i 's,/boot/efi/,/,' /boot/efi/loader/entries/*
# `bootctl install` wants a mounted partition
for place in EFI/BOOT/BOOTAA64.EFI EFI/systemd/systemd-bootaa64.efi; do
    cp /usr/lib/systemd/boot/efi/systemd-bootaa64.efi "/boot/efi/$place"
done
printf 'timeout 0\neditor no\n' >/boot/efi/loader/loader.conf

# made anew on each device
rm -f /etc/ssh/ssh_host_*
passwd --lock root
# nothing of the place where it was built
rm -rf /var/log/* /var/cache/debconf/*-old /etc/resolv.conf
ln -s ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
