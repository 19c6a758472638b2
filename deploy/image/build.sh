#!/bin/bash
# Builds a memory card's image from Debian's own archive, with the edge-fer package inside: for virtual machines and for
# boards that boot by UEFI, and the one that `make image-test` boots. See docs/install.md; the image for a Raspberry Pi
# is made by the stage in pi-gen/.
#
# It needs no loop device and mounts nothing: file systems are filled by their own tools, and put into the partitions of
# a file.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SOURCE=$(cd "$HERE/../.." && pwd)
readonly HERE SOURCE
readonly MIB=1048576
# the boot partition holds two kernels, and what people put there
readonly BOOT_AT=1 BOOT_MIB=256 ROOT_AT=257
# of the root file system, until the first boot makes it as large as the card
readonly SPARE_MIB=256

usage() {
    cat <<'HELP'
Usage: deploy/image/build.sh

Builds dist/edge-fer-VERSION-arm64.img.zst, and the manifest that Raspberry Pi Imager reads, from the package for trixie
and arm64 in dist/, which is built first if it is not there. As root.
Needs mmdebstrap, arch-test, dosfstools, e2fsprogs, fdisk, mtools and zstd; elsewhere than on arm64, qemu-user-static with
binfmt_misc.

Environment:
  EDGE_FER_APT_CONF  apt's options while it is built, which do not stay in it: files, with colons between them
HELP
}

main() {
    case ${1:-} in
    "") ;;
    --help | -h) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
    esac
    check_tools
    local package work=$SOURCE/build/image
    mkdir -p "$SOURCE/dist"
    package=$(newest_package)
    if [ -z "$package" ]; then
        "$SOURCE/deploy/deb/build.sh" --arch arm64 trixie
        package=$(newest_package)
    fi
    rm -rf "$work"
    mkdir -p "$work"
    make_root "$package" "$work/root"
    make_boot_partition "$work/root" "$work/boot.vfat"
    make_root_partition "$work/root" "$work/root.ext4"
    assemble "$work" "$work/edge-fer.img"
    publish "$package" "$work/edge-fer.img"
    rm -rf "$work"
}

check_tools() {
    local tool missing=()
    for tool in mmdebstrap mkfs.vfat mkfs.ext4 sfdisk mcopy zstd; do
        command -v "$tool" >/dev/null || missing+=("$tool")
    done
    if [ ${#missing[@]} -gt 0 ]; then
        echo "image: not found: ${missing[*]}. apt install mmdebstrap dosfstools e2fsprogs fdisk mtools zstd" >&2
        exit 1
    fi
    if [ "$(id -u)" != 0 ]; then
        echo "image: run it as root: files in the image belong to its users" >&2
        exit 1
    fi
}

newest_package() {
    find "$SOURCE/dist" -maxdepth 1 -name 'edge-fer_*~deb13_arm64.deb' | sort -V | tail -n 1
}

make_root() {
    local package=$1 root=$2 file files apt=()
    IFS=: read -ra files <<<"${EDGE_FER_APT_CONF:-}"
    for file in "${files[@]}"; do apt+=(--aptopt="$file"); done
    # shellcheck disable=SC2016 # for mmdebstrap's shell
    EDGE_FER_ROOTFS=$HERE/rootfs EDGE_FER_PACKAGE=$package EDGE_FER_FINISH=$HERE/finish.sh \
        mmdebstrap --quiet --variant=minbase --architectures=arm64 --dpkgopt=force-unsafe-io "${apt[@]}" \
        --dpkgopt="$HERE/rootfs/etc/dpkg/dpkg.cfg.d/edge-fer-image" \
        --include="$(paste -sd, "$HERE/packages")" \
        --essential-hook='cp -R "$EDGE_FER_ROOTFS"/etc/initramfs-tools "$1"/etc/' \
        --customize-hook='cp -R --no-preserve=ownership "$EDGE_FER_ROOTFS"/. "$1"/' \
        --customize-hook='cp "$EDGE_FER_PACKAGE" "$1"/edge-fer.deb && cp "$EDGE_FER_FINISH" "$1"/finish.sh' \
        --customize-hook='chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root sh /finish.sh' \
        --customize-hook='rm -f "$1"/edge-fer.deb "$1"/finish.sh "$1"/etc/apt/apt.conf.d/99mmdebstrap "$1"/etc/dpkg/dpkg.cfg.d/99mmdebstrap' \
        trixie "$root" "deb http://deb.debian.org/debian trixie main"
    # not before: until here apt fetches as its options say
    rm -f "$root/etc/apt/sources.list" "$root/etc/apt/sources.list.d/"*main.list
    : >"$root/etc/machine-id"
}

# /boot/efi of the finished root, and what people may change there.
make_boot_partition() {
    local root=$1 file=$2
    truncate -s "${BOOT_MIB}M" "$file"
    mkfs.vfat -n bootfs "$file" >/dev/null
    MTOOLS_SKIP_CHECK=1 mcopy -i "$file" -s "$root/boot/efi/"* "$HERE/boot/"* "$SOURCE/deploy/card/edge-fer.yaml" ::
    rm -rf "${root:?}/boot/efi/"*
}

make_root_partition() {
    local root=$1 file=$2 used
    used=$(du -sm --apparent-size "$root" | cut -f 1)
    truncate -s "$((used * 11 / 10 + SPARE_MIB))M" "$file"
    mkfs.ext4 -q -L rootfs -m 1 -d "$root" "$file"
}

assemble() {
    local work=$1 image=$2 root_mib
    root_mib=$(($(stat -c %s "$work/root.ext4") / MIB))
    # and room for the second copy of the partition table
    truncate -s "$((ROOT_AT + root_mib + 1))M" "$image"
    sfdisk --quiet "$image" <<TABLE
label: gpt
start=${BOOT_AT}MiB, size=${BOOT_MIB}MiB, type=uefi, name=bootfs
start=${ROOT_AT}MiB, size=${root_mib}MiB, type=B921B045-1DF0-41C3-AF44-4C6F280D3FAE, name=rootfs
TABLE
    dd if="$work/boot.vfat" of="$image" bs=1M seek="$BOOT_AT" conv=notrunc,sparse status=none
    dd if="$work/root.ext4" of="$image" bs=1M seek="$ROOT_AT" conv=notrunc,sparse status=none
}

publish() {
    local package=$1 image=$2 version name
    version=$(dpkg-deb --field "$package" Version)
    name=edge-fer-${version%~deb13}-arm64
    # or what writes `edge-fer-*.img.zst` to a card would write one behind the other
    rm -f "$SOURCE"/dist/edge-fer-*-arm64.img.zst "$SOURCE"/dist/edge-fer-*-arm64.rpi-imager-manifest
    zstd --quiet -10 -T0 "$image" -o "$SOURCE/dist/$name.img.zst"
    "$HERE/manifest.py" "$image" "$SOURCE/dist/$name.img.zst" >"$SOURCE/dist/$name.rpi-imager-manifest"
    ls -l "$SOURCE/dist/$name.img.zst"
}

main "$@"
