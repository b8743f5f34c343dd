#!/bin/sh
# Installs the packages of locks into a virtual environment, and nothing that the locks do not hold: with uv, in far less time than pip; where that
# fails, with pip, whose own settings may lead to a registry that uv does not know of.
#   install_python_packages.sh ENVIRONMENT LOCK…
set -eu

environment=$1
shift
locks=
for lock in "$@"; do locks="$locks --requirement $lock"; done
uv=.venv/bin/uv
[ -x "$uv" ] || .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/uv.txt
# shellcheck disable=SC2086 # several words are meant
"$uv" pip install --quiet --python "$environment/bin/python" --require-hashes $locks ||
  .venv/bin/python -m pip --python "$environment/bin/python" install --quiet --disable-pip-version-check --require-hashes $locks
# This project, from where it is.
"$uv" pip install --quiet --offline --python "$environment/bin/python" --no-deps --no-build-isolation --editable .
