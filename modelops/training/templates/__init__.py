"""Job files for Slurm and Kubernetes, written for a person to read and submit. Every field was checked by pattern, and
the folder of the runs, which the operator named, may hold blanks: all are quoted as the file's reader wants it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from importlib.resources import files
from string import Template

from modelops.training.config import JobFile

# By place: the template and the name that the file gets in the run's folder.
FILES = {"slurm": ("slurm.sh", "job.slurm"), "kubernetes": ("kubernetes.yaml", "job.yaml")}


def render(job: JobFile, run_dir: str) -> str:
    """Raises KeyError for a place that has no template, BadConfig never: the job was checked when it was made."""
    resources = job.resources
    quoted = _QUOTED[resources.place]
    text = files(__package__).joinpath(FILES[resources.place][0]).read_text(encoding="utf-8")
    return Template(text).substitute(
        job=job.job,
        token=job.token,
        nodes=resources.nodes,
        processes=resources.processes,
        partition=resources.partition,
        account=f"#SBATCH --account={resources.account}\n" if resources.account else "",
        time_limit=resources.time_limit,
        output=_for_sbatch(f"{run_dir.replace('%', '%%')}/slurm-%j.txt"),
        at_the_end=quoted(f"touch {shlex.quote(f'{run_dir}/cancel')}; wait"),
        namespace=quoted(resources.namespace),
        image=quoted(resources.image),
        claim=quoted(resources.claim),
        claim_path=quoted(resources.claim_path),
        project_dir=quoted(resources.project_dir),
        python=quoted(f"{resources.venv or '/opt/training'}/bin/python"),
        memory=f"{max(1, round(resources.host_memory_gb))}G" if resources.host_memory_gb else "0",
        kubernetes_memory=f"{max(1, round(resources.host_memory_gb))}Gi"
        if resources.host_memory_gb
        else "64Gi",
        run_dir=quoted(run_dir),
    )


def _for_yaml(words: str) -> str:
    """A namespace may be called `no` or `1e3`: unquoted, YAML would read something else than text."""
    return json.dumps(words, ensure_ascii=False)


def _for_sbatch(path: str) -> str:
    """sbatch reads its lines by rules of its own, not by the shell's."""
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'


_QUOTED: Mapping[str, Callable[[str], str]] = {"slurm": shlex.quote, "kubernetes": _for_yaml}
