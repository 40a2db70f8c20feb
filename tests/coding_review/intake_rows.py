"""Reading files of import in tests, and the rows that good ones become."""

from __future__ import annotations

import io

from coding_review.incoming import IncomingDocument, IncomingEncounter
from coding_review.intake.files import rows_of_stream
from coding_review.intake.rows import Defaults, Row, RowError

HERE = Defaults(source="ehr", facility="TVMC", work_group="inpatient")
GOOD = '{"id": "g", "text": "Good."}\n'


def read(name: str, data: bytes, defaults: Defaults = HERE) -> list[Row | RowError]:
    return list(rows_of_stream(name, io.BytesIO(data), defaults))


def encounter(source_id: str, text: str, document: str = "1", **values: object) -> IncomingEncounter:
    settled = {"setting": "outpatient", **values}
    return IncomingEncounter(
        "ehr", source_id, "TVMC", "inpatient", (IncomingDocument(document, text),), **settled
    )
