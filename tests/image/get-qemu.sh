#!/bin/bash
# Prints a command that runs QEMU for arm64: the system's, or, where that is older than 8, one unpacked from Debian 13 into
# the folder given. 7.2 (Debian 12) makes trixie's kernel loop for ever while it checks the signature of a module.
set -euo pipefail
folder=${1:?a folder}

# where there is none at all, one is unpacked as well
version=$({ qemu-system-aarch64 --version 2>/dev/null || true; } | sed -n 's/.*version \([0-9]*\).*/\1/p')
if [ "${version:-0}" -ge 8 ]; then
    command -v qemu-system-aarch64
    exit
fi
if [ ! -x "$folder/run" ]; then
    IFS=: read -ra files <<<"${EDGE_FER_APT_CONF:-}"
    apt=()
    for file in "${files[@]}"; do apt+=(--aptopt="$file"); done
    rm -rf "$folder"
    mmdebstrap --quiet --variant=extract --include=qemu-system-arm,qemu-efi-aarch64,ipxe-qemu "${apt[@]}" \
        trixie "$folder" http://deb.debian.org/debian >&2
    loader=$(find "$folder/usr/lib64" -name 'ld-linux-*' | head -n 1)
    libraries=$(find "$folder/usr/lib" -maxdepth 1 -name '*-linux-gnu')
    cat >"$folder/run" <<RUN
#!/bin/sh
QEMU_MODULE_DIR=$libraries/qemu exec $loader --library-path $libraries $folder/usr/bin/qemu-system-aarch64 -L $folder/usr/share/qemu "\$@"
RUN
    chmod +x "$folder/run"
fi
echo "$folder/run"
