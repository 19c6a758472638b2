#!/bin/bash
# README's first steps, and the whole of `make test`, on machines that have nothing but what README asks for: fresh
# Debian 12 and 13 in folders of their own, as an ordinary user who may use sudo. `make test-fresh`, as root; an hour and
# more. What is tested is the last commit and what has changed since.
#
# Environment: EDGE_FER_APT_CONF names files of options for apt, with colons between them; EDGE_FER_FRESH a folder in
# which the machines are made (some 5 GB each), and where one that failed stays.
set -euo pipefail

SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PLACE=${EDGE_FER_FRESH:-$(mktemp -d /var/tmp/edge-fer-fresh.XXXXXX)}
readonly SOURCE PLACE
# what README asks for, and sudo, with which `make test` gets the rest
readonly NAMED=git,make,python3-venv
MACHINE=""

fail() {
    printf '%s\n' "test-fresh: $*" >&2
    exit 1
}

main() {
    local suites=("$@") suite apt=() file files
    [ $# -gt 0 ] || suites=(bookworm trixie)
    [ "$(id -u)" -eq 0 ] || fail "it makes whole machines: run it as root"
    # what is mounted is seen by nobody else, and goes with this process, however it ends: whoever takes away the folder
    # of a run that was killed must not take away this machine's /dev with it
    if [ -z "${EDGE_FER_FRESH_MOUNTS:-}" ]; then
        EDGE_FER_FRESH_MOUNTS=own exec unshare --mount --propagation private "$0" "$@"
    fi
    command -v mmdebstrap >/dev/null || fail "mmdebstrap is missing: apt install mmdebstrap"
    # shellcheck disable=SC2016 # the backquotes are README's
    grep -q '`git make python3-venv`' "$SOURCE/README.md" || fail "README asks for other packages than $NAMED"
    IFS=: read -ra files <<<"${EDGE_FER_APT_CONF:-}"
    for file in "${files[@]}"; do apt+=(--aptopt="$file"); done
    trap clean_up EXIT
    for suite in "${suites[@]}"; do
        say "$suite: making the machine"
        MACHINE=$PLACE/$suite
        rm -rf "$MACHINE"
        mmdebstrap --quiet --variant=minbase --include="$NAMED,sudo,ca-certificates" "${apt[@]}" "$suite" "$MACHINE" \
            http://deb.debian.org/debian
        furnish
        say "$suite: make run, until an event"
        watch_make_run
        say "$suite: make test"
        as_guest 'cd edge-fer && make test'
        say "$suite: passed"
        take_away 0
    done
    say "passed: ${suites[*]}"
}

say() { printf '\n=== test-fresh: %s (%s)\n' "$*" "$(date +%H:%M:%S)"; }

# A user, the checkout, and how this machine reaches the registries.
furnish() {
    local file
    chroot "$MACHINE" useradd --create-home --shell /bin/bash guest
    echo 'guest ALL=(ALL) NOPASSWD: ALL' >"$MACHINE/etc/sudoers.d/guest"
    for file in /etc/resolv.conf /etc/pip.conf /etc/ssl/certs/ca-certificates.crt; do
        if [ -f "$file" ]; then cp "$file" "$MACHINE$file"; fi
    done
    # which every machine has but one that mmdebstrap has just made
    printf '127.0.0.1 localhost %s\n::1 localhost\n' "$(hostname)" >"$MACHINE/etc/hosts"
    git clone --quiet --no-hardlinks "$SOURCE" "$MACHINE/home/guest/edge-fer"
    git -C "$SOURCE" diff --binary HEAD | git -C "$MACHINE/home/guest/edge-fer" apply --allow-empty
    git -C "$SOURCE" ls-files -z --others --exclude-standard |
        tar -C "$SOURCE" --null --files-from=- -cf - | tar -C "$MACHINE/home/guest/edge-fer" -xf -
    if [ -d "$SOURCE/../shared" ]; then cp -R "$(readlink -f "$SOURCE/../shared")" "$MACHINE/home/guest/shared"; fi
    chroot "$MACHINE" chown -R guest:guest /home/guest
    # it shares this machine's network, on which nothing that apt installs there shall listen
    printf '#!/bin/sh\nexit 101\n' >"$MACHINE/usr/sbin/policy-rc.d"
    chmod 755 "$MACHINE/usr/sbin/policy-rc.d"
    mount -t proc proc "$MACHINE/proc"
    mount --rbind /dev "$MACHINE/dev"
    mount --make-rslave "$MACHINE/dev"
    mount -t sysfs -o ro sysfs "$MACHINE/sys"
}

# Of this machine's environment, only that with which pip finds what it downloads.
as_guest() {
    chroot "$MACHINE" env -i --default-signal=INT HOME=/home/guest USER=guest LANG=C.UTF-8 PATH=/usr/local/bin:/usr/bin:/bin \
        ${PIP_DEFAULT_TIMEOUT:+PIP_DEFAULT_TIMEOUT=$PIP_DEFAULT_TIMEOUT} \
        setpriv --reuid guest --regid guest --init-groups bash -c "cd && $1"
}

# As README says, and README's second step after it.
watch_make_run() {
    as_guest 'cd edge-fer && echo $$ > ../run.pid && exec timeout 1500 make run > ../run.txt 2>&1' &
    local run=$! waited=0
    until grep -q 'appeared' "$MACHINE/home/guest/run.txt" 2>/dev/null; do
        kill -0 "$run" 2>/dev/null || { cat "$MACHINE/home/guest/run.txt"; fail "make run ended before an event"; }
        [ "$waited" -lt 1500 ] || { cat "$MACHINE/home/guest/run.txt"; fail "make run shows no event"; }
        sleep 2
        waited=$((waited + 2))
    done
    kill -TERM "$(cat "$MACHINE/home/guest/run.pid")"
    wait "$run" || true
    cat "$MACHINE/home/guest/run.txt"
    if grep -q 'Haar' "$MACHINE/home/guest/run.txt"; then fail "make run fell back to Haar"; fi
    as_guest 'cd edge-fer && .venv/bin/edge-fer predict sample 2>&1' | tee "$MACHINE/home/guest/predict.txt"
    grep -q 'happy' "$MACHINE/home/guest/predict.txt" || fail "README's second step reads no face"
}

take_away() {
    local mounted
    for mounted in sys dev proc; do
        if mountpoint --quiet "$MACHINE/$mounted"; then umount --recursive --lazy "$MACHINE/$mounted"; fi
    done
    if [ "$1" = 0 ] || [ -z "${EDGE_FER_FRESH:-}" ]; then
        # never into what is still mounted
        rm -rf --one-file-system "$MACHINE"
    fi
}

clean_up() {
    local code=$?
    if [ -n "$MACHINE" ] && [ -d "$MACHINE" ]; then take_away "$code"; fi
    rmdir "$PLACE" 2>/dev/null || true
    exit "$code"
}

main "$@"
