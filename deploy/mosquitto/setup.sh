#!/bin/bash
# Sets up Mosquitto for edge-fer: certificates, users, and the config beside this file. See docs/broker.md.
set -euo pipefail

readonly HERE=${BASH_SOURCE[0]%/*}
readonly CONFIG=${EDGE_FER_MOSQUITTO:-/etc/mosquitto}
readonly FOLDER=$CONFIG/edge-fer
PATH="$PATH:/usr/sbin"

usage() {
    cat <<'HELP'
Usage: sudo setup.sh install NAME...    the config, and certificates for a broker that is called by these names
       sudo setup.sh certificate NAME...  another certificate for the broker, by the same authority
       sudo setup.sh user NAME          a new user, or a new password for one; prints the password, which is kept nowhere
       sudo setup.sh client NAME        a certificate for a user, in the place of a password, or a new one before that ends
       sudo setup.sh remove NAME        a user less; its password and certificates no longer hold

NAME of a broker is a host name or an address, as nodes have it in `mqtt.broker`; NAME of a user is a node's `node.id`, or
one of `dashboard`, `homeassistant`, `operator`. Afterwards: sudo systemctl restart mosquitto (reload, for passwords).
Everything is in /etc/mosquitto/edge-fer; nodes need ca.crt from there. Keep ca.key where nobody else gets at it.
HELP
}

fail() {
    printf '%s\n' "setup.sh: $*" >&2
    exit 1
}

key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null || openssl ecparam -name prime256v1 -genkey -noout -out "$1"; }

# The broker reads it and nobody else does.
for_broker() {
    if getent group mosquitto >/dev/null && [ "$(id -u)" -eq 0 ]; then
        chown root:mosquitto "$1"
    fi
    chmod 640 "$1"
}

authority() {
    if [ ! -e "$FOLDER/ca.key" ]; then
        key "$FOLDER/ca.key"
        openssl req -x509 -new -sha256 -days 3650 -key "$FOLDER/ca.key" -out "$FOLDER/ca.crt" -subj "/CN=edge-fer broker authority" \
            -addext "keyUsage=critical,keyCertSign,cRLSign"
        chmod 644 "$FOLDER/ca.crt"
    fi
}

certificate() {
    [ $# -gt 0 ] || fail "by which names do nodes call the broker?"
    local name names=""
    for name in "$@"; do
        case $name in
            *[!A-Za-z0-9.:-]*) fail "\`$name\` is neither a host name nor an address" ;;
            *:*) names+=",IP:$name" ;;
            *[!0-9.]*) names+=",DNS:$name" ;;
            *) names+=",IP:$name" ;;
        esac
    done
    authority
    key "$FOLDER/server.key.new"
    openssl req -new -key "$FOLDER/server.key.new" -subj "/CN=$1" |
        openssl x509 -req -sha256 -days 825 -CA "$FOLDER/ca.crt" -CAkey "$FOLDER/ca.key" -set_serial "0x$(openssl rand -hex 16)" \
            -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\n' "${names#,}") -out "$FOLDER/server.crt.new" 2>/dev/null
    mv "$FOLDER/server.key.new" "$FOLDER/server.key"
    mv "$FOLDER/server.crt.new" "$FOLDER/server.crt"
    for_broker "$FOLDER/server.key"
    chmod 644 "$FOLDER/server.crt"
    echo "The broker's certificate holds for $* until $(openssl x509 -noout -enddate -in "$FOLDER/server.crt" | cut -d= -f2)."
}

# What `openssl ca` keeps of certificates that no longer hold.
revocation() {
    openssl ca -config <(printf '[ca]\ndefault_ca=own\n[own]\n%s\n' "database=$FOLDER/revoked" "certificate=$FOLDER/ca.crt" \
        "private_key=$FOLDER/ca.key" default_md=sha256 default_crl_days=3650 unique_subject=no) "$@" 2>/dev/null
}

# The broker takes no certificate while this list is missing.
list_revoked() {
    [ -e "$FOLDER/revoked" ] || : >"$FOLDER/revoked"
    revocation -gencrl -out "$FOLDER/ca.crl.new"
    chmod 644 "$FOLDER/ca.crl.new"
    mv "$FOLDER/ca.crl.new" "$FOLDER/ca.crl"
}

client() {
    check_name "${1:-}"
    [ -e "$FOLDER/ca.key" ] || fail "run \`setup.sh install\` first; or bring ca.key back to $FOLDER"
    local own="$FOLDER/clients/$1" serial
    serial=$(openssl rand -hex 16)
    umask 077
    mkdir -p "$own"
    # a new certificate for the same key: a node whose key is root's alone need not be restarted for it
    [ -e "$own/client.key" ] || key "$own/client.key"
    openssl req -new -key "$own/client.key" -subj "/CN=$1" |
        openssl x509 -req -sha256 -days 825 -CA "$FOLDER/ca.crt" -CAkey "$FOLDER/ca.key" -set_serial "0x$serial" \
            -extfile <(printf 'extendedKeyUsage=clientAuth\n') -out "$own/$serial.crt" 2>/dev/null
    # each is kept, because each must be revoked when the user is removed
    cp "$own/$serial.crt" "$own/client.crt"
    [ -e "$FOLDER/ca.crl" ] || list_revoked
    sed "s|/etc/mosquitto|$CONFIG|" "$HERE/edge-fer-certificates.conf" >"$CONFIG/conf.d/edge-fer-certificates.conf"
    chmod 644 "$CONFIG/conf.d/edge-fer-certificates.conf"
    echo "$1 needs client.crt and client.key from $own, and ca.crt; it connects to port 8884."
    echo "The certificate holds until $(openssl x509 -noout -enddate -in "$own/client.crt" | cut -d= -f2)."
}

revoke() {
    local certificate
    for certificate in "$FOLDER/clients/$1"/*.crt; do
        case $certificate in
            */client.crt) ;;
            *) revocation -revoke "$certificate" || fail "$certificate cannot be revoked" ;;
        esac
    done
    list_revoked
    rm -r "${FOLDER:?}/clients/$1"
}

install_all() {
    [ $# -gt 0 ] || fail "by which names do nodes call the broker?"
    mkdir -p "$FOLDER" "$CONFIG/conf.d"
    chmod 755 "$FOLDER"
    certificate "$@"
    # an access list that somebody has added to stays
    [ -e "$FOLDER/acl" ] || cp "$HERE/acl" "$FOLDER/acl"
    for_broker "$FOLDER/acl"
    touch "$FOLDER/passwords"
    for_broker "$FOLDER/passwords"
    sed "s|/etc/mosquitto|$CONFIG|" "$HERE/edge-fer.conf" >"$CONFIG/conf.d/edge-fer.conf"
    echo "Nodes need $FOLDER/ca.crt. Next: a user for each node, and restart mosquitto."
}

without() { awk -F: -v name="$1" '$1 != name' "$FOLDER/passwords"; }

set_users() {
    chmod 600 "$FOLDER/passwords.new"
    for_broker "$FOLDER/passwords.new"
    mv "$FOLDER/passwords.new" "$FOLDER/passwords"
}

check_name() {
    case $1 in
        "" | *[!A-Za-z0-9_-]*) fail "a user is called by letters, digits, \`_\` and \`-\`, as nodes are" ;;
    esac
}

user() {
    check_name "${1:-}"
    [ -e "$FOLDER/passwords" ] || fail "run \`setup.sh install\` first"
    local password
    password=$(openssl rand -hex 24)
    umask 077
    # on a command line, other users of this machine could read it
    printf '%s:%s\n' "$1" "$password" >"$FOLDER/passwords.one"
    mosquitto_passwd -U "$FOLDER/passwords.one"
    { without "$1" && cat "$FOLDER/passwords.one"; } >"$FOLDER/passwords.new"
    rm "$FOLDER/passwords.one"
    set_users
    printf '%s\n' "$password"
}

remove() {
    [ -e "$FOLDER/passwords" ] || fail "run \`setup.sh install\` first"
    local known=""
    umask 077
    if [ -n "${1:-}" ] && [ -e "$FOLDER/clients/$1/client.crt" ]; then
        check_name "$1"
        revoke "$1"
        echo "The certificate of $1 no longer holds once mosquitto is restarted."
        known=yes
    fi
    if grep -q "^${1:-}:" "$FOLDER/passwords"; then
        without "$1" >"$FOLDER/passwords.new"
        set_users
        known=yes
    fi
    [ "$known" ] || fail "there is no user \`${1:-}\`"
}

case ${1:-} in
    install) install_all "${@:2}" ;;
    certificate) certificate "${@:2}" ;;
    user) user "${@:2}" ;;
    client) client "${@:2}" ;;
    remove) remove "${@:2}" ;;
    -h | --help) usage ;;
    *)
        usage >&2
        exit 2
        ;;
esac
