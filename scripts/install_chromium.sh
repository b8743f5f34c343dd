#!/bin/sh
# Installs Debian's Chromium for the tests of the emulator's page, unless it is there.
set -eu

if [ -x /usr/bin/chromium ]; then
  exit 0
fi
if ! command -v apt-get >/dev/null || [ "$(id -u)" -ne 0 ]; then
  echo "Chromium is missing: install it as /usr/bin/chromium (on Debian, as root: apt-get install chromium)" >&2
  exit 1
fi
echo "installing Chromium with apt-get"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium; } >"$log" 2>&1; then
  echo "Chromium could not be installed: $(grep -m 1 '^E:' "$log" || tail -n 1 "$log")" >&2
  exit 1
fi
