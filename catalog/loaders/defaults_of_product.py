"""Tables that come with the product: value sets compiled here, and modifiers in words of this project.

They are of origin "default": a place to begin, which an operator replaces by licensed ones. docs/value-sets.md
says how each was chosen. The value sets are written as beginnings of codes and become the complete codes of the
newest loaded ICD-10-CM release, so they follow it.
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
from collections.abc import Iterable, Iterator
from functools import partial
from importlib.resources import files

from catalog.choices import CodeSystem, Origin, TableKind
from catalog.errors import LoadRefused, NoRelease, RowError
from catalog.keys import code_key
from catalog.loaders.delivery import Delivery, Stated
from catalog.loaders.hcpcs import Quarter, records
from catalog.loaders.table_rows import MemberRow, ModifierRow, Remark, TableRow
from catalog.loaders.table_store import TableSource
from catalog.models import Code, Release
from catalog.queries import release_today_or_latest

SDOH, FRAILTY, ADVANCED_ILLNESS = "sdoh", "frailty", "advanced_illness"
# Social determinants of health, as the Official Guidelines (I.B.14, I.C.21.c.17) delimit them; there is no Z61.
_SDOH = tuple(f"Z{number}" for number in range(55, 66) if number != 61)
# From when the modifiers hold: before every release that this product could load.
_MODIFIERS_SINCE = dt.date(2020, 1, 1)

Read = Iterator[TableRow | RowError | Remark]


def open_sdoh() -> TableSource:
    """Z55 to Z65 of the tabular list."""
    return _of_release(SDOH, _SDOH, "Z55-Z65 of the tabular list")


def open_frailty() -> TableSource:
    return _of_release(FRAILTY, _begins("frailty.csv"), "default list of this product")


def open_advanced_illness() -> TableSource:
    return _of_release(ADVANCED_ILLNESS, _begins("advanced_illness.csv"), "default list of this product")


def open_modifiers() -> TableSource:
    """CPT's modifiers and the common ones of HCPCS, with titles of this project and the NCCI-associated marked."""
    text = _file("modifiers.csv")
    return TableSource(
        kind=TableKind.MODIFIERS,
        edition="default titles",
        valid_from=_MODIFIERS_SINCE,
        valid_to=None,
        source="the product's own titles",
        fingerprint=hashlib.sha256(text.encode()).hexdigest(),
        read=partial(_read_modifiers, text),
        origin=Origin.DEFAULT,
    )


def holds_hcpcs_modifiers(delivery: Delivery) -> bool:
    return bool(delivery.named(r"HCPC20\d\d_.*\.txt"))


def open_hcpcs_modifiers(delivery: Delivery, stated: Stated) -> TableSource:
    """The modifiers among the records of the quarterly HCPCS file; the edition's name is "hcpcs"."""
    name = delivery.named(r"HCPC20\d\d_.*\.txt")[0]
    quarter = Quarter.of(name.rsplit("/", 1)[-1])
    return TableSource(
        kind=TableKind.MODIFIERS,
        name=stated.name or "hcpcs",
        edition=stated.edition or quarter.name,
        valid_from=stated.valid_from or quarter.valid_from,
        valid_to=stated.valid_to or quarter.valid_to,
        source=name.rsplit("/", 1)[-1],
        fingerprint=delivery.fingerprint(name),
        read=partial(_read_hcpcs_modifiers, delivery, name),
    )


def _file(name: str) -> str:
    return files(__package__).joinpath("defaults", name).read_text(encoding="utf-8")


def _begins(name: str) -> tuple[str, ...]:
    return tuple(row["begins"] for row in csv.DictReader(io.StringIO(_file(name))))


def _of_release(name: str, begins: tuple[str, ...], source: str) -> TableSource:
    try:
        release = release_today_or_latest(CodeSystem.ICD10CM)
    except NoRelease as error:
        raise LoadRefused(source, "load an ICD-10-CM release first: the set is made of its codes") from error
    digest = hashlib.sha256(" ".join((name, release.source_hash, *begins)).encode())
    return TableSource(
        kind=TableKind.VALUE_SET,
        name=name,
        edition=f"default for {release.edition}",
        valid_from=release.valid_from,
        valid_to=release.valid_to,
        source=source,
        fingerprint=digest.hexdigest(),
        # Asked before the table is written: the connection then is busy with the copy.
        read=partial(iter, list(_read_release(release, begins))),
        origin=Origin.DEFAULT,
    )


def _read_release(release: Release, begins: Iterable[str]) -> Read:
    seen: set[str] = set()
    for beginning in begins:
        found = Code.objects.of(release).billable().filter(key__startswith=code_key(beginning))
        rows = list(found.order_by("position").values_list("code", "title"))
        if not rows:
            yield Remark(f"No code of {release} begins with {beginning}.")
        for code, title in rows:
            if code not in seen:
                seen.add(code)
                yield MemberRow(CodeSystem.ICD10CM, code, title)


def _read_modifiers(text: str) -> Read:
    for row in csv.DictReader(io.StringIO(text)):
        yield ModifierRow(row["code"], row["title"], row["ncci"] == "yes")


def _read_hcpcs_modifiers(delivery: Delivery, name: str) -> Read:
    associated = {
        row.code
        for row in _read_modifiers(_file("modifiers.csv"))
        if isinstance(row, ModifierRow) and row.ncci
    }
    for record in records(delivery.read(name), name):
        if record.modifier:
            yield ModifierRow(record.code, record.title, record.code in associated)
