"""The demo's hospital in the browser tests: encounters as they would arrive, predicted by a real worker or here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection

from coding_review.actions.grant_access import open_work_group
from coding_review.actions.receive_encounter import receive_encounter
from coding_review.choices import Confidentiality
from coding_review.demo.encounters import DemoEncounter, demo_encounters, demo_facilities
from coding_review.models import Encounter, Facility, WorkGroup
from tests.deliveries import predict_waiting
from tests.faults.conftest import Broker, Processes


class Hospital:
    """Every work group of the demo is open to these people; `lead` imports."""

    def __init__(self, lead: User, *others: User) -> None:
        self.lead = lead
        self.known: dict[str, DemoEncounter] = {one.id[:7]: one for one in demo_encounters()}
        for about in demo_facilities():
            facility, _ = Facility.objects.get_or_create(code=about.code, defaults={"name": about.name})
            for each in about.work_groups:
                group, _ = WorkGroup.objects.get_or_create(
                    facility=facility, code=each.code, defaults={"name": each.name}
                )
                open_work_group(None, lead, group, Confidentiality.VERY_RESTRICTED)
                for other in others:
                    open_work_group(None, other, group, Confidentiality.NORMAL)

    def bring(self, name: str, *, late: bool = False) -> Encounter:
        """`name` is demo-01 and so on. Received and queued, not yet predicted."""
        about = self.known[name]
        delivery = about.late_delivery if late else about.delivery
        assert delivery is not None
        return Encounter.objects.get(pk=receive_encounter(self.lead, delivery, via="demo").encounter_id)

    def bring_predicted(self, *names: str) -> list[Encounter]:
        brought = [self.bring(name) for name in names]
        predict_waiting()
        for one in brought:
            one.refresh_from_db()
        return brought


@pytest.fixture
def hospital(icd10cm: Any, lead: User, coder: User, other_coder: User) -> Hospital:
    return Hospital(lead, coder, other_coder)


class Worker:
    """A Celery worker with the product's own engine, on the test database; runs once it is started."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        database = connection.settings_dict
        self._folder, self._process = folder, None
        self._environment = os.environ | {
            "DATABASE_URL": (
                f"postgres://{database['USER']}:{database['PASSWORD']}"
                f"@{database['HOST']}:{database['PORT']}/{database['NAME']}"
            ),
            "REDIS_URL": broker.url,
        }
        self._process: Processes | None

    def start(self) -> None:
        options = ["-Q", "celery,predict", "-c", "1", "--without-gossip", "--without-mingle"]
        self._process = Processes(self._folder, self._environment, "worker", *options)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()


@pytest.fixture
def worker(tmp_path: Path, broker: Broker, transactional_db: Any) -> Iterator[Worker]:
    one = Worker(tmp_path, broker)
    yield one
    one.kill()
