#!/bin/sh
# Runs tests with the oldest and with the newest versions that setup.cfg allows: lock/ranges.sh TOOLS FOLDER PYTHON, as
# `make test-ranges` does. TOOLS is an environment with uv. What only the tests need stays as it is locked.
set -eu
cd "$(dirname "$0")/.."
tools=$1 folder=$2 python=$3
# what touches the libraries: config (pydantic, ruamel.yaml), pictures and capture (OpenCV), faces and emotion (the model
# runtime, numpy), messages (paho-mqtt, amqtt), metrics
tests="tests/config tests/pictures tests/faces tests/emotion tests/mqtt tests/test_run.py tests/sinks tests/test_analyzer.py"

models=$("$python" -c 'from edge_fer.config.engine.places import default_models_dir; print(default_models_dir())')
for choice in lowest-direct highest; do
    venv=$folder/$choice
    rm -rf "$venv"
    "$python" -m venv "$venv"
    echo 'backports-strenum<1.3' >"$folder/constraints.txt" # as in refresh.py
    "$tools/bin/uv" pip compile setup.cfg --constraint "$folder/constraints.txt" --extra embedded --extra metrics --quiet --no-header --no-annotate \
        --python "$venv/bin/python" --resolution "$choice" --output-file "$folder/$choice.txt"
    echo "=== $choice:"
    sed -n 's/^\([a-z0-9.-]*==[^ ;]*\).*/  \1/p' "$folder/$choice.txt"
    # the tests' own tools as locked, but for what is tried, and for a second runtime, which no numpy from 2 on goes with
    sed -n 's/^\([a-z0-9.-]*==.*[^\\ ]\) *\\*$/\1/p' lock/test.txt lock/build.txt | grep -v '^tflite-runtime==' |
        while read -r pin; do
            grep -q "^${pin%%==*}==" "$folder/$choice.txt" || echo "$pin"
        done >"$folder/$choice-tools.txt"
    "$tools/bin/uv" pip install --quiet --python "$venv/bin/python" \
        --requirement "$folder/$choice.txt" --requirement "$folder/$choice-tools.txt"
    "$tools/bin/uv" pip install --quiet --python "$venv/bin/python" --no-deps --no-build-isolation --editable .
    mkdir -p "$venv/share/edge-fer"
    cp -R "$models" "$venv/share/edge-fer/models"
    # shellcheck disable=SC2086 # a list
    "$venv/bin/python" -m pytest -q -n 2 --dist loadfile $tests
done
echo "passed with the oldest and the newest"
