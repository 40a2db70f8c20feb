"""A signed code set as a file."""

from __future__ import annotations

from tempfile import TemporaryFile

from django.http import FileResponse, Http404, HttpRequest
from django.views.decorators.http import require_POST

from coding_review.actions.export_code_sets import export_code_sets
from coding_review.exports.files import FORMATS
from coding_review.rules.permissions import EXPORT_CODE_SETS
from coding_review.web.downloads import CONTENT_TYPES
from coding_review.web.getters import get_code_set_for


@require_POST
def code_set_export(request: HttpRequest, code_set_id: int, format: str) -> FileResponse:
    """POST, because it is told to the audit log. The hash is in the header and in the encounter's history."""
    if format not in FORMATS:
        raise Http404("No such format.")
    code_set = get_code_set_for(request.user, code_set_id, EXPORT_CODE_SETS)
    file = TemporaryFile()  # noqa: SIM115 - the response that sends it closes it
    try:
        written = export_code_sets(request.user, [code_set.pk], format=format, out=file)
    except BaseException:
        file.close()
        raise
    file.seek(0)
    name = f"code-set-{code_set.pk}-v{code_set.version}.{format}"
    response = FileResponse(file, as_attachment=True, filename=name, content_type=CONTENT_TYPES[format])
    response["X-Content-SHA256"] = written.sha256
    return response
