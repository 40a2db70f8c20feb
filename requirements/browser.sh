#!/bin/sh
# browser.sh VENV: what the browser tests need besides the packages: Chromium, and the library that
# Playwright's own Node is linked to. As root they are installed when missing, otherwise named.
set -eu
missing=
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] || missing=chromium
"$1/lib/python3.11/site-packages/playwright/driver/node" --version >/dev/null 2>&1 || missing="$missing libatomic1"
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing for the browser tests: $missing" >&2
    apt-get -qq update >&2
    # Split on purpose: the packages are several words.
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing >/dev/null
    exit 0
fi
echo "The browser tests need what is missing here. On Debian 12, as root: apt-get install $missing (another Chromium is named by CHROMIUM=/path/to/it)" >&2
exit 2
