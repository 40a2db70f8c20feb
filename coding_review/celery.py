"""The Celery application; tasks live in coding_review/tasks.py."""

import os
from logging.config import dictConfig
from typing import Any

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coding_review.settings")

app = Celery("coding_review")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def _log_as_the_application(**kwargs: Any) -> None:
    """Celery's own set-up would write the words of errors beside ours."""
    from django.conf import settings

    dictConfig(settings.LOGGING)
