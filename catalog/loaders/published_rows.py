"""Rows of a tab- or comma-separated table below its printed heading, with the line each stands on.

CMS prints notices and a heading of several lines above a table, and Excel exports them along with it. What is
passed over is what comes before the first row that looks like one; below it every row must be one.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from itertools import chain, islice

from catalog.errors import LoadRefused
from catalog.loaders.delivery import Delivery

# So many lines of heading at most; a file that has none of its rows by then is another kind of file.
_HEADING = 60

Cells = list[str]


def published_rows(
    delivery: Delivery, name: str, is_row: Callable[[Cells], bool], encoding: str = "utf-8-sig"
) -> Iterator[tuple[int, Cells]]:
    """(line, cells without outer spaces) from the first row on; empty lines are left out. Raises LoadRefused
    where no row is found below a heading, or the text cannot be decoded."""
    with delivery.text(name, encoding) as stream:
        heading = list(islice(stream, _HEADING))
        tabs = sum(line.count("\t") for line in heading) > sum(line.count(",") for line in heading)
        reader = csv.reader(chain(heading, stream), delimiter="\t" if tabs else ",")
        begun = False
        for row in reader:
            cells = [" ".join(cell.split()) for cell in row]
            if not any(cells):
                continue
            begun = begun or is_row(cells)
            if begun:
                yield reader.line_num, cells
            elif reader.line_num > _HEADING:
                break
        if not begun:
            raise LoadRefused(name, "no row of this table below its heading")
