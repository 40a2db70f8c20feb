"""What gunicorn does before it starts its web processes: `--preload --config python:coding_review.gunicorn_hooks`.

gunicorn reads this before Django is set up, so it imports nothing of the application.
"""

import sys
from typing import Any


def on_starting(_server: Any) -> None:
    """Before the address is opened. Without --preload the application is not there yet, and each web process makes
    for itself what is made here once for all of them."""
    wsgi = sys.modules.get("coding_review.wsgi")
    if wsgi is not None:
        wsgi.before_forking()
