"""Pages by cursor: as fast at the end of 100,000 rows as at the start, and steady while rows come in."""

from __future__ import annotations

from rest_framework.exceptions import NotFound
from rest_framework.pagination import Cursor, CursorPagination
from rest_framework.request import Request


class NumberedPages(CursorPagination):
    """Ordered by one whole number; `limit` rows a page."""

    page_size_query_param = "limit"

    def decode_cursor(self, request: Request) -> Cursor | None:
        cursor: Cursor | None = super().decode_cursor(request)
        if cursor is not None and cursor.position is not None:
            position = str(cursor.position)
            # DRF takes any text here; the database would not.
            if not (position.isascii() and position.isdecimal() and len(position) < 19):
                raise NotFound(self.invalid_cursor_message)
        return cursor


class NewestFirst(NumberedPages):
    page_size = 50
    max_page_size = 200
    ordering = "-pk"


class ByNumber(NumberedPages):
    """Decisions in the order they were made."""

    page_size = 100
    max_page_size = 500
    ordering = "number"


class ByPosition(NumberedPages):
    """Charts of an evaluation in the order of its gold set."""

    page_size = 100
    max_page_size = 500
    ordering = "position"
