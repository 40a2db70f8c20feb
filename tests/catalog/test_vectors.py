"""Vectors of a release: complete, resumed, redone where the indexes change; and what is nearest."""

from __future__ import annotations

import datetime as dt
import io

import numpy as np
import pytest
from django.core.management import call_command
from django.db import connection

from catalog.choices import TableKind
from catalog.embedding.nearest import Nearest
from catalog.embedding.vectors import begin, go_on, open_releases
from catalog.models import Code, IndexEntry, TableEdition, TermVector, VectorSet

pytestmark = pytest.mark.django_db


class ByLetter:
    """Texts by which of four letters they have: a model whose every answer can be counted by hand."""

    name = "by letter 1"
    dimensions = 4
    batch = 2

    def __init__(self) -> None:
        self.seen: list[str] = []

    def encode(self, texts):
        self.seen += texts
        found = np.array(
            [[text.lower().count(letter) for letter in "emrc"] for text in texts], dtype=np.float32
        )
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)


def embed(release, model, **options):
    found, wordings = begin(release, model)
    return found, go_on(found, wordings, model, **options)


def index_edition(release, *entries):
    edition = TableEdition.objects.create(
        kind=TableKind.INDEX, edition=f"of {len(entries)}", valid_from=release.valid_from, source="hand-made",
        source_hash=str(len(entries)) * 64, loaded_at=dt.datetime.now(dt.UTC), row_count=len(entries),
    )  # fmt: skip
    for position, (term, code) in enumerate(entries):
        IndexEntry.objects.create(
            edition=edition, position=position, depth=0, term=term, full_term=term, codes=[code]
        )
    return edition


def texts_of(found):
    return list(found.vectors.order_by("number").values_list("number", "node__code"))


def test_every_title_has_its_vector(small_release):
    model = ByLetter()
    found, done = embed(small_release, model)
    assert done
    assert (found.done, found.total, found.complete) == (3, 3, True)
    titled = Code.objects.of(small_release).filter(code__startswith="E11").order_by("position")
    assert model.seen == list(titled.values_list("title", flat=True))
    assert texts_of(found) == [(0, "E11"), (1, "E11.7"), (2, "E11.9")]


def test_an_interrupted_run_goes_on_where_it_was(small_release):
    model = ByLetter()
    asked = iter([False, True])
    found, done = embed(small_release, model, stop=lambda: next(asked))
    assert (done, found.done, found.finished_at) == (False, 2, None)
    assert [release.pk for release in open_releases(model.name)].count(small_release.pk) == 1
    again, done = embed(small_release, model)
    assert (done, again.pk, len(model.seen)) == (True, found.pk, 3)
    assert texts_of(again) == [(0, "E11"), (1, "E11.7"), (2, "E11.9")]
    assert small_release.pk not in [release.pk for release in open_releases(model.name)]


def test_two_at_once_write_each_wording_once(small_release):
    model = ByLetter()
    first, wordings = begin(small_release, model)
    second, _ = begin(small_release, model)
    asked = iter([False, True])
    go_on(first, wordings, model, stop=lambda: next(asked))
    # The second still believes that nothing is done.
    assert (second.done, go_on(second, wordings, model)) == (0, True)
    assert texts_of(second) == [(0, "E11"), (1, "E11.7"), (2, "E11.9")]


def test_a_wording_without_any_known_word_has_no_vector(small_release):
    Code.objects.filter(release=small_release, code="E11.7").update(title="Ophthalmia in a boy")
    model = ByLetter()
    model.encode = lambda texts: np.array([[0.0] * 4 if "boy" in text else [1.0, 0, 0, 0] for text in texts])
    found, done = embed(small_release, model)
    assert (done, found.done, texts_of(found)) == (True, 3, [(0, "E11"), (2, "E11.9")])


def test_entries_of_a_newer_index_take_the_place_of_the_older(small_release):
    model = ByLetter()
    first = index_edition(small_release, ("Sugar", "E11.9"), ("Unknown", "Z99"))
    found, _ = embed(small_release, model)
    assert (found.editions, found.total) == ([first.pk], 5)
    assert texts_of(found) == [(0, "E11"), (1, "E11.7"), (2, "E11.9"), (3, "E11.9")]
    second = index_edition(small_release, ("Cured sugar", "E11.7"))
    assert small_release.pk in [release.pk for release in open_releases(model.name)]
    model.seen.clear()
    again, done = embed(small_release, model)
    assert (done, again.pk, again.editions, again.total) == (True, found.pk, [second.pk], 4)
    assert model.seen == ["Cured sugar"]
    assert texts_of(again) == [(0, "E11"), (1, "E11.7"), (2, "E11.9"), (3, "E11.7")]


def test_the_nearest_come_first_each_node_once(small_release):
    model = ByLetter()
    index_edition(small_release, ("rrrr", "E11.9"))
    embed(small_release, model)
    near = Nearest(small_release.pk, model)("r")
    codes = dict(Code.objects.of(small_release).values_list("pk", "code"))
    assert codes[near[0].node_id] == "E11.9"
    assert near[0].likeness == pytest.approx(1.0, abs=1e-3)
    assert sorted(codes[one.node_id] for one in near) == ["E11", "E11.7", "E11.9"]
    assert Nearest(small_release.pk, model)("r", 1) == near[:1]
    assert Nearest(small_release.pk, model)("xyz") == []


def test_nothing_is_near_until_all_is_done(small_release):
    model = ByLetter()
    asked = iter([False, True])
    embed(small_release, model, stop=lambda: next(asked))
    assert TermVector.objects.filter(set__release=small_release).count() == 2
    assert Nearest(small_release.pk, model)("diabetes") == []


def test_models_of_other_dimensions_stand_side_by_side(small_release):
    embed(small_release, ByLetter())
    other = ByLetter()
    other.name, other.dimensions = "two letters 1", 2
    other.encode = lambda texts: ByLetter().encode(texts)[:, :2]
    found, done = embed(small_release, other)
    assert done
    assert len(Nearest(small_release.pk, other)("e")) == len(Nearest(small_release.pk, ByLetter())("e")) == 3
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexdef FROM pg_indexes WHERE indexname = %s", [f"term_vector_near_{found.pk}"]
        )
        assert "halfvec(2)) halfvec_ip_ops" in cursor.fetchone()[0]


def test_status_tells_how_far_the_vectors_are(small_release):
    model = ByLetter()
    asked = iter([False, True])
    found, _ = embed(small_release, model, stop=lambda: next(asked))
    out = io.StringIO()
    call_command("catalog_status", stdout=out)
    assert "  vectors   by letter 1: 2 of 3 wordings (67%)\n" in out.getvalue()
    embed(small_release, model)
    out = io.StringIO()
    call_command("catalog_status", stdout=out)
    assert "  vectors   by letter 1: 3 wordings, complete 20" in out.getvalue()
    assert VectorSet.objects.get(pk=found.pk).complete
