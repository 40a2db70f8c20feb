import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coding_review.settings")

application = get_wsgi_application()

# After Django is set up, as the module reaches models.
from catalog.lookup.service import make_beside_requests  # noqa: E402

make_beside_requests()

# What is imported stays: the collector need not look through it in the middle of requests, and processes that
# are forked from this one go on sharing it.
gc.collect()
gc.freeze()
