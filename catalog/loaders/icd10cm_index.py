"""Reads the ICD-10-CM Alphabetic Index, External Cause Index, Table of Drugs and Table of Neoplasms.

All four are published by CDC/NCHS as XML of one layout: letters, main terms, terms at levels 1 to 9. The tables
carry cells under column headings where the indexes carry a code. The same content as CSV is read too; its columns
are RowID, Letter (not in the Table of Neoplasms), Level (0 for a main term), Term, See, SeeAlso, NonEssModif, and
Code, or one column for each heading of the table. A cell of dashes means: no code.
"""

from __future__ import annotations

import csv
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from functools import partial

from catalog.choices import TableKind
from catalog.errors import LoadRefused, RowError
from catalog.loaders.delivery import Delivery, Stated
from catalog.loaders.fiscal_year import Dates, release_dates
from catalog.loaders.table_rows import IndexRow, Remark
from catalog.loaders.table_store import TableSource
from catalog.loaders.xml_stream import clean, line_of, stream

# Whole (E11.9), a category (F99), or with more characters to come (C64-, D05.-, H93.29-).
_CODE = re.compile(r"[A-Z][0-9][0-9A-Z](?:\.(?:[0-9A-Z]{1,4}-?|-)|-)?")
_DASHES = frozenset(("", "-", "--", "---", "–", "—"))
# Published names: icd-10-cm-drug-2025.xml, icd10cm_drug_2026.xml, icd10cm-index-April-1-2026.xml; and as CSV.
_NAMES = {
    TableKind.INDEX: r"(?!.*eindex|.*external).*index.*\.(xml|csv)",
    TableKind.EXTERNAL_CAUSES: r".*(eindex|external).*\.(xml|csv)",
    TableKind.DRUGS: r".*drug.*\.(xml|csv)",
    TableKind.NEOPLASMS: r".*neoplasm.*\.(xml|csv)",
}
_XML_ROOT = "<ICD10CM.index"
# How the CSV names what the XML's headings name.
_CSV_COLUMNS = {
    "PoisoningAccidental": "Poisoning Accidental (unintentional)",
    "PoisoningIntentionalSelfHarm": "Poisoning Intentional self-harm",
    "PoisoningAssault": "Poisoning Assault",
    "PoisoningUndetermined": "Poisoning Undetermined",
    "AdverseEffect": "Adverse effect",
    "Underdosing": "Underdosing",
    "MalignantPrimary": "Malignant Primary",
    "MalignantSecondary": "Malignant Secondary",
    "CaInSitu": "Ca in situ",
    "Benign": "Benign",
    "UncertainBehavior": "Uncertain Behavior",
    "UnspecifiedBehavior": "Unspecified Behavior",
}
# By the headings of its columns a table is told from another; the indexes have none.
_HEADINGS = re.compile(r"Poisoning ?Accidental|Malignant ?Primary")
_OF_HEADING = {"PoisoningAccidental": TableKind.DRUGS, "MalignantPrimary": TableKind.NEOPLASMS}
_TABLES = frozenset(_OF_HEADING.values())
_CSV_PLAIN = ("Level", "Term", "SeeAlso", "NonEssModif")

_Item = IndexRow | RowError | Remark


def recogniser(kind: TableKind) -> Callable[[Delivery], bool]:
    """Does the delivery hold exactly one file of that kind?"""
    return lambda delivery: len(candidates(kind, delivery)) == 1


def opener(kind: TableKind) -> Callable[[Delivery, Stated], TableSource]:
    return partial(_open, kind)


def candidates(kind: TableKind, delivery: Delivery) -> list[str]:
    """By name; a single file may have any name that its head does not speak against."""
    named = delivery.named(_NAMES[kind])
    if not named and len(delivery.names) == 1:
        named = delivery.names
    return [name for name in named if _XML_ROOT in (head := delivery.head(name)) or _is_csv(head)]


def _is_csv(head: str) -> bool:
    first = next(csv.reader(head.splitlines()), [])
    return set(_CSV_PLAIN) <= set(first)


def _open(kind: TableKind, delivery: Delivery, stated: Stated) -> TableSource:
    (name,) = candidates(kind, delivery)
    head = delivery.head(name)
    _refuse_another(kind, name, head)
    dates = edition_dates(name, head, stated)
    return TableSource(
        kind=kind,
        edition=dates.edition,
        valid_from=dates.valid_from,
        valid_to=dates.valid_to,
        source=name,
        fingerprint=delivery.fingerprint(name),
        read=partial(_read_xml if _XML_ROOT in head else _read_csv, delivery, name),
    )


def _refuse_another(kind: TableKind, name: str, head: str) -> None:
    """A table under the name of another would answer searches with the wrong columns."""
    found = _HEADINGS.search(head)
    holds = _OF_HEADING[found.group().replace(" ", "")] if found is not None else None
    if holds is not None and holds != kind:
        raise LoadRefused(name, f"the file holds the {holds.label}, not the {kind.label}")
    if holds is None and kind in _TABLES:
        raise LoadRefused(name, f"the file has none of the headings of the {kind.label}")


def edition_dates(name: str, head: str, stated: Stated) -> Dates:
    """From the file's name, else the year that it says in its beginning."""
    said = re.search(r"<version>\s*(\d{4})\s*</version>", head)
    return release_dates(name, stated, int(said.group(1)) if said else None)


def _read_xml(delivery: Delivery, name: str) -> Iterator[_Item]:
    columns: dict[str, str] = {}
    with delivery.open(name) as file:
        for element in stream(file, name, "head", "mainTerm"):
            if element.tag == "head":
                columns[element.get("col", "")] = clean("".join(element.itertext()))
            else:
                yield from _terms(element, 0, columns, name)


def _terms(element: ET.Element, depth: int, columns: dict[str, str], source: str) -> Iterator[_Item]:
    """A term and those below it; of a term found wrong those below are still read, for their own errors."""
    found = row_of(element, depth, columns)
    yield RowError(source, found, line_of(element)) if isinstance(found, str) else found
    for below in element.iterfind("term"):
        if below.get("level") != str(depth + 1):
            said = below.get("level")
            yield RowError(source, f"a term of level {said} stands at level {depth + 1}", line_of(below))
            continue
        yield from _terms(below, depth + 1, columns, source)


def row_of(element: ET.Element, depth: int, columns: dict[str, str]) -> IndexRow | str:
    """The row, or what is wrong with it."""
    title = element.find("title")
    if title is None:
        return "a term without a title"
    # The modifiers stand in the middle of a title: "Abuse (adult) (child) NEC".
    modifiers = [clean(part.text) for part in title if part.tag == "nemod"]
    term = re.sub(
        r" (?=[,;:])", "", clean(f"{title.text or ''} " + " ".join(part.tail or "" for part in title))
    )
    if not term and not modifiers:
        return "a term without words"
    cells = [(clean(cell.text), cell.get("col", "")) for cell in element.iterfind("cell")]
    cells = [(text, column) for text, column in cells if text not in _DASHES]
    see = clean(element.findtext("see"))
    for tag, word in (("seecat", "category"), ("subcat", "subcategory")):
        named = clean(element.findtext(tag))
        see = "; ".join(filter(None, (see, f"{word} {named}" if named else "")))
    printed = [text for text, _ in cells] or clean(element.findtext("code")).replace(",", " ").split()
    wrong = [text for text in printed if not _CODE.fullmatch(text)]
    if wrong:
        return f"{wrong[0]!r} is not written like a code"
    unknown = [column for _, column in cells if column not in columns]
    if unknown:
        return f"no heading for column {unknown[0]!r}"
    manifestation, remark = _manifestation(element)
    return IndexRow(
        depth=depth,
        term=term or " ".join(modifiers),
        nonessential=" ".join([*(modifiers if term else ()), *remark]),
        codes=(*printed, *manifestation),
        columns=tuple(columns[column] for _, column in cells),
        see=see,
        see_also=clean(element.findtext("seeAlso")),
    )


def _manifestation(element: ET.Element) -> tuple[list[str], list[str]]:
    """The manifestation's codes in brackets; where words stand in the element instead, the words."""
    printed = clean(element.findtext("manif"))
    codes = printed.strip("[]").replace(",", " ").split()
    if all(_CODE.fullmatch(code) for code in codes):
        return [f"[{code}]" for code in codes], []
    return [], [f"({printed})"]


def _read_csv(delivery: Delivery, name: str) -> Iterator[_Item]:
    with delivery.text(name) as file:
        reader = csv.DictReader(file)
        fields = list(reader.fieldnames or ())
        columns = {column: heading for column, heading in _CSV_COLUMNS.items() if column in fields}
        if not columns and "Code" not in fields:
            raise LoadRefused(name, "neither a column Code nor the columns of a table", 1)
        depth = -1
        for row in reader:
            found = _csv_row(row, columns, depth)
            if isinstance(found, str):
                yield RowError(name, found, reader.line_num)
            else:
                depth = found.depth
                yield found


def _csv_row(row: dict[str, str | None], columns: dict[str, str], above: int) -> IndexRow | str:
    level = clean(row["Level"])
    if not level.isdigit() or int(level) > above + 1:
        return f"level {level!r} does not follow level {above}" if above >= 0 else "the first level is not 0"
    term = clean(row["Term"])
    modifiers = clean(row["NonEssModif"])
    if not term and not modifiers:
        return "a term without words"
    cells = [(clean(row[column]), heading) for column, heading in columns.items()]
    cells = [(text, heading) for text, heading in cells if text not in _DASHES]
    printed = [text for text, _ in cells] or clean(row.get("Code")).replace(",", " ").split()
    wrong = [text for text in printed if not _CODE.fullmatch(text)]
    if wrong:
        return f"{wrong[0]!r} is not written like a code"
    return IndexRow(
        depth=int(level),
        term=term or modifiers,
        nonessential=modifiers if term else "",
        codes=tuple(printed),
        columns=tuple(heading for _, heading in cells),
        see=clean(row.get("See")),
        see_also=clean(row["SeeAlso"]),
    )
