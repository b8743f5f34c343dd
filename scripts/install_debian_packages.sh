#!/bin/sh
# Installs those of the named Debian packages that are missing: programs that neither Python's registry nor Node's has.
# A word is a package, or PACKAGE=PATH where the program may have come from elsewhere: then it is missing if nothing can be run at PATH.
set -eu

missing=
for word in "$@"; do
  package=${word%%=*}
  case $word in
    *=*) [ -x "${word#*=}" ] || missing="$missing $package" ;;
    *) dpkg-query --show --showformat='${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^.i' || missing="$missing $package" ;;
  esac
done
missing=${missing# }
if [ -z "$missing" ]; then
  exit 0
fi
if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
  echo "missing: $missing: install them (on Debian, as root: apt-get install $missing)" >&2
  exit 1
fi
echo "installing with apt-get: $missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# shellcheck disable=SC2086 # several words are meant
if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
  echo "could not install $missing: $(grep -m 1 '^E:' "$log" || tail -n 1 "$log")" >&2
  exit 1
fi
