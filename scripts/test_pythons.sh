#!/usr/bin/env bash
# Tests the client on the newer Pythons that this machine has, each in an environment of its own, and says which it has. Downloads no Python.
set -euo pipefail

missing=()
tested=()
# Between the oldest Python, which `make test` takes, and the newest only what meets the event loop and the sockets is tested.
folders=(tests/transport)
for version in 3.12 3.13; do
  [ "$version" = 3.12 ] || folders+=(tests/facade)
  python=""
  # What is on the path may be a shim of pyenv for a version that is not selected.
  for candidate in "python$version" "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$version".*/bin/python /usr/local/bin/python"$version"; do
    if "$candidate" -c "" 2>/dev/null; then python=$candidate; break; fi
  done
  if [ -z "$python" ]; then missing+=("$version"); continue; fi
  environment=.venv/python$version
  if [ ! -e "$environment/.installed" ] || [ requirements/dev.txt -nt "$environment/.installed" ]; then
    echo "installing the Python packages for $version into $environment"
    "$python" -m venv --clear --without-pip "$environment"
    scripts/install_python_packages.sh "$environment" requirements/dev.txt
    touch "$environment/.installed"
  fi
  echo "testing the client on $("$environment/bin/python" --version)"
  "$environment/bin/python" -m pytest -n "${JOBS:-4}" --dist worksteal -m "not slow" "${folders[@]}" "$@"
  tested+=("$version")
done
echo "tested on: ${tested[*]:-none}; not found: ${missing[*]:-none}"
