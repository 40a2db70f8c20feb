# What training.sh and vllm_cpu.sh have in common: a virtual environment that is made once for each state of its lock.
# Read by them, never run. Before, they set
#   here      this folder
#   name      of the environment, first part of its folder's name
#   title     of the environment, for messages
#   variable  that may name the folder of the cache
#   target    of make that makes it
#   platform  whose lock it is, for a message
#   needs     gigabytes of disk
#   contents  of it, with the size of the download, for a message: "A and B (2 GB"
# and define lock_input (what the hash of the lock is taken of) and write_lock. Their lines 2 to 9 are the help. Then they call `begin "$@"`,
# which returns only where the environment is to be made, install with $pip into $venv, and call `finish`.
unset PYTHONPATH PYTHONHOME
umask 022
root=$(dirname -- "$here")
app=${APP_PYTHON:-$root/.venv/bin/python}

say() { printf '%s\n' "$*" >&2; }
fail() { say ""; say "$*"; exit 2; }

lock_hash() { lock_input | sha256sum | cut -c1-16; }
place() {
    eval "asked=\${$variable:-}"
    for folder in "$asked" "${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/coding-review" "$root/var"; do
        [ -n "$folder" ] || continue
        if mkdir -p "$folder" 2>/dev/null && [ -w "$folder" ]; then echo "$folder/$name-$(lock_hash)"; return; fi
    done
    fail "No folder for the $title environment can be written. Name one: $variable=/path make $target"
}
made() { [ -f "$1/.lock-state" ] && [ "$(cat "$1/.lock-state")" = "$(lock_hash)" ]; }
fits() { made "$venv" && "$venv/bin/python" -c '' 2>/dev/null; }

begin() {
    case ${1-} in
    --path) venv=$(place); made "$venv" || exit 1; echo "$venv"; exit 0 ;;
    --lock) write_lock; exit 0 ;;
    -*) sed -n 2,9p "$0"; exit 2 ;;
    esac
    [ $# -le 1 ] || { sed -n 2,9p "$0"; exit 2; }

    venv=$(readlink -m -- "${1:-$(place)}")
    stamp=$venv/.lock-state
    if fits; then touch "$stamp"; echo "$venv"; exit 0; fi
    [ "$(uname -sm)" = "Linux x86_64" ] || fail "The lock of $platform is for Linux on x86-64; this is $(uname -sm)."
    [ ! -e "$venv" ] || [ -f "$stamp" ] || fail "$venv was not made by this command. Move it away, or name another folder."
    "$app" -m pip --version >/dev/null 2>&1 || fail "$app has no pip: run make setup first."

    mkdir -p "$(dirname "$venv")"
    exec 9>"$venv-lock" || fail "$venv-lock cannot be written: run this as the user who owns it."
    flock 9
    if fits; then echo "$venv"; exit 0; fi
    free=$(df -Pk "$(dirname "$venv")" | awk 'NR == 2 {print int($4 / 1024)}')
    [ "$free" -ge "${needs}000" ] ||
        fail "The $title environment needs $needs GB of disk, and $(dirname "$venv") has $free MB left."

    temporary=$(mktemp -d)
    trap 'rm -rf "$temporary"' EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP

    say "Making $venv with $contents, some minutes the first time)."
    rm -rf "$venv"
    "$app" -m venv --without-pip "$venv"
    echo unfinished >"$stamp"
    pip="$app -m pip --python $venv/bin/python install --quiet --disable-pip-version-check --no-input"
}

# What this index would give for torch ($1) is looked at before anything is downloaded: a build for CUDA brings gigabytes.
look_at_torch() {
    # shellcheck disable=SC2086
    $pip --only-binary :all: --dry-run --ignore-installed --report "$temporary/torch.json" "$1" >&2 ||
        fail "torch for the $title environment is not to be had; the reason stands above (most often: no network)."
}
# Whether it was a build for CPUs; otherwise the beginnings of the environment are gone.
is_for_cpus() {
    "$app" - "$temporary/torch.json" <<'PY' || { rm -rf "$venv"; return 1; }
import json, re, sys

found = {item["metadata"]["name"].lower(): item["metadata"]["version"] for item in json.load(open(sys.argv[1]))["install"]}
cuda = re.compile(r"^(nvidia|cuda|triton|pytorch-triton)")
sys.exit(any(cuda.match(name) for name in found) or "+cu" in found["torch"] or "+rocm" in found["torch"])
PY
}
refused="This package index gives a build of torch for CUDA."
instead="Let pip see PyTorch's wheels for CPUs (PIP_EXTRA_INDEX_URL or PIP_FIND_LINKS), or name one:"

finish() {
    lock_hash >"$stamp"
    # Environments of lock files that nobody has used for a month.
    find "$(dirname "$venv")" -maxdepth 2 -path "*/$name-*/.lock-state" -mtime +30 ! -path "$stamp" \
        -exec sh -c 'rm -rf "$(dirname "$1")"' sh {} \; || true
    say "Installed."
    echo "$venv"
}
