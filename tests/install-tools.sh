#!/bin/sh
# Installs what the tests need that pip cannot: a real MQTT broker, its command-line clients, openssl, a C compiler for a
# slow disk, and a browser for reports; and, where it may, what looks at the service (strace, shellcheck,
# systemd-analyze), what writes JPEGs of all kinds (cjpeg), what keeps an apt repository (reprepro), and
# PostgreSQL, without which those tests are skipped.
set -eu
PATH="$PATH:/usr/sbin:/sbin"

missing=""
command -v mosquitto >/dev/null || missing="$missing mosquitto"
command -v mosquitto_sub >/dev/null || missing="$missing mosquitto-clients"
command -v openssl >/dev/null || missing="$missing openssl"
command -v cc >/dev/null || missing="$missing gcc libc6-dev"
command -v chromium >/dev/null || missing="$missing chromium"
command -v chromedriver >/dev/null || missing="$missing chromium-driver"
wanted=""
command -v strace >/dev/null || wanted="$wanted strace"
command -v shellcheck >/dev/null || wanted="$wanted shellcheck"
command -v systemd-analyze >/dev/null || wanted="$wanted systemd"
command -v cjpeg >/dev/null || wanted="$wanted libjpeg-turbo-progs"
command -v reprepro >/dev/null || wanted="$wanted reprepro"
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || wanted="$wanted postgresql"
# axe-core, which looks at every page; it lies in the environment of the tests
axe="$(cd "$(dirname "$0")/.." && pwd)/.venv/axe"
if [ -d "${axe%/axe}" ] && [ ! -f "$axe/node_modules/axe-core/axe.min.js" ]; then
    if command -v npm >/dev/null; then
        npm install --silent --no-audit --no-fund --prefix "$axe" axe-core@4.14.1 ||
            echo "The pages are not looked at for accessibility: axe-core could not be had from npm." >&2
    else
        echo "The pages are not looked at for accessibility: that needs npm." >&2
    fi
fi
[ -z "$missing$wanted" ] && exit 0

if ! command -v apt-get >/dev/null; then
    sudo="none"
elif [ "$(id -u)" -eq 0 ]; then
    sudo=""
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo="sudo"
else
    sudo="none"
fi
if [ "$sudo" = none ]; then
    [ -z "$wanted" ] || echo "Some tests will be skipped without:$wanted" >&2
    [ -z "$missing" ] && exit 0
    echo "The tests need:$missing. Install them with your system's package manager, then run make test again." >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
# a mirror may be slow, and the system busy with updates of its own
apt="$sudo apt-get -qq -o Acquire::Retries=5 -o DPkg::Lock::Timeout=300"
# shellcheck disable=SC2086 # lists of words
$apt update && $apt install -y --no-install-recommends $missing $wanted
