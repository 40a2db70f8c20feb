#!/bin/sh
# Writes knowledge.txt and knowledge-build.txt anew from knowledge.in: what pip resolves beside the torch of
# knowledge-torch.txt, with hashes, and what the packages that come as sources are built with.
# APP_PYTHON names a CPython 3.11 on Linux with a pip (default: that of make setup).
set -eu
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$here")
unset PYTHONPATH PYTHONHOME
app=${APP_PYTHON:-$root/.venv/bin/python}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$app" -m pip install --quiet --disable-pip-version-check --no-input --dry-run --ignore-installed \
    --report "$work/report.json" -r "$here/knowledge.in" -r "$here/knowledge-torch.txt" >&2
"$app" -W ignore - "$work/report.json" "$here" <<'PY'
import json, re, sys

cuda = re.compile(r"^(torch|triton|nvidia-.*|cuda-.*|pytorch-triton.*)$")
rows = {}
for item in json.load(open(sys.argv[1]))["install"]:
    name = re.sub(r"[-_.]+", "-", item["metadata"]["name"]).lower()
    if not cuda.match(name):
        digest = item["download_info"]["archive_info"]["hashes"]["sha256"]
        rows[name] = f"{name}=={item['metadata']['version']} \\\n    --hash=sha256:{digest}"
build = {"setuptools", "wheel"}
made = "# Made by requirements/knowledge_lock.sh from knowledge.in, for Linux on x86-64 and CPython 3.11."
for file, names in (("knowledge.txt", set(rows) - build), ("knowledge-build.txt", build)):
    with open(f"{sys.argv[2]}/{file}", "w") as out:
        print(made, *(rows[name] for name in sorted(names)), sep="\n", file=out)
PY
