"""Which sources a code system can be loaded from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from catalog.choices import CodeSystem
from catalog.errors import NoLoader, UnknownSystem
from catalog.loaders import cpt, hcpcs, icd10pcs, simple_icd10cm
from catalog.loaders.rows import Source

BUILT_IN: dict[str, Callable[[], Source]] = {
    CodeSystem.ICD10CM: simple_icd10cm.open_source,
    # Forty codes to try the product with; never for billing.
    CodeSystem.CPT: cpt.open_sample,
}
# Loaders of published files, by system: each takes the path given and opens a source.
FROM_PATH: dict[str, Callable[[Path], Source]] = {
    CodeSystem.ICD10PCS: icd10pcs.open_source,
    CodeSystem.CPT: cpt.open_source,
    CodeSystem.HCPCS: hcpcs.open_source,
}


def open_source(system: str, path: Path | None = None) -> Source:
    """The built-in source, or the one at `path`. Raises UnknownSystem, NoLoader, LoadRefused."""
    if system not in CodeSystem.values:
        raise UnknownSystem(system)
    if path is None:
        if system not in BUILT_IN:
            raise NoLoader(system, None)
        return BUILT_IN[system]()
    if system not in FROM_PATH:
        raise NoLoader(system, path.name)
    return FROM_PATH[system](path)
