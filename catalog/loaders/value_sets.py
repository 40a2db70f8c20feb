"""Reads value sets and the POA exempt list: CSV or tab-separated text, or a FHIR ValueSet as JSON.

A table has a heading that names its columns: `code`, and optionally `system` (icd10cm unless said) and
`display` or `description`. CMS's POA exempt list has a running number before the code and no such heading; it
is read as well. Of a FHIR ValueSet the expansion is read, else the listed concepts of its composition; a filter
is not worked out, so such a set must come expanded.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import partial
from typing import Any

from catalog.choices import CodeSystem, TableKind
from catalog.errors import LoadRefused, RowError
from catalog.loaders.delivery import Delivery, Stated, first_day
from catalog.loaders.fiscal_year import release_dates
from catalog.loaders.icd10cm_codes import dotted
from catalog.loaders.published_rows import Cells, published_rows
from catalog.loaders.table_rows import MemberRow, Remark, TableRow
from catalog.loaders.table_store import TableSource

_FHIR_SYSTEMS = {
    "http://hl7.org/fhir/sid/icd-10-cm": CodeSystem.ICD10CM,
    "urn:oid:2.16.840.1.113883.6.90": CodeSystem.ICD10CM,
    "http://www.cms.gov/Medicare/Coding/ICD10": CodeSystem.ICD10PCS,
    "urn:oid:2.16.840.1.113883.6.4": CodeSystem.ICD10PCS,
    "http://www.ama-assn.org/go/cpt": CodeSystem.CPT,
    "urn:oid:2.16.840.1.113883.6.12": CodeSystem.CPT,
    "http://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets": CodeSystem.HCPCS,
    "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets": CodeSystem.HCPCS,
    "urn:oid:2.16.840.1.113883.6.285": CodeSystem.HCPCS,
}
_NUMBERED = re.compile(r"\d+")
_DIAGNOSIS = re.compile(r"[A-TV-Z]\d[0-9A-Z]\.?[0-9A-Z]{0,4}|U\d[0-9A-Z]\.?[0-9A-Z]{0,4}")
_SHAPES = {
    CodeSystem.ICD10CM: _DIAGNOSIS,
    CodeSystem.ICD10PCS: re.compile(r"[0-9A-HJ-NP-Z]{7}"),
    CodeSystem.CPT: re.compile(r"\d{4}[0-9FTUM]"),
    CodeSystem.HCPCS: re.compile(r"[A-V]\d{4}"),
}
_DISPLAY = ("display", "description", "title")

Read = Iterator[TableRow | RowError | Remark]


def is_fhir(delivery: Delivery) -> bool:
    return len(delivery.names) == 1 and '"ValueSet"' in delivery.head(delivery.names[0])


def is_table(delivery: Delivery) -> bool:
    return len(delivery.names) == 1 and delivery.names[0].lower().endswith((".csv", ".tsv", ".txt"))


def open_poa_exempt(delivery: Delivery, stated: Stated) -> TableSource:
    """A list of one fiscal year, told by its name or by the operator."""
    name = delivery.names[0]
    dates = release_dates(name.rsplit("/", 1)[-1], stated)
    return TableSource(
        kind=TableKind.POA_EXEMPT,
        edition=dates.edition,
        valid_from=dates.valid_from,
        valid_to=dates.valid_to,
        source=name.rsplit("/", 1)[-1],
        fingerprint=delivery.fingerprint(name),
        read=partial(_read_table, delivery, name),
    )


def open_table(delivery: Delivery, stated: Stated) -> TableSource:
    """A value set; its name is stated, or that of the file without its ending."""
    name = delivery.names[0]
    begins = first_day(stated, name)
    return TableSource(
        kind=TableKind.VALUE_SET,
        name=stated.name or name.rsplit("/", 1)[-1].rsplit(".", 1)[0],
        edition=stated.edition or f"from {begins}",
        valid_from=begins,
        valid_to=stated.valid_to,
        source=name.rsplit("/", 1)[-1],
        fingerprint=delivery.fingerprint(name),
        read=partial(_read_table, delivery, name),
    )


def open_fhir(delivery: Delivery, stated: Stated) -> TableSource:
    """As open_table; name, version and first day (its date) are the resource's own where nothing is stated."""
    name = delivery.names[0]
    resource = _resource(delivery, name)
    period = resource.get("effectivePeriod") or {}
    said = _day(period.get("start") or resource.get("date"))
    begins = stated.valid_from or said or first_day(stated, name)
    return TableSource(
        kind=TableKind.VALUE_SET,
        name=stated.name or str(resource.get("name") or resource.get("id") or "value set")[:80],
        edition=stated.edition or str(resource.get("version") or f"from {begins}"),
        valid_from=begins,
        valid_to=stated.valid_to or _day(period.get("end")),
        source=name.rsplit("/", 1)[-1],
        fingerprint=delivery.fingerprint(name),
        read=partial(_read_fhir, resource, name),
    )


def _read_table(delivery: Delivery, name: str) -> Read:
    heading: list[str] = []
    for line, cells in published_rows(delivery, name, _begins):
        if not heading:
            heading = [cell.lower() for cell in cells]
            if "code" in heading:
                continue
            # No heading: a running number or not, the code, its description.
            numbered = _NUMBERED.fullmatch(cells[0]) is not None
            heading = [*(["number"] if numbered else []), "code", "description"]
        row = dict(zip(heading, cells, strict=False))
        display = next((row[column] for column in _DISPLAY if row.get(column)), "")
        yield _member(name, line, row.get("system") or CodeSystem.ICD10CM, row.get("code", ""), display)


def _begins(cells: Cells) -> bool:
    if "code" in (cell.lower() for cell in cells):
        return True
    return any(_DIAGNOSIS.fullmatch(cell.upper()) for cell in cells[:2])


def _member(name: str, line: int | None, system: str, code: str, display: str) -> MemberRow | RowError:
    if system not in CodeSystem.values:
        return RowError(name, f"{system!r} is not a code system of this product", line)
    known = CodeSystem(system)
    code = code.upper()
    if _SHAPES[known].fullmatch(code) is None:
        return RowError(name, f"{code!r} is no code of {known.label}", line)
    return MemberRow(known, dotted(code.replace(".", "")) if known == CodeSystem.ICD10CM else code, display)


def _resource(delivery: Delivery, name: str) -> dict[str, Any]:
    try:
        found = json.loads(delivery.read(name))
    except ValueError as error:
        raise LoadRefused(name, "the JSON is damaged") from error
    if not isinstance(found, dict) or found.get("resourceType") != "ValueSet":
        raise LoadRefused(name, "the file is no FHIR ValueSet")
    return found


def _read_fhir(resource: dict[str, Any], name: str) -> Read:
    left_out: Counter[str] = Counter()
    seen: set[tuple[str, str]] = set()
    for uri, code, display in _concepts(resource, name):
        system = _FHIR_SYSTEMS.get(uri)
        if system is None:
            left_out[uri] += 1
        elif (system, code) not in seen:
            seen.add((system, code))
            yield _member(name, None, system, code, display)
    for uri, count in sorted(left_out.items()):
        yield Remark(f"{count} codes of {uri} are left out: no code system of this product.")


def _concepts(resource: dict[str, Any], name: str) -> Iterator[tuple[str, str, str]]:
    expansion = (resource.get("expansion") or {}).get("contains")
    if expansion:
        yield from _contained(expansion)
        return
    for part in (resource.get("compose") or {}).get("include") or ():
        if part.get("filter") or part.get("valueSet"):
            raise LoadRefused(name, "the set is described by a filter or another set; bring its expansion")
        for concept in part.get("concept") or ():
            yield str(part.get("system", "")), str(concept.get("code", "")), str(concept.get("display", ""))


def _contained(parts: list[dict[str, Any]]) -> Iterator[tuple[str, str, str]]:
    for part in parts:
        if part.get("code") and not part.get("abstract"):
            yield str(part.get("system", "")), str(part["code"]), str(part.get("display", ""))
        yield from _contained(part.get("contains") or [])


def _day(written: Any) -> dt.date | None:
    """The day of a FHIR date or time; None of anything less exact than a day."""
    try:
        return dt.date.fromisoformat(str(written or "")[:10])
    except ValueError:
        return None
