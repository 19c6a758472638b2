#!/bin/sh
# Writes edge-fer.bash and edge-fer.zsh into a folder: deploy/completions.sh PYTHON FOLDER. PYTHON is one that has edge-fer
# and shtab.
set -eu
python=$1 folder=$2
"$python" -P -c 'import shtab' 2>/dev/null
# shtab 1.5 offers the first choice alone
# shellcheck disable=SC2016 # what is replaced is a script, too
"$python" -P -m shtab --shell=bash edge_fer.cli.main.build_parser |
    sed -e 's/_choices_var="${current_action}_choices"/_choices_var="${current_action}_choices[@]"/' \
        -e 's/_choices="${!current_action_choices_var}"/_choices=("${!current_action_choices_var}")/' \
        -e 's/"${current_action_choices}"/"${current_action_choices[*]}"/' >"$folder/edge-fer.bash"
"$python" -P -m shtab --shell=zsh edge_fer.cli.main.build_parser >"$folder/edge-fer.zsh"
