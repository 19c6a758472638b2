#!/bin/bash -e
# The package, and the settings of the other image (deploy/image/rootfs) that hold on a Raspberry Pi too. files/ is filled
# by prepare.sh.
install -m 644 files/edge-fer.deb "${ROOTFS_DIR}/edge-fer.deb"
on_chroot <<CHROOT
DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends /edge-fer.deb
CHROOT
rm "${ROOTFS_DIR}/edge-fer.deb"
cp -R --no-preserve=ownership files/rootfs/. "${ROOTFS_DIR}/"
install -m 644 files/edge-fer.yaml "${ROOTFS_DIR}/boot/firmware/edge-fer.yaml"

# pi-gen's own fstab has noatime
echo 'tmpfs /var/log tmpfs nosuid,nodev,noexec,mode=0755,size=32M 0 0' >>"${ROOTFS_DIR}/etc/fstab"

# no swap on the card
install -d "${ROOTFS_DIR}/etc/rpi/swap.conf.d"
printf '[Main]\nMechanism=none\n' >"${ROOTFS_DIR}/etc/rpi/swap.conf.d/90-edge-fer.conf"
