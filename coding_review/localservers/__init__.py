"""PostgreSQL with pgvector and a Redis-compatible server of the application's own.

Used when DATABASE_URL or REDIS_URL is not set. Settings never start them: manage.py, the tests' conftest and
`python -m coding_review.localservers COMMAND` call `ensure` before settings are read. See
docs/adr/0001-embedded-servers.md.
"""

from coding_review.localservers.errors import LocalServersError, leave
from coding_review.localservers.hold import Hold, ensure, leave_on_signals, var_folder

__all__ = ["Hold", "LocalServersError", "ensure", "leave", "leave_on_signals", "var_folder"]
