"""A release of ICD-10-CM from the files as CDC/NCHS and CMS publish them: in a folder, an archive or alone.

The tabular list (XML) is read with a list of codes beside it: the order file where it is there, else the list of
billable codes. The order file alone makes a release without chapters, blocks, notes and 7th-character definitions.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from catalog.choices import CodeSystem
from catalog.errors import LoadRefused, RowError
from catalog.loaders.delivery import Delivery, Stated
from catalog.loaders.fiscal_year import release_dates
from catalog.loaders.icd10cm_addenda import holds_addenda, is_note_addenda
from catalog.loaders.icd10cm_codes import ORDER_LINE, read_code_list, read_order_file
from catalog.loaders.icd10cm_tabular import read_tabular
from catalog.loaders.rows import NodeRow, Source

_ORDER = r"(?!.*addenda).*order.*\.txt"
_CODES = r"(?!.*addenda)(?!.*order).*codes?[-_ ].*\.txt"
# About the size of an edition, for the progress bar.
_SIZE = 98_500


def holds_tabular(delivery: Delivery) -> bool:
    """An addenda of the tabular list goes with the order addenda, where that is there."""
    names = _tabular_names(delivery)
    if all(is_note_addenda(delivery.head(name)) for name in names) and holds_addenda(delivery):
        return False
    return bool(names)


def holds_order_file(delivery: Delivery) -> bool:
    return bool(_order_names(delivery))


def open_tabular(delivery: Delivery, stated: Stated) -> Source:
    """Raises LoadRefused where no list of codes stands beside the tabular list."""
    tabular = _one(_tabular_names(delivery), "tabular list")
    if is_note_addenda(delivery.head(tabular)):
        said = "an addenda, not a whole tabular list: it is loaded with the order addenda beside it"
        raise LoadRefused(tabular, said)
    lists = _order_names(delivery) or delivery.named(_CODES)
    if not lists:
        raise LoadRefused(
            tabular, "no list of codes beside it: bring icd10cm_order_YYYY.txt in the same folder or archive"
        )
    codes = _one(lists, "list of codes")
    dates = release_dates(tabular, stated)
    return Source(
        system=CodeSystem.ICD10CM,
        edition=dates.edition,
        valid_from=dates.valid_from,
        valid_to=dates.valid_to,
        name=f"{tabular} with {codes}",
        fingerprint=delivery.fingerprint(tabular, codes),
        read=partial(_read_tabular, delivery, tabular, codes),
        size=_SIZE,
    )


def open_order_file(delivery: Delivery, stated: Stated) -> Source:
    order = _one(_order_names(delivery), "order file")
    dates = release_dates(order, stated)
    return Source(
        system=CodeSystem.ICD10CM,
        edition=dates.edition,
        valid_from=dates.valid_from,
        valid_to=dates.valid_to,
        name=f"{order}, without the tabular list",
        fingerprint=delivery.fingerprint(order),
        read=partial(_read_order, delivery, order),
        size=_SIZE,
    )


def _tabular_names(delivery: Delivery) -> list[str]:
    named = delivery.named(r".*\.xml")
    return [name for name in named if "<ICD10CM.tabular" in delivery.head(name)]


def _order_names(delivery: Delivery) -> list[str]:
    named = delivery.named(_ORDER) or (delivery.names if len(delivery.names) == 1 else [])
    return [name for name in named if ORDER_LINE.fullmatch(delivery.head(name).split("\n", 1)[0].rstrip())]


def _one(names: list[str], what: str) -> str:
    if len(names) > 1:
        raise LoadRefused(names[0], f"more than one {what}: {', '.join(names)}")
    return names[0]


def _read_tabular(delivery: Delivery, tabular: str, codes: str) -> Iterator[NodeRow | RowError]:
    listed = read_code_list(delivery.read(codes), codes)
    with delivery.open(tabular) as xml:
        yield from read_tabular(xml, listed, tabular)


def _read_order(delivery: Delivery, order: str) -> Iterator[NodeRow | RowError]:
    yield from read_order_file(delivery.read(order), order)
