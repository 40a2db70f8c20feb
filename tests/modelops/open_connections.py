"""Which connections the test database has, as its server sees them now."""

import time

from django.db import connection

Connections = frozenset[tuple[object, ...]]


def open_connections() -> Connections:
    """Those of programs: the server's own workers come and go as they like."""
    with connection.cursor() as cursor:
        # Within a transaction the view otherwise shows what it first showed.
        cursor.execute("SELECT pg_stat_clear_snapshot()")
        cursor.execute(
            "SELECT pid, backend_start FROM pg_stat_activity"
            " WHERE datname = current_database() AND backend_type = 'client backend'"
        )
        return frozenset(cursor.fetchall())


def left_open_since(before: Connections) -> Connections:
    """Those that were not there before, once there are none or a minute has passed: a server process ends after its
    connection."""
    until = time.monotonic() + 60
    while open_connections() - before and time.monotonic() < until:
        time.sleep(0.02)
    return open_connections() - before
