"""Small reads that every decision makes, with their SQL made once in the process and planned once a connection.

For a handful of rows the ORM takes several times as long to write the SQL as PostgreSQL to answer it, and PostgreSQL
longer to plan it than to run it. What is read is said as a queryset all the same; only the values in it change.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar
from uuid import UUID

import psycopg
from django.db import connection, models, transaction
from django.db.models import query as django_query
from psycopg.types.numeric import Int8

M = TypeVar("M", bound=models.Model)
# Of the Django that is installed; the stubs speak of a later one.
_related_populators: Callable[..., list[Any]] = vars(django_query)["get_related_populators"]

# Stand for the values while the SQL is made: numbers that every column takes and words, that stand in no query.
_FIRST_NUMBER = 2_000_000_011
_STAND_INS: dict[type, Callable[[int], Any]] = {
    int: lambda place: _FIRST_NUMBER + place,
    UUID: lambda place: UUID(int=_FIRST_NUMBER + place),
    str: lambda place: f"STANDSFORVALUE{place}",
}
_Converters = list[tuple[int, list[Callable[..., Any]], Any]]


class _Made:
    """The SQL of one queryset, and how its rows are read."""

    def __init__(self, queryset: models.QuerySet[Any, Any], stand_ins: Sequence[Any]) -> None:
        query = queryset.query
        compiler: Any = query.get_compiler(connection=connection)
        self.sql, parameters = compiler.as_sql()
        # For each parameter which of the values goes there, or None and what stands there always.
        self.values = [
            (stand_ins.index(each), None) if each in stand_ins else (None, each) for each in parameters
        ]
        if {place for place, _ in self.values if place is not None} != set(range(len(stand_ins))):
            raise ValueError(f"not every value stands in the SQL as it was given: {self.sql}")
        self.locks = bool(query.select_for_update)
        self.select, self.klass = compiler.select, compiler.klass_info
        converters = compiler.get_converters([column for column, *_ in compiler.select])
        self.converters: _Converters = [
            (place, functions, expression) for place, (functions, expression) in converters.items()
        ]


class KeptValues:
    """Tuples. `build` is handed a value of each type in `takes` and gives a queryset of values_list."""

    def __init__(self, build: Callable[..., models.QuerySet[Any, Any]], *takes: type) -> None:
        self._build, self._takes = build, takes
        self._known: _Made | None = None

    def rows(self, *values: Any) -> list[tuple[Any, ...]]:
        return self._rows(self._made(), values)

    def _made(self) -> _Made:
        # Two threads that come first make the same twice.
        if self._known is None:
            stand_ins = [_STAND_INS[kind](place) for place, kind in enumerate(self._takes)]
            self._known = _Made(self._build(*stand_ins), stand_ins)
        return self._known

    def _rows(self, made: _Made, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        if len(values) != len(self._takes):
            raise TypeError(f"this read takes {len(self._takes)} values")
        if made.locks and not connection.in_atomic_block:
            raise transaction.TransactionManagementError("rows are locked inside a transaction only")
        with prepared_cursor() as cursor:
            cursor.execute(
                made.sql, [as_sent(held if place is None else values[place]) for place, held in made.values]
            )
            rows = cursor.fetchall()
        return [_converted(row, made.converters) for row in rows] if made.converters else rows


class KeptModels(KeptValues, Generic[M]):
    """Instances, with what the queryset selects beside them. Prefetching is the caller's."""

    def instances(self, *values: Any) -> list[M]:
        made = self._made()
        places = made.klass["select_fields"]
        start, end = places[0], places[-1] + 1
        names = [column.target.attname for column, *_ in made.select[start:end]]
        related = _related_populators(made.klass, made.select, connection.alias)
        found: list[M] = []
        for row in self._rows(made, values):
            one = made.klass["model"].from_db(connection.alias, names, row[start:end])
            for populator in related:
                populator.populate(row, one)
            found.append(one)
        return found

    def first(self, *values: Any) -> M | None:
        return next(iter(self.instances(*values)), None)

    def prefetch(self, row: models.Model, name: str, *values: Any) -> list[M]:
        """As prefetch_related_objects for one row and its related rows of that name, anew if they were fetched."""
        found = self.instances(*values)
        fetched: dict[str, Any] = row.__dict__.setdefault("_prefetched_objects_cache", {})
        fetched.pop(name, None)
        related = getattr(row, name)
        rows = related.all()
        rows._result_cache, rows._prefetch_done = found, True
        for one in found:
            setattr(one, related.field.name, row)
        fetched[name] = rows
        return found


def prepared_cursor() -> Any:
    """A cursor of the connection in use whose statements PostgreSQL keeps planned, unless DATABASE_PREPARE is off.

    Django's own cursors write the values into the SQL, which makes each statement a new one.
    """
    if connection.queries_logged:
        # They are logged with their values in them, as all others are.
        return connection.cursor()
    connection.ensure_connection()
    cursor: Any = psycopg.Cursor(connection.connection)
    return connection.make_cursor(cursor)


def as_sent(value: Any) -> Any:
    """Numbers as bigint whatever their size: PostgreSQL keeps a statement for each of the types it is sent."""
    return Int8(value) if type(value) is int else value


def _converted(row: Sequence[Any], converters: _Converters) -> tuple[Any, ...]:
    changed = list(row)
    for place, functions, expression in converters:
        for function in functions:
            changed[place] = function(changed[place], expression, connection)
    return tuple(changed)
