#!/bin/bash
# Keeps a signed apt repository of the packages that `make deb` builds, for the nodes of a fleet. See docs/update.md.
#
# Packages of Debian's releases have the same name, so each release is a component of its own: canary and stable are
# suites, bookworm and trixie components of both. reprepro keeps the repository and signs it by gpg.
set -euo pipefail

HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
SOURCE=$(cd "$HERE/../.." && pwd)
readonly HERE SOURCE RELEASES="bookworm trixie" SUITES="canary stable"

usage() {
    cat <<'HELP'
Usage: deploy/updates/repository.sh init --url URL   make the repository, and the key that signs it
       deploy/updates/repository.sh add [FILE.deb …]  put packages, by default those in dist/, into canary
       deploy/updates/repository.sh promote [FOLDER]  give stable what canary has; with the folder of a fleet, only
                                                      if all nodes of its ring canary run it and are well
       deploy/updates/repository.sh rotate            make a new key; both keys sign from now on
       deploy/updates/repository.sh retire            let the new key alone sign, once all nodes know it
       deploy/updates/repository.sh list              say what is in it

The repository is in the folder of the variable EDGE_FER_REPOSITORY, by default ~/edge-fer-repository. A web server
serves public/ in it at URL. keys/ is secret: who has it can install anything on all nodes.
HELP
}

main() {
    REPOSITORY=${EDGE_FER_REPOSITORY:-$HOME/edge-fer-repository}
    KEYS=$REPOSITORY/keys
    local program
    for program in reprepro gpg dpkg-deb; do
        command -v "$program" >/dev/null || fail "$program is missing: sudo apt install reprepro gpg"
    done
    # gpg's socket lies in its folder, and the name of a socket may have 107 characters, which $KEYS may exceed
    LINK=$(mktemp -d)
    ln -s "$KEYS" "$LINK/keys"
    export GNUPGHOME=$LINK/keys
    trap stop_agent EXIT
    case "${1:-}" in
    init) shift && init "$@" ;;
    add | promote | rotate | retire | list)
        [ -f "$REPOSITORY/url" ] || fail "there is no repository in $REPOSITORY: make one with init, or name it in EDGE_FER_REPOSITORY"
        "$@"
        ;;
    --help | -h) usage ;;
    *) usage >&2 && exit 2 ;;
    esac
}

fail() {
    printf '%s\n' "repository.sh: $*" >&2
    exit 1
}

# which gpg starts by itself, and which would go on for ever
stop_agent() {
    [ ! -d "$KEYS" ] || gpgconf --kill all 2>/dev/null || true
    rm -rf "$LINK"
}

init() {
    [[ ${1:-} = --url && -n ${2:-} ]] ||
        fail "say where nodes find it, such as: init --url https://updates.example/edge-fer"
    [[ $2 =~ ^(https?|file)://?[^[:space:]]+$ ]] || fail "'$2' is no address: write https://updates.example/edge-fer"
    [ ! -e "$REPOSITORY/url" ] || fail "there is a repository in $REPOSITORY already"
    mkdir -p "$REPOSITORY/conf" "$REPOSITORY/public"
    mkdir -p "$KEYS"
    chmod 700 "$KEYS"
    make_key >"$REPOSITORY/signers"
    printf '%s\n' "${2%/}" >"$REPOSITORY/url"
    publish_keys
    echo "The repository is in $REPOSITORY. Serve $REPOSITORY/public at $2. Keep a copy of $KEYS where nobody else gets at it."
}

# Its fingerprint. It has no passphrase, as the folder is its owner's alone, and no end: keys change by rotation.
make_key() {
    local name before said
    before=$(fingerprints)
    name="edge-fer updates $(date -u +%Y-%m-%d)"
    said=$(gpg --batch --yes --passphrase '' --quick-generate-key "$name" ed25519 sign never 2>&1) ||
        fail "gpg makes no key in $KEYS: ${said##*$'\n'}"
    comm -13 <(printf '%s\n' "$before" | sort) <(fingerprints | sort)
}

fingerprints() {
    gpg --batch --with-colons --list-keys 2>/dev/null | awk -F: '$1 == "fpr" { print $10 }'
}

# Has reprepro sign by the signers, and hands their public keys to nodes in the packages edge-fer-updates-*.
publish_keys() {
    local suite signers
    signers=$(tr '\n' ' ' <"$REPOSITORY/signers")
    for suite in $SUITES; do
        cat <<DISTRIBUTION
Origin: edge-fer
Label: edge-fer
Suite: $suite
Codename: $suite
Components: $RELEASES
Architectures: amd64 arm64
SignWith: $signers

DISTRIBUTION
    done >"$REPOSITORY/conf/distributions"
    # shellcheck disable=SC2086 # a list of words
    gpg --batch --yes --quiet --export --output "$REPOSITORY/edge-fer.pgp" $signers
    for suite in $SUITES; do
        for release in $RELEASES; do build_updates "$suite" "$release"; done
    done
    reprepro_in export
}

version_for() {
    echo "$(date -u +%Y%m%d.%H%M%S)~$([ "$1" = bookworm ] && echo deb12 || echo deb13)"
}

# The package that makes a node take updates from a suite: where from, by which key, what of it, and the gate.
build_updates() {
    local suite=$1 release=$2 work version
    version=$(version_for "$release")
    # within the second in which the last one was made
    while compgen -G "$REPOSITORY/public/pool/$release/e/edge-fer-updates-$suite/*_${version}_all.deb" >/dev/null; do
        sleep 0.2
        version=$(version_for "$release")
    done
    work=$(mktemp -d)
    install -Dm644 "$REPOSITORY/edge-fer.pgp" "$work/usr/share/keyrings/edge-fer.pgp"
    install -Dm755 "$HERE/node/gate.py" "$work/usr/lib/edge-fer-updates/gate.py"
    install -Dm644 "$HERE/node/edge-fer-update-gate.service" "$work/usr/lib/systemd/system/edge-fer-update-gate.service"
    install -Dm644 "$HERE/node/preferences" "$work/etc/apt/preferences.d/edge-fer-updates"
    mkdir -p "$work/etc/apt/apt.conf.d" "$work/etc/apt/sources.list.d" "$work/DEBIAN"
    sed "s/@SUITE@/$suite/" "$HERE/node/apt.conf" >"$work/etc/apt/apt.conf.d/52edge-fer-updates"
    cat >"$work/etc/apt/sources.list.d/edge-fer.sources" <<SOURCES
Types: deb
URIs: $(cat "$REPOSITORY/url")
Suites: $suite
Components: $release
Signed-By: /usr/share/keyrings/edge-fer.pgp
SOURCES
    cat >"$work/DEBIAN/control" <<CONTROL
Package: edge-fer-updates-$suite
Version: $version
Architecture: all
Maintainer: edge-fer <edge-fer@localhost>
Depends: dpkg-repack, python3, unattended-upgrades
Provides: edge-fer-updates
Conflicts: edge-fer-updates
Section: admin
Priority: optional
Description: updates of edge-fer, from the suite $suite of a fleet's repository
 Where updates of edge-fer come from, the key by which they are signed, and the
 gate that goes back to the previous version where a new one is not well.
CONTROL
    cp "$HERE/node/postinst" "$HERE/node/prerm" "$HERE/node/postrm" "$work/DEBIAN/"
    chmod -R u=rwX,go=rX "$work"
    chmod 755 "$work/DEBIAN/postinst" "$work/DEBIAN/prerm" "$work/DEBIAN/postrm"
    dpkg-deb --root-owner-group -Zxz --build "$work" "$work.deb" >/dev/null
    reprepro_in --component "$release" includedeb "$suite" "$work.deb"
    rm -rf "$work" "$work.deb"
}

reprepro_in() {
    reprepro --silent --basedir "$REPOSITORY" --outdir "$REPOSITORY/public" "$@"
}

add() {
    local file release version
    [ $# -gt 0 ] || set -- "$SOURCE"/dist/edge-fer_*.deb
    for file in "$@"; do
        [ -f "$file" ] || fail "there is no $file: make deb, or name a package"
        version=$(dpkg-deb --field "$file" Version) || fail "$file is no Debian package"
        [ "$(dpkg-deb --field "$file" Package)" = edge-fer ] || fail "$file is not a package of edge-fer"
        case $version in
        *~deb12) release=bookworm ;;
        *~deb13) release=trixie ;;
        *) fail "$file says of its version $version neither ~deb12 nor ~deb13: build it with make deb" ;;
        esac
        reprepro_in --component "$release" includedeb canary "$file"
        echo "canary, $release: edge-fer $version"
    done
}

promote() {
    local release version
    if [ $# -gt 0 ]; then
        # Debian's part of a version is no part of the program's
        for version in $(reprepro_in list canary edge-fer | sed 's/.* //; s/~deb[0-9]*$//' | sort -u); do
            edge-fer fleet status --folder "$1" --ring canary --running "$version" >&2 ||
                fail "stable stays as it is"
        done
    fi
    for release in $RELEASES; do
        [ -z "$(reprepro_in --component "$release" list canary edge-fer)" ] ||
            reprepro_in --component "$release" copy stable canary edge-fer
    done
    list
}

rotate() {
    [ "$(wc -l <"$REPOSITORY/signers")" -eq 1 ] || fail "two keys sign already: retire the old one first"
    make_key >>"$REPOSITORY/signers"
    publish_keys
    echo "Both keys sign. Once all nodes have taken edge-fer-updates-*, let the new one alone sign: retire"
}

retire() {
    [ "$(wc -l <"$REPOSITORY/signers")" -eq 2 ] || fail "one key alone signs: rotate makes a second"
    sed -i 1d "$REPOSITORY/signers"
    publish_keys
    echo "The new key alone signs."
}

list() {
    local suite
    for suite in $SUITES; do reprepro_in list "$suite"; done
}

main "$@"
