#!/bin/sh
# The browser tests need Chromium; as root it is installed when missing, otherwise its package is named.
set -eu
[ -x "${CHROMIUM:-/usr/bin/chromium}" ] && exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "Installing chromium for the browser tests." >&2
    apt-get -qq update >&2
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends chromium >/dev/null
    exit 0
fi
echo "The browser tests need Chromium at /usr/bin/chromium (or at the path in CHROMIUM). On Debian 12, as root: apt-get install chromium" >&2
exit 2
