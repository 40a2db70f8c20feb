"""Fixtures of all tests."""

import pytest
from django.conf import settings

from tests import flush, generated
from tests.catalog_fixtures import _icd10cm_loaded, icd10cm, small_release
from tests.engines import marked_engine, served_engine
from tests.personas import (
    adjudicator,
    admin,
    auditor,
    coder,
    expert,
    facility,
    lead,
    make_encounter,
    other_coder,
    other_work_group,
    outsider,
    privacy_officer,
    work_group,
)
from tests.procedure_releases import cpt_sample
from tests.vllm_server import vllm_server

__all__ = [
    "_icd10cm_loaded",
    "adjudicator",
    "admin",
    "auditor",
    "coder",
    "cpt_sample",
    "expert",
    "facility",
    "icd10cm",
    "lead",
    "make_encounter",
    "marked_engine",
    "other_coder",
    "other_work_group",
    "outsider",
    "privacy_officer",
    "served_engine",
    "small_release",
    "vllm_server",
    "work_group",
]


def pytest_configure() -> None:
    flush.install()
    generated.install()
    # Argon2 is slow on purpose; every test signs in or creates people.
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    # Pages are drawn without collectstatic; hashed names are test_static_files.py's business.
    settings.STORAGES = settings.STORAGES | {
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    }
    settings.WHITENOISE_USE_FINDERS = settings.WHITENOISE_AUTOREFRESH = True


@pytest.fixture(autouse=True)
def _the_broker_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broker that one test found away is left alone for ten seconds: the next test must not begin within them."""
    monkeypatch.setattr("coding_review.broker._paused_until", 0.0)
