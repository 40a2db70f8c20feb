"""Dataset versions: the list, one with its manifest, and its files as a download."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from django.db.models import QuerySet
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_GET, require_POST

from coding_review.actions.build_dataset import export_dataset
from coding_review.auth import RoleBackend
from coding_review.errors import InvalidDecision
from coding_review.exports.files import Written
from coding_review.models import DatasetBuild
from coding_review.rules.permissions import BUILD_DATASET, EXPORT_PHI
from coding_review.web.dataset_build_page import build_page
from coding_review.web.datasets_page import dataset_page, dataset_row
from coding_review.web.kept_pages import listed, one_for
from modelops.choices import WORK_OPEN
from modelops.datasets.files import MANIFEST, file_of
from modelops.datasets.split import SPLITS
from modelops.models import DatasetVersion

# What a browser is given at once; more is exported by manage.py export_dataset.
MOST_BYTES = 512 * 1024 * 1024
_TEMPLATES = "coding_review/datasets"


def get_dataset_for(user: Any, pk: int) -> DatasetVersion:
    """Raises NotAllowed, Http404."""
    return one_for(user, DatasetVersion.objects.select_related("created_by"), pk=pk)


@require_GET
def datasets(request: HttpRequest) -> HttpResponse:
    versions = DatasetVersion.objects.newest_first().select_related("created_by")
    context = listed(request, versions, dataset_row, here="datasets", one="version", starts=BUILD_DATASET)
    context["builds"] = [build_page(build) for build in open_builds()]
    return render(request, f"{_TEMPLATES}/list.html", context)


@require_GET
def dataset(request: HttpRequest, dataset_id: int) -> HttpResponse:
    version = get_dataset_for(request.user, dataset_id)
    context = {"page": dataset_page(version), "export": why_no_export(request.user, version)}
    return render(request, f"{_TEMPLATES}/dataset.html", context)


def open_builds() -> QuerySet[DatasetBuild]:
    builds = DatasetBuild.objects.select_related("created_by", "dataset")
    return builds.filter(status__in=WORK_OPEN).order_by("-pk")


def why_no_export(user: Any, version: DatasetVersion) -> str:
    """ "" where this user may take the files with them."""
    may = RoleBackend()
    if not may.has_perm(user, BUILD_DATASET):
        return "Your roles do not let you export datasets."
    if version.manifest["deidentified"]["charts"] and not may.has_perm(user, EXPORT_PHI):
        return "It was built from records of patients: exporting it needs the right to export PHI as well."
    if _bytes_of(version) > MOST_BYTES:
        return "It is too large for a browser; the operator exports it with manage.py export_dataset."
    return ""


@require_POST
def dataset_export(request: HttpRequest, dataset_id: int) -> FileResponse:
    """A .zip of both files, the manifest and SHA256SUMS. The action checks the rights and records it.

    Raises NotAllowed, Http404, Altered, InvalidDecision.
    """
    version = get_dataset_for(request.user, dataset_id)
    if _bytes_of(version) > MOST_BYTES:
        raise InvalidDecision(
            "It is too large for a browser; manage.py export_dataset writes it to a folder."
        )
    out = TemporaryFile()  # noqa: SIM115 - the response that sends it closes it
    try:
        export_dataset(request.user, version, format="jsonl", write=lambda folder: _zip(folder, version, out))
    except BaseException:
        out.close()
        raise
    out.seek(0)
    name = f"{version.name}-v{version.version}.zip"
    return FileResponse(out, as_attachment=True, filename=name, content_type="application/zip")


def _bytes_of(version: DatasetVersion) -> int:
    return sum(told["bytes"] for told in version.manifest["files"].values())


def _zip(folder: Path, version: DatasetVersion, out: IO[bytes]) -> Written:
    """The hash is of SHA256SUMS, which names every file's, as in the command's export."""
    names = [*(file_of(split) for split in SPLITS), MANIFEST]
    sums = "".join(f"{_sha256(folder / name)}  {name}\n" for name in sorted(names))
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name in names:
            archive.write(folder / name, name)
        archive.writestr("SHA256SUMS", sums)
    rows = sum(told["rows"] for told in version.manifest["files"].values())
    return Written(rows, hashlib.sha256(sums.encode()).hexdigest())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
