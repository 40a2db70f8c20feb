#!/bin/sh
# The virtual environment that trainers run in: TRL, transformers, peft and DeepSpeed, apart from the application's own.
#   training.sh [VENV]   make it once for each state of the lock, and print its folder
#   training.sh --path   print the folder only; status 1 when it is not made yet
#   training.sh --lock   write the locks anew from training.in (what pip resolves, with hashes)
# Without VENV it lies outside the checkout, in $TRAINING_VENV_CACHE or the user's cache folder, so that a fresh clone
# finds it; where neither can be written, in var/.
# APP_PYTHON names a Python with a pip that can install elsewhere (default: that of make setup).
# TRAINING_CUDA=1 takes a build of torch for CUDA; TRAINING_TORCH names another requirement or file for torch.
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$here")
unset PYTHONPATH PYTHONHOME
umask 022

say() { printf '%s\n' "$*" >&2; }
fail() { say ""; say "$*"; exit 2; }

app=${APP_PYTHON:-$root/.venv/bin/python}
cuda=${TRAINING_CUDA:-0}
torch=$(sed -n 's/^\(torch==.*\)$/\1/p' "$here/training-torch.txt")
lock_hash() {
    { cat "$here/training.txt" "$here/training-deepspeed.txt" "$here/training-torch.txt"; echo "$cuda"; } |
        sha256sum | cut -c1-16
}
place() {
    for folder in "${TRAINING_VENV_CACHE:-}" "${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/coding-review" "$root/var"; do
        [ -n "$folder" ] || continue
        if mkdir -p "$folder" 2>/dev/null && [ -w "$folder" ]; then echo "$folder/training-$(lock_hash)"; return; fi
    done
    fail "No folder for the training environment can be written. Name one: TRAINING_VENV_CACHE=/path make training"
}
made() { [ -f "$1/.lock-state" ] && [ "$(cat "$1/.lock-state")" = "$(lock_hash)" ]; }

# What pip resolves, but for torch and what a build of torch for CUDA would bring.
write_lock() {
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    "$app" -m pip install --quiet --disable-pip-version-check --no-input --dry-run --ignore-installed \
        --only-binary :all: --no-binary deepspeed --report "$work/report.json" \
        -r "$here/training.in" "${TRAINING_TORCH:-$torch}" >&2
    "$app" -W ignore - "$work/report.json" "$work" <<'PY'
import json, re, sys

head = "# Made by requirements/training.sh --lock from training.in: {}.\n"
wheels, sources = {}, {}
for item in json.load(open(sys.argv[1]))["install"]:
    name = re.sub(r"[-_.]+", "-", item["metadata"]["name"]).lower()
    if name == "torch" or re.match(r"(nvidia|cuda|triton)", name):
        continue
    info = item["download_info"]
    row = f"{name}=={item['metadata']['version']} \\\n    --hash=sha256:{info['archive_info']['hashes']['sha256']}"
    (wheels if info["url"].endswith(".whl") else sources)[name] = row
assert set(sources) == {"deepspeed"}, sources
for path, rows, what in (
    ("training.txt", wheels, "wheels for Linux on x86-64 and CPython 3.11"),
    ("training-deepspeed.txt", sources, "source, which needs no compiler to be installed"),
):
    with open(f"{sys.argv[2]}/{path}", "w") as out:
        out.write(head.format(what) + "".join(f"{rows[name]}\n" for name in sorted(rows)))
PY
    mv "$work/training.txt" "$work/training-deepspeed.txt" "$here/"
}

case ${1-} in
--path) venv=$(place); made "$venv" || exit 1; echo "$venv"; exit 0 ;;
--lock) write_lock; exit 0 ;;
-*) sed -n 2,10p "$0"; exit 2 ;;
esac
[ $# -le 1 ] || { sed -n 2,10p "$0"; exit 2; }

venv=$(readlink -m -- "${1:-$(place)}")
stamp=$venv/.lock-state
fits() { made "$venv" && "$venv/bin/python" -c '' 2>/dev/null; }
if fits; then touch "$stamp"; echo "$venv"; exit 0; fi
[ "$(uname -sm)" = "Linux x86_64" ] || fail "The lock of the training environment is for Linux on x86-64; this is $(uname -sm)."
[ ! -e "$venv" ] || [ -f "$stamp" ] || fail "$venv was not made by this command. Move it away, or name another folder."
"$app" -m pip --version >/dev/null 2>&1 || fail "$app has no pip: run make setup first."

mkdir -p "$(dirname "$venv")"
exec 9>"$venv-lock" || fail "$venv-lock cannot be written: run this as the user who owns it."
flock 9
if fits; then echo "$venv"; exit 0; fi
free=$(df -Pk "$(dirname "$venv")" | awk 'NR == 2 {print int($4 / 1024)}')
[ "$free" -ge 5000 ] || fail "The training environment needs 5 GB of disk, and $(dirname "$venv") has $free MB left."

temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say "Making $venv with TRL and DeepSpeed (2 GB, some minutes the first time)."
rm -rf "$venv"
"$app" -m venv --without-pip "$venv"
echo unfinished >"$stamp"
pip="$app -m pip --python $venv/bin/python install --quiet --disable-pip-version-check --no-input"

# What this index would give for torch is looked at before anything is downloaded: a build for CUDA brings gigabytes.
# shellcheck disable=SC2086
$pip --only-binary :all: --dry-run --ignore-installed --report "$temporary/torch.json" "${TRAINING_TORCH:-$torch}" >&2 ||
    fail "torch for the training environment is not to be had; the reason stands above (most often: no network)."
[ "$cuda" = 1 ] || "$app" - "$temporary/torch.json" <<'PY' || { rm -rf "$venv"; fail "This package index gives a build of torch for CUDA. Ask for it with TRAINING_CUDA=1, let pip see PyTorch's wheels for CPUs (PIP_EXTRA_INDEX_URL or PIP_FIND_LINKS), or name one: TRAINING_TORCH=/path/to/torch.whl"; }
import json, re, sys

found = {item["metadata"]["name"].lower(): item["metadata"]["version"] for item in json.load(open(sys.argv[1]))["install"]}
cuda = re.compile(r"^(nvidia|cuda|triton|pytorch-triton)")
sys.exit(any(cuda.match(name) for name in found) or "+cu" in found["torch"] or "+rocm" in found["torch"])
PY
deps=--no-deps
[ "$cuda" = 1 ] && deps=
# shellcheck disable=SC2086
$pip --only-binary :all: $deps "${TRAINING_TORCH:-$torch}" >&2 || fail "torch could not be installed; the reason stands above."
# shellcheck disable=SC2086
$pip --only-binary :all: --no-deps --require-hashes -r "$here/training.txt" >&2 ||
    fail "The training packages could not be installed; the reason stands above (most often: no network, a full disk, or a changed lock file)."
# Its operations are compiled where they are first used, and only there; to install it takes no compiler.
# shellcheck disable=SC2086
DS_BUILD_OPS=0 $pip --no-binary deepspeed --no-build-isolation --no-deps --require-hashes -r "$here/training-deepspeed.txt" >&2 ||
    fail "DeepSpeed could not be installed; the reason stands above."
DS_ACCELERATOR=$([ "$cuda" = 1 ] && echo cuda || echo cpu) HF_HUB_OFFLINE=1 "$venv/bin/python" -W ignore -c '
import deepspeed, peft, torch, trl' >/dev/null 2>"$temporary/import.txt" ||
    { tail -n 5 "$temporary/import.txt" >&2; fail "The packages are installed but do not work together; the reason stands above."; }

lock_hash >"$stamp"
# Environments of lock files that nobody has used for a month.
find "$(dirname "$venv")" -maxdepth 2 -path '*/training-*/.lock-state' -mtime +30 ! -path "$stamp" \
    -exec sh -c 'rm -rf "$(dirname "$1")"' sh {} \; || true
say "Installed."
echo "$venv"
