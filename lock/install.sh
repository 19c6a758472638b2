#!/bin/sh
# Installs this checkout into a virtual environment: lock/install.sh VENV LOCK EXTRAS, as in
# `lock/install.sh .venv run embedded`. From the lock, where that holds for the environment's Python; else what setup.cfg
# allows, and says so.
set -eu
cd "$(dirname "$0")/.."
venv=$1 lock=$2 extras=$3
pip() { "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"; }

if "$venv/bin/python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))'; then
    echo "Installing into $venv; this takes a minute or two."
    pip --require-hashes --only-binary :all: --requirement lock/build.txt --requirement "lock/$lock.txt"
    pip --no-deps --no-build-isolation --editable .
else
    echo "The lock is made for Python 3.11 to 3.13. For $("$venv/bin/python" --version), what setup.cfg allows is installed."
    pip --editable ".[$extras]"
fi
