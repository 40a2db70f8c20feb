"""Reads published XML as a stream, a finished element at a time, each knowing the line it begins on.

Files come from outside: a document type definition is refused, and with it every entity but the five of XML
itself, so no file can expand in memory or name another.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import IO, cast
from xml.parsers import expat

from catalog.errors import LoadRefused

_CHUNK = 1 << 16


class Element(ET.Element):
    """An element of the file; `line` counts from 1."""

    line: int = 0


def stream(file: IO[bytes], source: str, *tags: str) -> Iterator[Element]:
    """Elements of these tags as they end; each is emptied after the caller has seen it.

    Raises LoadRefused, with the line, for XML that does not parse and for a DTD.
    """
    reading = _Reading(source, tags)
    try:
        while chunk := file.read(_CHUNK):
            reading.parser.Parse(chunk, False)
            yield from reading.taken()
        reading.parser.Parse(b"", True)
        yield from reading.taken()
    except expat.ExpatError as error:
        raise LoadRefused(source, "the XML is damaged", error.lineno) from error


class _Reading:
    def __init__(self, source: str, tags: tuple[str, ...]) -> None:
        self.source = source
        self.tags = tags
        self.finished: list[Element] = []
        self.builder = ET.TreeBuilder(element_factory=Element)
        self.parser = expat.ParserCreate()
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self.builder.data
        self.parser.StartDoctypeDeclHandler = self._doctype

    def taken(self) -> Iterator[Element]:
        finished, self.finished = self.finished, []
        for element in finished:
            yield element
            element.clear()

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        element = cast(Element, self.builder.start(tag, attributes))
        element.line = self.parser.CurrentLineNumber

    def _end(self, tag: str) -> None:
        element = cast(Element, self.builder.end(tag))
        if tag in self.tags:
            self.finished.append(element)

    def _doctype(self, *declared: object) -> None:
        raise LoadRefused(
            self.source, "a document type definition is not read", self.parser.CurrentLineNumber
        )


def line_of(element: ET.Element) -> int | None:
    """The element's line where it came from `stream`."""
    return element.line if isinstance(element, Element) else None


def clean(text: str | None) -> str:
    """One space for each run of white space, none at the ends."""
    return " ".join((text or "").split())
