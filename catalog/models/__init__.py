"""The catalog's tables: codes.py what a code system publishes, tables.py what is published about codes."""

from catalog.models.codes import Code, Note, Release, SeventhCharacter
from catalog.models.tables import (
    HccEntry,
    IndexEntry,
    MceEntry,
    Modifier,
    MueEntry,
    NcciPair,
    TableEdition,
    TermVector,
    ValueSetEntry,
    VectorSet,
)

__all__ = [
    "Code",
    "HccEntry",
    "IndexEntry",
    "MceEntry",
    "Modifier",
    "MueEntry",
    "NcciPair",
    "Note",
    "Release",
    "SeventhCharacter",
    "TableEdition",
    "TermVector",
    "ValueSetEntry",
    "VectorSet",
]
