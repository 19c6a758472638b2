#!/bin/sh
# Installs what the tests need that pip cannot: a real MQTT broker, its command-line clients, and openssl.
set -eu
PATH="$PATH:/usr/sbin:/sbin"

missing=""
command -v mosquitto >/dev/null || missing="$missing mosquitto"
command -v mosquitto_sub >/dev/null || missing="$missing mosquitto-clients"
command -v openssl >/dev/null || missing="$missing openssl"
[ -z "$missing" ] && exit 0

if ! command -v apt-get >/dev/null; then
    echo "The tests need:$missing. Install them with your system's package manager, then run make test again." >&2
    exit 1
elif [ "$(id -u)" -eq 0 ]; then
    sudo=""
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    sudo="sudo"
else
    echo "The tests need:$missing. Run: sudo apt-get install --no-install-recommends$missing" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
# shellcheck disable=SC2086 # a list of words
$sudo apt-get install -y -qq --no-install-recommends $missing
