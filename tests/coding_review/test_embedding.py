"""Vectors are made beside everything else: some seconds at a time, and never while an encounter is predicted."""

from __future__ import annotations

import io
import os
import threading

import pytest
from django.core.management import call_command

from catalog.embedding.embedders import embedder, model_folder, model_name
from catalog.embedding.vectors import begin, go_on, open_releases
from catalog.models import Release, VectorSet
from coding_review import embedding, tasks
from coding_review.choices import EncounterStatus
from coding_review.embedding import embed_slice, predictions_open
from coding_review.models import PredictionRun
from tests.prediction_steps import queue

pytestmark = pytest.mark.django_db


@pytest.fixture
def only(small_release, monkeypatch):
    """The five-node release as the only one to do: the built-in one takes longer than a test should."""
    monkeypatch.setattr(
        embedding,
        "open_releases",
        lambda model: [one for one in open_releases(model) if one == small_release],
    )
    return small_release


def test_a_slice_completes_what_it_can(only):
    assert embed_slice() is True
    found = VectorSet.objects.get(release=only)
    assert (found.model, found.done, found.total, found.complete) == (
        model_name(model_folder()),
        3,
        3,
        True,
    )
    assert embed_slice() is True
    assert VectorSet.objects.get(release=only).finished_at == found.finished_at


def test_a_slice_ends_with_its_time(only):
    assert embed_slice(seconds=-1) is False
    found = VectorSet.objects.get(release=only)
    assert (found.done, found.complete) == (0, False)


def test_nothing_is_done_while_an_encounter_waits_for_its_prediction(only, marked_engine, make_encounter):
    queue(make_encounter(status=EncounterStatus.RECEIVED))
    assert predictions_open()
    assert embed_slice() is False
    assert not VectorSet.objects.filter(release=only).exists()
    PredictionRun.objects.update(status="done")
    assert embed_slice() is True


def test_a_model_that_cannot_be_read_stops_no_worker(only, settings, tmp_path, caplog):
    settings.EMBEDDING_MODEL = str(tmp_path)
    assert embed_slice() is False
    assert "no vectors: EMBEDDING_MODEL" in caplog.text
    assert not VectorSet.objects.filter(release=only).exists()


def test_the_task_works_in_a_thread_that_gives_way(monkeypatch):
    seen = {}

    def work():
        seen["niceness"] = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    monkeypatch.setattr(embedding, "embed_slice", work)
    embedding.embed_beside().join(120)
    assert seen == {"niceness": 15}
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before


def test_the_worker_does_not_wait_for_a_long_slice_and_begins_no_second_one(monkeypatch):
    begun, go = [], threading.Event()
    monkeypatch.setattr(embedding, "embed_slice", lambda: (begun.append(1), go.wait(120)))
    first = embedding.embed_beside()
    tasks.embed()
    assert embedding.embed_beside() is None
    go.set()
    first.join(120)
    assert not first.is_alive()
    assert begun == [1]
    embedding.embed_beside().join(120)
    assert begun == [1, 1]


def test_it_can_be_switched_off(monkeypatch, settings):
    settings.EMBED_IN_BACKGROUND = False
    monkeypatch.setattr(embedding, "embed_slice", lambda: pytest.fail("nothing is to be done"))
    tasks.embed()


def test_the_command_does_it_at_once(small_release):
    for release in Release.objects.exclude(pk=small_release.pk):
        VectorSet.objects.create(
            release=release,
            model=embedder().name,
            total=0,
            started_at=release.loaded_at,
            finished_at=release.loaded_at,
        )
    out = io.StringIO()
    call_command("embed_catalog", stdout=out)
    assert out.getvalue().startswith(f"{small_release}: 3 wordings by shipped ")
    assert VectorSet.objects.get(release=small_release).complete
    out = io.StringIO()
    call_command("embed_catalog", stdout=out)
    assert out.getvalue() == f"Every release has its vectors ({embedder().name}).\n"


def test_the_command_goes_on_where_an_interruption_left_it(small_release):
    found, wordings = begin(small_release, embedder())
    assert go_on(found, wordings, embedder(), stop=lambda: True) is False
    call_command("embed_catalog", "--system", "cpt", stdout=io.StringIO())
    assert not VectorSet.objects.get(pk=found.pk).complete
