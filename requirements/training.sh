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
name=training title=training target=training platform="the training environment" needs=5
variable=TRAINING_VENV_CACHE
contents="TRL and DeepSpeed (2 GB"
cuda=${TRAINING_CUDA:-0}
torch=${TRAINING_TORCH:-$(sed -n 's/^\(torch==.*\)$/\1/p' "$here/training-torch.txt")}
lock_input() { cat "$here/training.txt" "$here/training-deepspeed.txt" "$here/training-torch.txt"; echo "$cuda"; }
# shellcheck source=requirements/cached_venv.sh
. "$here/cached_venv.sh"

# What pip resolves, but for torch and what a build of torch for CUDA would bring.
write_lock() {
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    "$app" -m pip install --quiet --disable-pip-version-check --no-input --dry-run --ignore-installed \
        --only-binary :all: --no-binary deepspeed --report "$work/report.json" \
        -r "$here/training.in" "$torch" >&2
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

begin "$@"
look_at_torch "$torch"
[ "$cuda" = 1 ] || is_for_cpus ||
    fail "$refused Ask for it with TRAINING_CUDA=1. $instead TRAINING_TORCH=/path/to/torch.whl"
deps=--no-deps
[ "$cuda" = 1 ] && deps=
# shellcheck disable=SC2086
$pip --only-binary :all: $deps "$torch" >&2 || fail "torch could not be installed; the reason stands above."
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

finish
