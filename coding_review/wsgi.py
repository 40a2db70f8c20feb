import gc
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coding_review.settings")

application = get_wsgi_application()

# What is imported stays: the collector need not look through it in the middle of requests, and processes that
# are forked from this one go on sharing it.
gc.collect()
gc.freeze()
