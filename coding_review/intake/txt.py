"""A plain text file: an encounter of one document, named by the file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import BinaryIO

from catalog.choices import ClaimType
from coding_review.incoming import IncomingDocument, IncomingEncounter, problems
from coding_review.intake.rows import Defaults, Row, RowError, decoded
from modelops.choices import Setting
from modelops.interchange import LONE_DOCUMENT_ID, MAX_TEXT_BYTES


def rows(file: str, stream: BinaryIO, defaults: Defaults) -> Iterator[Row | RowError]:
    # Four bytes more than a text may have: a byte order mark, and one that shows that it is too long.
    yield row_of(file, str(PurePosixPath(file).with_suffix("")), stream.read(MAX_TEXT_BYTES + 4), defaults)


def row_of(file: str, source_id: str, data: bytes, defaults: Defaults) -> Row | RowError:
    if len(data) > MAX_TEXT_BYTES + 3:
        return RowError(file, None, "the text is over 1 MiB")
    text, problem, line = decoded(data)
    if problem:
        return RowError(file, line, problem)
    incoming = encounter_of(source_id, text, defaults)
    found = problems(incoming)
    return RowError(file, None, "; ".join(found)) if found else Row(file, None, incoming)


def encounter_of(source_id: str, text: str, defaults: Defaults) -> IncomingEncounter:
    inpatient = ClaimType.FACILITY_INPATIENT in defaults.claim_types
    setting = defaults.setting or (Setting.INPATIENT if inpatient else Setting.OUTPATIENT)
    return IncomingEncounter(
        source=defaults.source,
        source_id=source_id,
        facility=defaults.facility,
        work_group=defaults.work_group,
        documents=(IncomingDocument(LONE_DOCUMENT_ID, text, type=defaults.document_type),),
        setting=str(setting),
        claim_types=defaults.claim_types,
        confidentiality=defaults.confidentiality,
        admit_date=defaults.admit_date,
        discharge_date=defaults.discharge_date,
        date_of_service=defaults.date_of_service,
        specialty=defaults.specialty,
    )
