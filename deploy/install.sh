#!/bin/bash
# Installs edge-fer as a service, upgrades it, or takes it away again. See docs/install.md.
#
# Each version has a folder of its own below /opt/edge-fer/releases, and a link says which one runs: an upgrade that
# fails has changed nothing, and one that does not start is taken back.
set -euo pipefail

readonly PREFIX=/opt/edge-fer
readonly RELEASES=$PREFIX/releases
readonly CURRENT=$PREFIX/current
# of the version before, until the new one runs
readonly UNITS_BEFORE=$PREFIX/units.before
readonly COMMAND=/usr/local/bin/edge-fer
readonly CONFIG=/etc/edge-fer
readonly STATE=/var/lib/edge-fer
readonly UNITS=/etc/systemd/system
readonly UNIT=$UNITS/edge-fer.service
readonly NOTIFY_UNIT=/etc/systemd/system/edge-fer-notify.service
readonly NOTIFY_PATH=/etc/systemd/system/edge-fer-notify.path
readonly BOOT_UNIT=/etc/systemd/system/edge-fer-boot-config.service
readonly WEEK_UNIT=/etc/systemd/system/edge-fer-week
# the page: its socket, what root prepares, the service
readonly WEB_UNIT=/etc/systemd/system/edge-fer-web
readonly BOOT_WANTS=/etc/systemd/system/edge-fer.service.wants
readonly BOOT_STATE=/var/lib/edge-fer-boot
readonly WANTS=/etc/systemd/system/multi-user.target.wants
readonly ACCOUNT=edge-fer
readonly NOTIFY_ACCOUNT=edge-fer-notify
readonly NOTIFY_STATE=/var/lib/edge-fer-notify
readonly WEB_ACCOUNT=edge-fer-web
readonly WEB_STATE=/var/lib/edge-fer-web
readonly MAN=/usr/local/share/man/man1/edge-fer.1.gz
readonly BASH_COMPLETION=/usr/local/share/bash-completion/completions/edge-fer
readonly ZSH_COMPLETION=/usr/local/share/zsh/site-functions/_edge-fer
SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
readonly SOURCE

usage() {
    cat <<'HELP'
Usage: sudo deploy/install.sh [--dry-run]
       sudo deploy/install.sh --uninstall [--purge] [--dry-run]

Installs edge-fer from this folder, or upgrades what is installed; run it as often as you like. Where the Debian package
for this system lies beside this script, that is installed, and apt alone has to do with it from then on.

  --uninstall   stop and remove the service; config and state stay
  --purge       with --uninstall: remove config, state and the service's user, too
  --dry-run     change nothing, print every step
  --help        this text

Exit status: 0 done; 1 it failed, and what was installed before still stands; 2 the command line was wrong.
HELP
}

say() { printf '%s\n' "edge-fer: $*"; }
warn() { printf '%s\n' "edge-fer: WARNING: $*" >&2; }
fail() {
    printf '%s\n' "edge-fer: $*" >&2
    exit 1
}

# Does one step, or only prints it.
step() {
    if [ "$DRY_RUN" = yes ]; then
        printf '  would run:'
        printf ' %q' "$@"
        printf '\n'
    else
        "$@"
    fi
}

has_systemd() { [ -d /run/systemd/system ]; }
installed() { [ -L "$CURRENT" ]; }
packaged() { [ "$(dpkg-query -W -f '${db:Status-Status}' edge-fer 2>/dev/null)" = installed ]; }
is_active() { has_systemd && systemctl --quiet is-active edge-fer.service; }

main() {
    DRY_RUN=no
    local uninstall=no purge=no argument
    for argument in "$@"; do
        case $argument in
        --dry-run) DRY_RUN=yes ;;
        --uninstall) uninstall=yes ;;
        --purge) purge=yes ;;
        --help | -h) usage && exit 0 ;;
        *)
            printf 'edge-fer: unknown option %s\n\n' "$argument" >&2
            usage >&2
            exit 2
            ;;
        esac
    done
    if [ "$purge" = yes ] && [ "$uninstall" = no ]; then
        printf 'edge-fer: --purge goes with --uninstall\n' >&2
        exit 2
    fi
    [ "$DRY_RUN" = yes ] || [ "$(id -u)" -eq 0 ] || fail "this must be run as root: sudo $0 $*"
    # world-readable, whatever root's umask: the service runs as another user
    umask 022
    if [ "$uninstall" = yes ]; then
        remove "$purge"
        return
    fi
    check_system
    find_package
    if [ -n "$PACKAGE" ]; then
        install_package
    elif packaged; then
        fail "edge-fer is installed as a Debian package, and no package for this system lies beside this script." \
            "Put it there, or remove the installed one first (config and state stay): apt remove edge-fer"
    else
        install_packages
        make_user
        make_config
        build_release
        switch_over
    fi
}

check_system() {
    local architecture name version
    architecture=$(dpkg --print-architecture 2>/dev/null) ||
        fail "this is no Debian or Raspberry Pi OS, for which alone this installer is made"
    case $architecture in
    arm64 | amd64) ;;
    armhf | armel | i386)
        fail "this is a 32-bit system ($architecture), for which the model's runtime has no build." \
            "Flash the 64-bit Raspberry Pi OS; a Raspberry Pi 3 or newer runs it"
        ;;
    *) fail "there is no build of the model's runtime for $architecture, only for arm64 and amd64" ;;
    esac
    # shellcheck source=/dev/null
    name=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-unknown}")
    case $name in
    bookworm | trixie) ;;
    *) warn "made for Debian and Raspberry Pi OS bookworm and trixie, and not tried on $name" ;;
    esac
    if [ -x /usr/bin/python3 ]; then
        version=$(/usr/bin/python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        /usr/bin/python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
            fail "this system has Python $version, but 3.11 or newer is needed: upgrade to bookworm or trixie"
    fi
    [ -f "$SOURCE/setup.cfg" ] || fail "$SOURCE is no copy of edge-fer; run this script where it is, in the folder deploy/"
}

# The newest package for this release and architecture that lies beside this script.
find_package() {
    local architecture release
    architecture=$(dpkg --print-architecture)
    # shellcheck source=/dev/null
    release=$(. /etc/os-release && printf '%s' "${VERSION_ID:-}")
    PACKAGE=$(find "$SOURCE/deploy" -maxdepth 1 -name "edge-fer_*~deb${release}_$architecture.deb" | sort -V | tail -n 1)
}

# What was installed from source makes room; config and state are the same for both.
install_package() {
    say "installing $PACKAGE"
    export DEBIAN_FRONTEND=noninteractive
    step apt-get update -qq || warn "the package lists could not be brought up to date; going on with those there are"
    step apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends --download-only "$PACKAGE" ||
        fail "what the package needs cannot be had; nothing has changed"
    if installed; then remove no; fi
    step apt-get install -y -qq -o Dpkg::Use-Pty=0 -o Dpkg::Options::=--force-confold --no-install-recommends "$PACKAGE" ||
        fail "the package could not be installed"
    if has_candidate python3-picamera2; then
        step apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends python3-picamera2 ||
            warn "python3-picamera2 could not be installed: the Pi camera will not work"
    fi
    say "installed. See: sudo edge-fer doctor, journalctl -u edge-fer"
}

install_packages() {
    local wanted=(python3 python3-venv python3-av python3-cryptography python3-numpy python3-pil ca-certificates)
    say "installing system packages"
    export DEBIAN_FRONTEND=noninteractive
    step apt-get update -qq || warn "the package lists could not be brought up to date; going on with those there are"
    if has_candidate python3-picamera2; then
        wanted+=(python3-picamera2)
    else
        say "python3-picamera2 is not among this system's packages (Raspberry Pi OS has it):" \
            "the Pi camera will not work, USB and network cameras will"
    fi
    # writes the completions
    if has_candidate python3-shtab; then wanted+=(python3-shtab); fi
    step apt-get install -y -qq -o Dpkg::Use-Pty=0 --no-install-recommends "${wanted[@]}" ||
        fail "system packages could not be installed: ${wanted[*]}"
}

has_candidate() {
    # not through a pipe: grep -q leaves at its match, and apt-cache's death of that would count as a no
    [[ $(LC_ALL=C apt-cache policy "$1" 2>/dev/null) =~ Candidate:\ [^\(] ]]
}

make_user() {
    if ! getent passwd "$ACCOUNT" >/dev/null; then
        say "adding the user $ACCOUNT"
        step useradd --system --user-group --home-dir "$STATE" --no-create-home --shell /usr/sbin/nologin \
            --comment "edge-fer facial-emotion sensor" "$ACCOUNT"
    fi
    # cameras, and the memory that libcamera needs for pictures, belong to it on Raspberry Pi OS
    if getent group video >/dev/null && ! id -nG "$ACCOUNT" 2>/dev/null | grep -qw video; then
        step usermod --append --groups video "$ACCOUNT"
    fi
    step install -d -m 0700 -o "$ACCOUNT" -g "$ACCOUNT" "$STATE"
    make_notify_user
    make_web_user
}

# Sends notifications, and alone reads the addresses; what waits to be told, both users write.
make_notify_user() {
    if ! getent passwd "$NOTIFY_ACCOUNT" >/dev/null; then
        say "adding the user $NOTIFY_ACCOUNT"
        step useradd --system --user-group --home-dir "$NOTIFY_STATE" --no-create-home --shell /usr/sbin/nologin \
            --comment "edge-fer notifications" "$NOTIFY_ACCOUNT"
    fi
    if ! id -nG "$ACCOUNT" 2>/dev/null | grep -qw "$NOTIFY_ACCOUNT"; then
        step usermod --append --groups "$NOTIFY_ACCOUNT" "$ACCOUNT"
    fi
    step install -d -m 2770 -o "$ACCOUNT" -g "$NOTIFY_ACCOUNT" "$NOTIFY_STATE"
    if [ ! -d "$CONFIG" ]; then step install -d -m 0755 "$CONFIG"; fi
    step install -d -m 0700 -o "$NOTIFY_ACCOUNT" -g "$NOTIFY_ACCOUNT" "$CONFIG/notify"
}

# Serves the page; may write accounts and sessions, and nothing beside them.
make_web_user() {
    if ! getent passwd "$WEB_ACCOUNT" >/dev/null; then
        say "adding the user $WEB_ACCOUNT"
        step useradd --system --user-group --home-dir "$WEB_STATE" --no-create-home --shell /usr/sbin/nologin \
            --comment "edge-fer page" "$WEB_ACCOUNT"
    fi
    step install -d -m 0750 -o root -g "$WEB_ACCOUNT" "$WEB_STATE"
    step install -d -m 0700 -o "$WEB_ACCOUNT" -g "$WEB_ACCOUNT" "$WEB_STATE/state"
}

make_config() {
    # all may read it, as it holds no secret: those have files of their own, root's alone. A folder and a file that are
    # there stay as they are, because somebody may have put one in
    if [ ! -d "$CONFIG" ]; then step install -d -m 0755 "$CONFIG"; fi
    if [ -e "$CONFIG/config.yaml" ]; then
        say "keeping $CONFIG/config.yaml as it is"
    else
        say "writing $CONFIG/config.yaml, in which every setting is explained"
        step install -m 0644 "$SOURCE/deploy/config.yaml" "$CONFIG/config.yaml"
    fi
}

# Runs the command of a release as the service would, with the values that the config may ask for by ${NAME}.
as_service() {
    local release=$1 line
    shift
    (
        cd /
        unset PYTHONPATH PYTHONHOME
        export HOME=$STATE LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 PYTHONNOUSERSITE=1
        if [ -r "$CONFIG/environment" ]; then
            while IFS= read -r line; do
                if [[ $line =~ ^([A-Za-z_][A-Za-z0-9_]*)=[\"\']?(.*[^\"\'])?[\"\']?$ ]]; then
                    export "${BASH_REMATCH[1]}=${BASH_REMATCH[2]}"
                fi
            done <"$CONFIG/environment"
        fi
        exec runuser -u "$ACCOUNT" -- "$release/bin/edge-fer" "$@"
    )
}

build_release() {
    local version
    version=$(sed -n 's/^__version__ = "\(.*\)"/\1/p' "$SOURCE/edge_fer/__init__.py")
    RELEASE=$RELEASES/$version-$(date +%Y%m%d%H%M%S)
    say "building version $version in $RELEASE"
    if [ "$DRY_RUN" = yes ]; then
        step python3 -m venv --system-site-packages "$RELEASE"
        step "$RELEASE/bin/pip" install --require-hashes --no-deps --requirement "$(locked)"
        step "$RELEASE/bin/pip" install --no-deps "$SOURCE"
        step "$RELEASE/bin/edge-fer" models fetch -o "models_dir=$RELEASE/share/edge-fer/models"
        return
    fi
    # until the switch, whatever goes wrong leaves everything as it was
    trap 'rm -rf "$RELEASE" "$RELEASES/.build"; fail_unchanged' EXIT
    mkdir -p "$RELEASES"
    rm -rf "$RELEASES/.build"
    # pip builds in a copy, and unpacks here: /tmp may be a small memory disk
    mkdir "$RELEASES/.build"
    copy_source "$RELEASES/.build/source"
    /usr/bin/python3 -m venv --system-site-packages "$RELEASE"
    say "installing what $(locked) names, by version and hash"
    pip_install --require-hashes --no-deps --only-binary :all: --requirement "$(locked)"
    pip_install --require-hashes --no-deps --only-binary :all: --requirement "$SOURCE/lock/build.txt"
    pip_install --no-deps --no-build-isolation "$RELEASES/.build/source"
    rm -rf "$RELEASES/.build"
    fetch_models
    describe
    "$RELEASE/bin/python" -m compileall -q "$RELEASE/lib" >/dev/null || true
    as_service "$RELEASE" version
    as_service "$RELEASE" config check
    trap - EXIT
}

fail_unchanged() {
    if installed; then
        warn "the upgrade failed; what was installed before still stands, and runs if it ran"
    else
        warn "the installation failed; put right what is told above, and run this again"
    fi
    exit 1
}

copy_source() {
    local name
    mkdir "$1"
    for name in edge_fer models setup.cfg setup.py pyproject.toml README.md LICENSE; do
        cp -R "$SOURCE/$name" "$1/"
    done
}

# The versions and hashes for this system: on Debian's releases those of the packages, without numpy, Pillow and PyAV,
# because picamera2 and what it is built on use the system's, and others in front of them would break it.
locked() {
    local name
    # shellcheck source=/dev/null
    name=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-unknown}")
    if [ -f "$SOURCE/deploy/deb/wheels/$name-$(dpkg --print-architecture).txt" ]; then
        printf '%s' "$SOURCE/deploy/deb/wheels/$name-$(dpkg --print-architecture).txt"
    else
        printf '%s' "$SOURCE/lock/install.txt"
    fi
}

# Has pip unpack beside the release: /tmp may be a small memory disk.
pip_install() {
    TMPDIR=$RELEASES/.build "$RELEASE/bin/pip" install --quiet --no-cache-dir --disable-pip-version-check "$@"
}

# The man page and the completions, as the package has them.
describe() {
    local share=$RELEASE/share
    mkdir -p "$share/man/man1" "$share/completions"
    "$RELEASE/bin/python" "$SOURCE/deploy/deb/man_page.py" | gzip -9n >"$share/man/man1/edge-fer.1.gz"
    "$SOURCE/deploy/completions.sh" "$RELEASE/bin/python" "$share/completions" ||
        warn "without python3-shtab, the shell does not complete edge-fer's commands"
}

switch_over() {
    local was_active=no kind
    BEFORE=''
    if installed; then BEFORE=$(readlink "$CURRENT"); fi
    if is_active; then was_active=yes; fi
    IS_NEW_PATH=yes IS_NEW_PAGE=yes
    if [ -e "$NOTIFY_PATH" ]; then IS_NEW_PATH=no; fi
    if [ -e "$WEB_UNIT.socket" ]; then IS_NEW_PAGE=no; fi
    say "switching over to $RELEASE"
    if [ "$DRY_RUN" = no ] && [ -n "$BEFORE" ]; then
        rm -rf "$UNITS_BEFORE"
        mkdir "$UNITS_BEFORE"
        find "$UNITS" -maxdepth 1 -type f -name 'edge-fer*' ! -name 'edge-fer-fleet-*' -exec cp -p -t "$UNITS_BEFORE" {} +
        trap take_back EXIT
    fi
    point_to "$RELEASE"
    step mkdir -p "$PREFIX/bin"
    step ln -sfn ../current/bin/edge-fer "$PREFIX/bin/edge-fer"
    step ln -sfn ../current/bin/edge-fer-notify "$PREFIX/bin/edge-fer-notify"
    step mkdir -p "$(dirname "$COMMAND")"
    step ln -sfn "$PREFIX/bin/edge-fer" "$COMMAND"
    step install -D -m 0644 "$SOURCE/systemd/edge-fer.service" "$UNIT"
    step install -D -m 0644 "$SOURCE/systemd/edge-fer-notify.service" "$NOTIFY_UNIT"
    step install -D -m 0644 "$SOURCE/systemd/edge-fer-notify.path" "$NOTIFY_PATH"
    step install -D -m 0644 "$SOURCE/systemd/edge-fer-boot-config.service" "$BOOT_UNIT"
    # off until somebody enables the timer
    for kind in service timer; do
        step install -D -m 0644 "$SOURCE/systemd/edge-fer-week.$kind" "$WEEK_UNIT.$kind"
    done
    # off until `edge-fer web on`
    for kind in .socket .service -prepare.service; do
        step install -D -m 0644 "$SOURCE/systemd/edge-fer-web$kind" "$WEB_UNIT$kind"
    done
    step mkdir -p "$BOOT_WANTS"
    step ln -sfn "$BOOT_UNIT" "$BOOT_WANTS/edge-fer-boot-config.service"
    step mkdir -p "${MAN%/*}" "${BASH_COMPLETION%/*}" "${ZSH_COMPLETION%/*}"
    step ln -sfn "$CURRENT/share/man/man1/edge-fer.1.gz" "$MAN"
    step ln -sfn "$CURRENT/share/completions/edge-fer.bash" "$BASH_COMPLETION"
    step ln -sfn "$CURRENT/share/completions/edge-fer.zsh" "$ZSH_COMPLETION"
    start "$was_active"
    trap - EXIT
    drop_old_releases
}

# Changes the link in one step, so that there is always one.
point_to() {
    step ln -sfn "$1" "$CURRENT.new"
    step mv -T "$CURRENT.new" "$CURRENT"
}

# The face detector's files are not part of this repository. They come beside the program, where all may read them; those
# of the release before are taken over.
fetch_models() {
    local folder=$RELEASE/share/edge-fer/models earlier
    mkdir -p "$folder"
    for earlier in "$STATE/models" "$CURRENT/share/edge-fer/models"; do
        if [ -d "$earlier" ]; then cp "$earlier"/*.tflite "$earlier"/*.onnx "$folder/" 2>/dev/null || true; fi
    done
    say "fetching the face detector's files"
    if ! "$RELEASE/bin/edge-fer" models fetch -o "models_dir=$folder"; then
        warn "the face detector's files could not be fetched, as told above. Without them, edge-fer starts only where" \
            "the config asks for another detector (faces: {detector: haar}). Try again: sudo edge-fer models fetch"
    fi
}

start() {
    local was_active=$1
    if ! has_systemd; then
        step mkdir -p "$WANTS"
        step ln -sfn "$UNIT" "$WANTS/edge-fer.service"
        step ln -sfn "$NOTIFY_PATH" "$WANTS/edge-fer-notify.path"
        step ln -sfn "$WEB_UNIT.socket" "$WANTS/edge-fer-web.socket"
        say "systemd does not run here; the service will start at the next boot"
        return
    fi
    step systemctl daemon-reload
    if [ -z "$BEFORE" ]; then
        step systemctl --quiet enable edge-fer.service edge-fer-notify.path edge-fer-web.socket
    elif ! systemctl --quiet is-enabled edge-fer.service; then
        say "the service was switched off, and stays so: systemctl enable --now edge-fer"
        return
    else
        # those that the version before did not have
        if [ "$IS_NEW_PATH" = yes ]; then step systemctl --quiet enable edge-fer-notify.path; fi
        if [ "$IS_NEW_PAGE" = yes ]; then step systemctl --quiet enable edge-fer-web.socket; fi
    fi
    if systemctl --quiet is-enabled edge-fer-notify.path; then
        step systemctl restart edge-fer-notify.path || warn "notifications are not sent: systemctl status edge-fer-notify.path"
    fi
    if systemctl --quiet is-enabled edge-fer-web.socket; then
        step systemctl restart edge-fer-web.socket || warn "the page is not served: systemctl status edge-fer-web.socket"
    fi
    # waits until the daemon says that it is ready
    if step systemctl restart edge-fer.service; then
        [ "$DRY_RUN" = yes ] || say "edge-fer runs. See: sudo edge-fer doctor, journalctl -u edge-fer"
    elif [ "$was_active" = yes ]; then
        exit 1 # and the trap takes everything back
    else
        warn "edge-fer is installed, but does not start yet. See: sudo edge-fer doctor, journalctl -u edge-fer"
    fi
}

# Goes back to the version before, whatever went wrong after the switch.
take_back() {
    local unit
    trap - EXIT
    warn "the new version does not start; going back to $BEFORE. See: journalctl -u edge-fer"
    point_to "$BEFORE"
    if has_systemd; then
        # a unit that the version before did not have would find no program
        for unit in "$NOTIFY_PATH" "$NOTIFY_UNIT" "$WEB_UNIT.socket" "$WEB_UNIT.service" "$WEEK_UNIT.timer"; do
            if [ ! -e "$UNITS_BEFORE/${unit##*/}" ]; then
                systemctl --quiet disable --now "${unit##*/}" 2>/dev/null || true
            fi
        done
    fi
    for unit in "$UNIT" "$NOTIFY_UNIT" "$NOTIFY_PATH" "$BOOT_UNIT" "$WEEK_UNIT".{service,timer} \
        "$WEB_UNIT"{.socket,.service,-prepare.service}; do
        if [ -e "$UNITS_BEFORE/${unit##*/}" ]; then mv "$UNITS_BEFORE/${unit##*/}" "$unit"; else rm -f "$unit"; fi
    done
    rm -rf "$UNITS_BEFORE" "$RELEASE"
    if has_systemd; then
        systemctl daemon-reload
        systemctl restart edge-fer.service || warn "the old version does not start either"
    fi
    exit 1
}

# Of the versions before, none stays: each takes some 300 MB of the memory card.
drop_old_releases() {
    local release
    step rm -rf "$UNITS_BEFORE"
    for release in "$RELEASES"/*/; do
        if [ -d "$release" ] && [ "${release%/}" != "$RELEASE" ]; then
            step rm -rf "${release%/}"
        fi
    done
}

remove() {
    local purge=$1
    if packaged; then
        export DEBIAN_FRONTEND=noninteractive
        step apt-get "$([ "$purge" = yes ] && echo purge || echo remove)" -y -qq -o Dpkg::Use-Pty=0 edge-fer
        return
    fi
    say "removing the service"
    if has_systemd; then
        step systemctl --quiet disable --now edge-fer.service edge-fer-week.timer edge-fer-notify.path \
            edge-fer-web.socket 2>/dev/null || true
        step systemctl --quiet stop edge-fer-notify.service edge-fer-web.service 2>/dev/null || true
        # or the next installation in this boot would find it done, and not take over what is on the card
        step systemctl --quiet stop edge-fer-boot-config.service 2>/dev/null || true
    fi
    step rm -f "$WANTS/edge-fer-notify.path" "$NOTIFY_PATH" "$NOTIFY_UNIT"
    step rm -f "$WANTS/edge-fer-web.socket" "$WEB_UNIT.socket" "$WEB_UNIT.service" "$WEB_UNIT-prepare.service"
    step rm -rf /run/edge-fer-web
    step rm -f "$WANTS/edge-fer.service" "$UNIT" "$BOOT_WANTS/edge-fer-boot-config.service" "$BOOT_UNIT" \
        "$WEEK_UNIT.service" "$WEEK_UNIT.timer"
    if [ -d "$BOOT_WANTS" ]; then step rmdir --ignore-fail-on-non-empty "$BOOT_WANTS"; fi
    if has_systemd; then step systemctl daemon-reload; fi
    if [ "$(readlink "$COMMAND" 2>/dev/null)" = "$PREFIX/bin/edge-fer" ]; then step rm -f "$COMMAND"; fi
    step rm -f "$MAN" "$BASH_COMPLETION" "$ZSH_COMPLETION"
    step rm -rf "$PREFIX"
    if [ "$purge" = yes ]; then
        step rm -rf "$CONFIG" "$STATE" "$BOOT_STATE" "$NOTIFY_STATE" "$WEB_STATE"
        # when the page of the week was written last, which systemd keeps
        step rm -f "/var/lib/systemd/timers/stamp-${WEEK_UNIT##*/}.timer"
        # logs beside the settings on the card; the settings are the user's
        step rm -f /boot/firmware/edge-fer.log /boot/firmware/edge-fer-web.log
        local account
        for account in "$ACCOUNT" "$NOTIFY_ACCOUNT" "$WEB_ACCOUNT"; do
            if getent passwd "$account" >/dev/null; then step userdel "$account"; fi
            # userdel leaves a group that others are in
            if getent group "$account" >/dev/null && [ "$DRY_RUN" = no ]; then groupdel "$account"; fi
        done
        say "removed, with its config and state; system packages stay"
    else
        say "removed; $CONFIG and $STATE stay, for the next installation (--purge removes them)"
    fi
}

main "$@"
