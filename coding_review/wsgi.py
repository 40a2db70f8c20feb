import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coding_review.settings")

application = get_wsgi_application()

# After Django is set up, as these reach models.
from django.db import connections  # noqa: E402

from catalog.lookup.service import make_beside_requests, prepare  # noqa: E402

make_beside_requests()


def _freeze() -> None:
    """What is there now stays: the collector need not look through it in the middle of requests, and processes that
    are forked from this one go on sharing it."""
    gc.collect()
    gc.freeze()


def before_forking() -> None:
    """Makes what every web process needs, once for all of them. Called in the process that they are forked from."""
    prepare()
    # A connection must not be shared by processes.
    connections.close_all()
    _freeze()


_freeze()
