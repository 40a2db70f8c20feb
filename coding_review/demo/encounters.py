"""The demo encounters: invented people, facilities and texts, kept as files under `charts/`.

`charts/manifest.json` names the facilities with their work groups and the encounters in order. Each
encounter's folder holds its documents, `encounter.json` (what a source would deliver) and `expected.json`
(what a certified coder is expected to decide). docs/demo-encounters.md describes the files.

Pure: no database. A delivery is what `coding_review.incoming` describes, so any importer can take it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

from coding_review.incoming import IncomingDocument, IncomingEncounter, IncomingIdentity, IncomingPatient

CHARTS = Path(__file__).parent / "charts"


@dataclass(frozen=True, slots=True)
class DemoWorkGroup:
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class DemoFacility:
    code: str
    name: str
    time_zone: str
    work_groups: tuple[DemoWorkGroup, ...]


@dataclass(frozen=True, slots=True)
class ExpectedEvidence:
    """`quote` stands verbatim in line `line` (counted from 1) of the document."""

    document_id: str
    line: int
    quote: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ExpectedCode:
    """`status`: expected; optional (coders differ, neither is wrong); query (a provider is asked first).

    `poa` is set on facility inpatient diagnoses only, `1` meaning exempt. `role` is empty on procedures.
    """

    system: str
    code: str
    role: str
    poa: str
    status: str
    evidence: tuple[ExpectedEvidence, ...]
    note: str = ""
    modifiers: tuple[str, ...] = ()
    units: int = 1
    service_date: date | None = None


@dataclass(frozen=True, slots=True)
class ExpectedCodeSet:
    claim_type: str
    codes: tuple[ExpectedCode, ...]


@dataclass(frozen=True, slots=True)
class ExpectedChange:
    """What late documents change in the code set of a claim type."""

    claim_type: str
    remove: tuple[str, ...]
    add: tuple[ExpectedCode, ...]


@dataclass(frozen=True, slots=True)
class Trap:
    """A code that the text invites and that must not be coded; `kind` says why not."""

    code: str
    kind: str
    evidence: ExpectedEvidence


@dataclass(frozen=True, slots=True)
class DemoEncounter:
    """`delivery` brings the encounter; `late_delivery` the documents that arrive after sign-off, if any."""

    id: str
    title: str
    shows: tuple[str, ...]
    delivery: IncomingEncounter
    late_delivery: IncomingEncounter | None
    expected: tuple[ExpectedCodeSet, ...]
    expected_changes: tuple[ExpectedChange, ...]
    traps: tuple[Trap, ...]
    note: str = ""

    @property
    def documents(self) -> tuple[IncomingDocument, ...]:
        """All documents, the late ones last."""
        return self.delivery.documents + (self.late_delivery.documents if self.late_delivery else ())


def demo_facilities() -> list[DemoFacility]:
    return [
        DemoFacility(
            code=facility["code"],
            name=facility["name"],
            time_zone=facility["time_zone"],
            work_groups=tuple(DemoWorkGroup(**group) for group in facility["work_groups"]),
        )
        for facility in _manifest()["facilities"]
    ]


def demo_encounters() -> list[DemoEncounter]:
    """All demo encounters in the order of the manifest. Texts are the files' bytes decoded as UTF-8."""
    manifest = _manifest()
    return [_encounter(CHARTS / folder, manifest["source"]) for folder in manifest["encounters"]]


def _manifest() -> dict[str, Any]:
    return _read(CHARTS / "manifest.json")


def _read(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_bytes())
    return data


def _encounter(folder: Path, source: str) -> DemoEncounter:
    about, expected = _read(folder / "encounter.json"), _read(folder / "expected.json")
    prompt = [row for row in about["documents"] if not row["arrives_after_signoff"]]
    late = [row for row in about["documents"] if row["arrives_after_signoff"]]
    return DemoEncounter(
        id=about["id"],
        title=about["title"],
        shows=tuple(about["shows"]),
        delivery=_delivery(folder, source, about, prompt),
        late_delivery=_delivery(folder, source, about, late) if late else None,
        expected=tuple(
            ExpectedCodeSet(claim_type=row["claim_type"], codes=tuple(map(_code, row["codes"])))
            for row in expected["code_sets"]
        ),
        expected_changes=tuple(
            ExpectedChange(
                claim_type=row["claim_type"],
                remove=tuple(row["remove"]),
                add=tuple(map(_code, row["add"])),
            )
            for row in expected["after_late_documents"]
        ),
        traps=tuple(Trap(row["code"], row["kind"], _evidence(row)) for row in expected["traps"]),
        note=expected["note"],
    )


def _delivery(
    folder: Path, source: str, about: Mapping[str, Any], documents: list[dict[str, Any]]
) -> IncomingEncounter:
    patient = about["patient"]
    born = date.fromisoformat(patient["date_of_birth"])
    admitted, discharged, served = (
        _date(about[name]) for name in ("admit_date", "discharge_date", "date_of_service")
    )
    age, age_unit = _age(born, admitted or served or born)
    return IncomingEncounter(
        source=source,
        source_id=about["id"],
        facility=about["facility"],
        work_group=about["work_group"],
        documents=tuple(_document(folder, row) for row in documents),
        setting=about["setting"],
        claim_types=tuple(about["claim_types"]),
        confidentiality=about["confidentiality"],
        patient=IncomingPatient(
            pseudonym=patient["pseudonym"],
            sex=patient["sex"],
            identity=IncomingIdentity(name=patient["name"], record_number=patient["mrn"], birth_date=born),
        ),
        account_number=about["account_number"],
        admit_date=admitted,
        discharge_date=discharged,
        date_of_service=served,
        age=age,
        age_unit=age_unit,
        sex=patient["sex"],
        specialty=about["specialty"],
        payer=about["payer"],
        priority=about["priority"],
        synthetic=True,
    )


def _document(folder: Path, row: Mapping[str, Any]) -> IncomingDocument:
    return IncomingDocument(
        source_id=row["document_id"],
        # Bytes, not read_text: universal newlines would quietly rewrite CRLF.
        text=(folder / row["file"]).read_bytes().decode("utf-8"),
        type=row["type"],
        author=row["author"],
        author_role=row["author_role"],
        authored_at=datetime.fromisoformat(row["authored_at"]),
        signed_at=datetime.fromisoformat(row["signed_at"]),
        status=row["status"],
    )


def _code(row: Mapping[str, Any]) -> ExpectedCode:
    return ExpectedCode(
        system=row["system"],
        code=row["code"],
        role=row["role"],
        poa=row["poa"],
        status=row["status"],
        evidence=tuple(map(_evidence, row["evidence"])),
        note=row.get("note", ""),
        modifiers=tuple(row.get("modifiers", ())),
        units=row.get("units", 1),
        service_date=_date(row.get("service_date")),
    )


def _evidence(row: Mapping[str, Any]) -> ExpectedEvidence:
    return ExpectedEvidence(document_id=row["document_id"], line=row["line"], quote=row["quote"])


def _date(value: str | None) -> date | None:
    return date.fromisoformat(value) if value else None


def _age(born: date, on: date) -> tuple[float, str]:
    """Whole years, or days in the first year of life."""
    years = on.year - born.year - ((on.month, on.day) < (born.month, born.day))
    return (years, "years") if years else ((on - born).days, "days")
