"""How many connections the test database has, as its server counts them now."""

import time

from django.db import connection


def open_connections() -> int:
    with connection.cursor() as cursor:
        # Within a transaction the view otherwise shows what it first showed.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return cursor.fetchone()[0]


def fallen_to(number: int) -> int:
    """The count, once it is down to `number` or 20 s have passed: a server process ends after its connection."""
    until = time.monotonic() + 20
    while open_connections() > number and time.monotonic() < until:
        time.sleep(0.02)
    return open_connections()
