"""The Celery application; tasks live in coding_review/tasks.py."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "coding_review.settings")

app = Celery("coding_review")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
