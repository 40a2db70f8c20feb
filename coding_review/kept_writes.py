"""The rows that every decision writes, with their SQL made once in the process and planned once a connection.

As kept_reads.py for reads: the ORM takes longer over one small row than PostgreSQL. For models of one table that have
no save() of their own and that no signal waits for; others are refused.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

from django.db import DatabaseError, connection, models
from django.db.models.signals import post_save, pre_save

from coding_review.kept_reads import as_sent, prepared_cursor

M = TypeVar("M", bound=models.Model)
_Field: TypeAlias = "models.Field[Any, Any]"


class _KeptWrite(ABC, Generic[M]):
    """What both have in common: the columns and the values of a row that go into them."""

    def __init__(self, model: type[M], wanted: Callable[[_Field], bool]) -> None:
        if model._meta.parents or model.save is not models.Model.save:
            raise TypeError(f"{model.__name__} is not saved by one plain statement")
        self._model = model
        self._fields: Sequence[_Field] = [f for f in model._meta.concrete_fields if wanted(f)]
        self._known = ""

    def _statement(self) -> str:
        if not self._known:
            if pre_save.has_listeners(self._model) or post_save.has_listeners(self._model):
                raise TypeError(f"a signal waits for each {self._model.__name__} that is saved")
            self._known = self._made()
        return self._known

    @abstractmethod
    def _made(self) -> str:
        """The SQL, with one placeholder for each field."""

    def _placeholder(self, field: _Field) -> str:
        # An array says of which type it is; no field here depends on the value for it.
        written = getattr(field, "get_placeholder", None)
        return "%s" if written is None else str(written(None, None, connection))

    def _values(self, row: M, *, add: bool) -> list[Any]:
        values = []
        for field in self._fields:
            value = field.get_db_prep_save(field.pre_save(row, add), connection=connection)
            if hasattr(value, "as_sql"):
                raise TypeError(f"{field.name} is an expression: save() writes it")
            values.append(as_sent(value))
        return values


class KeptInsert(_KeptWrite[M]):
    """Adds rows whose key the database gives."""

    def __init__(self, model: type[M]) -> None:
        super().__init__(model, lambda field: not field.primary_key)

    def _made(self) -> str:
        quote, meta = connection.ops.quote_name, self._model._meta
        columns = ", ".join(quote(str(field.column)) for field in self._fields)
        places = ", ".join(self._placeholder(field) for field in self._fields)
        key = quote(str(meta.pk.column))
        return f"INSERT INTO {quote(meta.db_table)} ({columns}) VALUES ({places}) RETURNING {key}"  # noqa: S608 -- the model's own columns

    def add(self, row: M) -> M:
        """The row with its key, as save(force_insert=True) leaves it."""
        with prepared_cursor() as cursor:
            cursor.execute(self._statement(), self._values(row, add=True))
            ((row.pk,),) = cursor.fetchall()
        row._state.adding, row._state.db = False, connection.alias
        return row


class KeptUpdate(_KeptWrite[M]):
    """Writes these fields of rows that are there; all of them where none is named."""

    def __init__(self, model: type[M], *names: str) -> None:
        super().__init__(model, lambda field: field.name in names if names else not field.primary_key)
        if names and (len(self._fields) != len(names) or model._meta.pk in self._fields):
            raise TypeError(
                f"{', '.join(names)}: not all of them are fields of {model.__name__} to be written"
            )

    def _made(self) -> str:
        quote, meta = connection.ops.quote_name, self._model._meta
        pairs = ", ".join(f"{quote(str(f.column))} = {self._placeholder(f)}" for f in self._fields)
        return f"UPDATE {quote(meta.db_table)} SET {pairs} WHERE {quote(str(meta.pk.column))} = %s"  # noqa: S608 -- as above

    def save(self, row: M) -> None:
        """As save(force_update=True). Raises DatabaseError where the row is gone."""
        with prepared_cursor() as cursor:
            cursor.execute(self._statement(), [*self._values(row, add=False), as_sent(row.pk)])
            if cursor.rowcount != 1:
                raise DatabaseError(f"no {self._model.__name__} has this key any more")
