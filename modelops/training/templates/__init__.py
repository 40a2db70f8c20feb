"""Job files for Slurm and Kubernetes, written for a person to read and submit. Every field was checked by pattern."""

from __future__ import annotations

from importlib.resources import files
from string import Template

from modelops.training.config import JobFile

# By place: the template and the name that the file gets in the run's folder.
FILES = {"slurm": ("slurm.sh", "job.slurm"), "kubernetes": ("kubernetes.yaml", "job.yaml")}


def render(job: JobFile, run_dir: str) -> str:
    """Raises KeyError for a place that has no template, BadConfig never: the job was checked when it was made."""
    resources = job.resources
    text = files(__package__).joinpath(FILES[resources.place][0]).read_text(encoding="utf-8")
    return Template(text).substitute(
        job=job.job,
        token=job.token,
        nodes=resources.nodes,
        processes=resources.processes,
        partition=resources.partition,
        account=f"#SBATCH --account={resources.account}\n" if resources.account else "",
        time_limit=resources.time_limit,
        namespace=resources.namespace,
        image=resources.image,
        claim=resources.claim,
        claim_path=resources.claim_path,
        project_dir=resources.project_dir,
        venv=resources.venv or "/opt/training",
        memory=f"{max(1, round(resources.host_memory_gb))}G" if resources.host_memory_gb else "0",
        kubernetes_memory=f"{max(1, round(resources.host_memory_gb))}Gi"
        if resources.host_memory_gb
        else "64Gi",
        run_dir=run_dir,
    )
