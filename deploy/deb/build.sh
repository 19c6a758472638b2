#!/bin/bash
# Builds the Debian packages, each in a clean chroot of the system it is for. See docs/update.md.
#
# What comes from elsewhere is fetched here, before the chroot is made: wheels by pip, by version and hash
# (deploy/deb/wheels), and detector models by `edge-fer models fetch`, by hash. In the chroot nothing is downloaded but
# Debian's own packages, and debian/rules, which is plain debhelper, does the rest: debhelper knows how users, folders,
# units and conffiles are installed, upgraded and removed on each of the two releases, which a script of our own would
# have to get right twice.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SOURCE=$(cd "$HERE/../.." && pwd)
readonly HERE SOURCE

usage() {
    cat <<'HELP'
Usage: deploy/deb/build.sh [--arch amd64|arm64] [bookworm] [trixie]

Builds dist/edge-fer_VERSION~debN_ARCH.deb, for this machine's architecture and both releases if none are named.
Needs mmdebstrap, and a Python with edge-fer and pip (`make deb` makes one). Nothing is emulated: a package for another
architecture than this machine's is built as quickly as its own.

Environment:
  PYTHON             the Python with edge-fer and pip; by default .venv/bin/python
  EDGE_FER_APT_CONF  apt's options in the chroots: files, with colons between them
HELP
}

main() {
    local arch suites=() suite
    arch=$(dpkg --print-architecture)
    while [ $# -gt 0 ]; do
        case $1 in
        --arch) arch=${2:?--arch amd64 or --arch arm64} && shift ;;
        bookworm | trixie) suites+=("$1") ;;
        --help | -h) usage && exit 0 ;;
        *) usage >&2 && exit 2 ;;
        esac
        shift
    done
    PYTHON=${PYTHON:-$SOURCE/.venv/bin/python}
    [ ${#suites[@]} -gt 0 ] || suites=(bookworm trixie)
    check_machine
    for suite in "${suites[@]}"; do build "$suite" "$arch"; done
}

fail() {
    printf '%s\n' "build.sh: $*" >&2
    exit 1
}

check_machine() {
    command -v mmdebstrap >/dev/null || fail "mmdebstrap is missing: sudo apt install mmdebstrap"
    [ -x "$PYTHON" ] || fail "there is no $PYTHON: run \`make deb\`, which makes it, or name another in PYTHON"
}

build() {
    local suite=$1 arch=$2 work=$SOURCE/build/deb/$1-$2 tree
    tree=$work/edge-fer
    rm -rf "$work"
    mkdir -p "$tree" "$SOURCE/dist"
    copy_source "$tree"
    fetch_wheels "$suite" "$arch" "$tree/wheels"
    # with which the program tells of itself while it is built, which one for another architecture could not
    fetch_wheels "$suite" "$(dpkg --print-architecture)" "$tree/tools-wheels"
    "$PYTHON" -m edge_fer models fetch -o "models_dir=$SOURCE/build/detectors"
    cp -R "$SOURCE/build/detectors" "$tree/detectors"
    write_changelog "$suite" >"$tree/debian/changelog"
    in_chroot "$suite" "$arch" "$work"
    mv "$work"/out/*.deb "$SOURCE/dist/"
    rm -rf "$work"
}

fetch_wheels() {
    local suite=$1 arch=$2 folder=$3 kept=$SOURCE/build/wheels/$1-$2 machine python minor platforms=()
    machine=$([ "$arch" = arm64 ] && echo aarch64 || echo x86_64)
    python=$([ "$suite" = bookworm ] && echo 3.11 || echo 3.13)
    # every glibc up to bookworm's
    for minor in $(seq 5 36); do platforms+=(--platform "manylinux_2_${minor}_$machine"); done
    "$PYTHON" -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary :all: \
        --implementation cp --python-version "$python" --platform "manylinux2014_$machine" "${platforms[@]}" \
        --dest "$kept" --requirement "$HERE/wheels/$suite-$arch.txt"
    mkdir "$folder"
    cp "$kept"/*.whl "$folder/"
    cp "$HERE/wheels/$suite-$arch.txt" "$folder/pinned.txt"
}

# What is tracked or new, so that a build takes nothing along that git would not.
copy_source() {
    git -C "$SOURCE" ls-files -z --cached --others --exclude-standard -- \
        edge_fer models systemd deploy lock setup.cfg setup.py pyproject.toml README.md LICENSE ':!models/recipe' ':!models/report' |
        tar -C "$SOURCE" --null --files-from=- --ignore-failed-read -cf - | tar -C "$1" -xf -
    mv "$1/deploy/deb/debian" "$1/debian"
}

write_changelog() {
    local version release
    version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' "$SOURCE/edge_fer/__init__.py")
    release=$([ "$1" = bookworm ] && echo deb12 || echo deb13)
    cat <<CHANGELOG
edge-fer ($version~$release) $1; urgency=medium

  * Version $version; what is new is in CHANGELOG.md of the source.

 -- edge-fer <edge-fer@localhost>  $(git -C "$SOURCE" log -1 --format=%aD)
CHANGELOG
}

in_chroot() {
    local suite=$1 arch=$2 work=$3 own packages foreign=() file files apt=()
    own=$(dpkg --print-architecture)
    packages=debhelper,lintian,python3,python3-pip,python3-setuptools,python3-wheel,python3-av,python3-numpy,python3-pil,python3-shtab
    if [ "$arch" != "$own" ]; then
        foreign=("--architectures=$own,$arch")
        # to find out what the libraries in the wheels need
        packages+=,binutils-$([ "$arch" = arm64 ] && echo aarch64 || echo x86-64)-linux-gnu
        packages+=,libc6:$arch,libstdc++6:$arch,zlib1g:$arch
    fi
    IFS=: read -ra files <<<"${EDGE_FER_APT_CONF:-}"
    for file in "${files[@]}"; do apt+=(--aptopt="$file"); done
    # shellcheck disable=SC2016 # for mmdebstrap's shell
    EDGE_FER_ARCH=$arch mmdebstrap --quiet --variant=minbase "${foreign[@]}" --dpkgopt=force-unsafe-io "${apt[@]}" \
        --include="$packages" \
        --customize-hook='mkdir -p "$1/build/out"' \
        --customize-hook="copy-in '$work/edge-fer' /build" \
        --customize-hook='chroot "$1" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root \
            sh -ec "cd /build/edge-fer; dpkg-buildpackage --build=binary --host-arch=$EDGE_FER_ARCH --no-sign -d
                lintian --fail-on error --allow-root ../*.deb; mv ../*.deb ../out/"' \
        --customize-hook="copy-out /build/out '$work'" \
        "$suite" /dev/null http://deb.debian.org/debian
}

main "$@"
