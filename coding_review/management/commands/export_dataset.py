"""manage.py export_dataset NAME OUT: a dataset version as JSONL or Parquet, which `datasets` loads."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from coding_review.actions.build_dataset import export_dataset
from coding_review.errors import ReviewError
from coding_review.exports.files import Written
from modelops.datasets import to_parquet
from modelops.datasets.files import MANIFEST, file_of
from modelops.datasets.split import SPLITS
from modelops.jobs import training_environment
from modelops.models import DatasetVersion
from modelops.training.errors import Stopped

SUMS = "SHA256SUMS"


class Command(BaseCommand):
    help = (
        "Exports a dataset version to the folder OUT, which must not exist: train and validation, the manifest, and "
        "SHA256SUMS (sha256sum -c reads it). Parquet is written by the training environment (make training)."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", metavar="NAME")
        parser.add_argument("out", metavar="OUT", type=Path)
        parser.add_argument("--dataset-version", type=int, metavar="N", help="default: the newest")
        parser.add_argument("--format", choices=sorted(_WRITERS), default="jsonl")
        parser.add_argument(
            "--user", metavar="NAME", help="who exports (default: the operator of the server)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        out: Path = options["out"]
        if out.exists():
            raise CommandError(f"{out} exists; it is not overwritten.")
        versions = DatasetVersion.objects.filter(name=options["name"]).order_by("-version")
        if options["dataset_version"] is not None:
            versions = versions.filter(version=options["dataset_version"])
        dataset = versions.first()
        if dataset is None:
            raise CommandError("There is no such dataset.")
        try:
            written = export_dataset(
                _user(options["user"]),
                dataset,
                format=options["format"],
                write=lambda folder: _whole(folder, out, _WRITERS[options["format"]]),
            )
        except ReviewError as error:
            raise CommandError(error.message, returncode=1) from error
        except OSError as error:
            raise CommandError(f"{out} cannot be written: {error.strerror}", returncode=1) from error
        self.stdout.write(
            f"{written.rows:,} examples of {dataset} in {out}; SHA-256 of {SUMS} {written.sha256}"
        )


def _user(name: str | None) -> User | None:
    if name is None:
        return None
    user = User.objects.filter(username=name, is_active=True).first()
    if user is None:
        raise CommandError(f"No active user {name}.")
    return user


def _whole(folder: Path, out: Path, write: Callable[[Path, Path], int]) -> Written:
    """OUT appears whole or not at all."""
    unfinished = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}-"))
    try:
        rows = write(folder, unfinished)
        shutil.copyfile(folder / MANIFEST, unfinished / MANIFEST)
        sums = "".join(
            f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n"
            for path in sorted(unfinished.iterdir())
        ).encode()
        (unfinished / SUMS).write_bytes(sums)
        unfinished.chmod(0o755)
        unfinished.rename(out)
    except BaseException:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise
    return Written(rows, hashlib.sha256(sums).hexdigest())


def _jsonl(folder: Path, out: Path) -> int:
    rows = 0
    for split in SPLITS:
        shutil.copyfile(folder / file_of(split), out / file_of(split))
        with (out / file_of(split)).open("rb") as file:
            rows += sum(1 for _ in file)
    return rows


def _parquet(folder: Path, out: Path) -> int:
    try:
        python = training_environment() / "bin" / "python"
    except Stopped as error:
        raise CommandError(f"Parquet needs the training environment. {error}") from error
    with tempfile.TemporaryDirectory() as home:
        told = subprocess.run(  # noqa: S603 - fixed arguments
            [python, to_parquet.__file__, folder, out],
            capture_output=True,
            text=True,
            check=False,
            env={"HOME": home, "HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"},
        )
    if told.returncode:
        last = told.stderr.strip().splitlines()[-1:] or ["no word why"]
        raise CommandError(f"The training environment could not write Parquet: {last[0].split(':')[0]}.")
    shutil.rmtree(out / ".cache", ignore_errors=True)
    return sum(int(line.split()[1]) for line in told.stdout.splitlines())


_WRITERS: dict[str, Callable[[Path, Path], int]] = {"jsonl": _jsonl, "parquet": _parquet}
