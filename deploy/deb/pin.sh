#!/bin/sh
# Chooses anew which wheels go into the packages, and writes their versions and hashes to wheels/. Needs uv.
#
# numpy is left out: the package uses Debian's, with which picamera2 was built, and the others must agree with that.
set -eu
cd "$(dirname "$0")"

wanted=$(mktemp)
constraints=$(mktemp)
trap 'rm -f "$wanted" "$constraints"' EXIT
python3 - ../../setup.cfg >"$wanted" <<'PYTHON'
import configparser, sys
setup = configparser.ConfigParser()
setup.read(sys.argv[1])
print(*(line for line in setup["options"]["install_requires"].splitlines() if not line.startswith("#")), sep="\n")
PYTHON

pin() { # suite, Python, its numpy
    # of backports.strenum, 1.3 refuses the Pythons from 3.11 on, which uv overlooks and pip does not
    printf '%s\n' "numpy==$3" 'backports-strenum<1.3' >"$constraints"
    for pair in amd64:x86_64 arm64:aarch64; do
        file=wheels/$1-${pair%:*}.txt
        {
            echo "# Made by deploy/deb/pin.sh: what goes into the package for $1-${pair%:*}, numpy excepted, which is Debian's."
            uv pip compile "$wanted" --quiet --no-header --no-annotate --generate-hashes --only-binary :all: \
                --python-version "$2" --python-platform "${pair#*:}-manylinux_2_36" \
                --constraint "$constraints" --no-emit-package numpy --no-emit-index-url
        } >"$file.new"
        mv "$file.new" "$file"
    done
}

pin bookworm 3.11 1.24.2
pin trixie 3.13 2.2.4
