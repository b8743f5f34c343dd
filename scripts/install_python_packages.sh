#!/bin/sh
# Installs the packages of a lock, and this project, into a virtual environment: with uv, in far less time than pip; where that fails, with pip,
# whose own settings may lead to a registry that uv does not know of.
#   install_python_packages.sh ENVIRONMENT LOCK
set -eu

python=$1/bin/python
lock=$2
uv=.venv/bin/uv
[ -x "$uv" ] || .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/uv.txt
"$uv" pip install --quiet --python "$python" --require-hashes --requirement "$lock" ||
  .venv/bin/python -m pip --python "$python" install --quiet --disable-pip-version-check --require-hashes --requirement "$lock"
# From where it is.
"$uv" pip install --quiet --offline --python "$python" --no-deps --no-build-isolation --editable .
