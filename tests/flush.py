"""Emptying the database after tests that really commit (transactional_db, live_server).

Django's own flush fails here: the append-only tables refuse TRUNCATE to everyone, and the product has no
switch for tests. The table owner may disable triggers, which is what a test database is emptied with; the
same power is why verify_audit_log exists (docs/audit.md).
"""

from __future__ import annotations

from typing import Any

from django.db import OperationalError, connections, transaction
from django.test import TransactionTestCase
from psycopg.errors import DeadlockDetected

# Loaded once for a whole test run, or written by migrate: they outlive a single test.
KEPT = frozenset({"django_migrations", "django_content_type", "auth_permission"})
KEPT_PREFIX = "catalog_"
_TRIES = 5
# So many rows of a table are truncated, fewer deleted.
MANY = 100


def tables_to_empty(alias: str = "default") -> list[str]:
    """Every table but the loaded catalog and what migrate itself filled."""
    names = connections[alias].introspection.table_names()
    return sorted(name for name in names if name not in KEPT and not name.startswith(KEPT_PREFIX))


def empty_database(alias: str = "default") -> None:
    """Remove all rows but the kept ones, as the owner of the tables, in one transaction."""
    connection = connections[alias]
    quote = connection.ops.quote_name
    tables = tables_to_empty(alias)
    quoted = {name: quote(name) for name in tables}
    with transaction.atomic(using=alias), connection.cursor() as cursor:
        # What still ends beside it ends first, and nothing comes after it.
        cursor.execute(f"LOCK TABLE {', '.join(quoted.values())} IN ACCESS EXCLUSIVE MODE")
        looks = (
            f"SELECT %s, count(*) FROM (SELECT FROM {quoted[name]} LIMIT {MANY}) AS rows" for name in tables
        )
        cursor.execute(" UNION ALL ".join(looks), tables)
        rows: dict[str, int] = {name: count for name, count in cursor.fetchall() if count}
        if not rows:
            return
        # To truncate makes every table and index anew. Few rows are deleted in a fifth of the time; each of them is
        # looked for in the tables that refer to it, which is dear where there are many.
        few = max(rows.values()) < MANY
        cursor.execute(
            "SELECT DISTINCT c.relname FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
            " WHERE NOT t.tgisinternal AND c.relnamespace = current_schema()::regnamespace"
            " AND c.relname = ANY(%s)",
            [list(rows) if few else tables],
        )
        guarded = [name for (name,) in cursor.fetchall()]
        for name in guarded:
            cursor.execute(f"ALTER TABLE {quoted[name]} DISABLE TRIGGER USER")
        if few:
            for name in rows:
                cursor.execute(f"DELETE FROM {quoted[name]}")
            # The foreign keys, now and not in the end: a table that has them open cannot be altered.
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        else:
            # No CASCADE: a kept table that refers to an emptied one must fail here, not lose its rows.
            cursor.execute(f"TRUNCATE {', '.join(quoted.values())}")
        for name in guarded:
            cursor.execute(f"ALTER TABLE {quoted[name]} ENABLE TRIGGER USER")


def empty_in_the_end(alias: str) -> None:
    """Of what still ends beside it (the last report of a page that was closed, a worker that was killed) one may hold
    a table that this wants and want one that this holds; where PostgreSQL gives up this side, it is done again."""
    for left in reversed(range(_TRIES)):
        try:
            empty_database(alias)
        except OperationalError as error:
            if not left or not isinstance(error.__cause__, DeadlockDetected):
                raise
        else:
            return


def _fixture_teardown(self: Any) -> None:
    for alias in self._databases_names(include_mirrors=False):
        empty_in_the_end(alias)


def install() -> None:
    """Replace the teardown of transactional tests; TestCase, which rolls back, keeps its own."""
    TransactionTestCase._fixture_teardown = _fixture_teardown
