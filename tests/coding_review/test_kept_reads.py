"""A read whose SQL is made once gives what its queryset gives, for each value anew."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.db.models import Count, Max, Q

from coding_review import counters, deciding, locks, queries
from coding_review.actions import undo
from coding_review.actions.accept import accept
from coding_review.actions.reject import reject
from coding_review.actions.undo import undo as undo_latest
from coding_review.kept_reads import KeptModels, KeptValues
from coding_review.models import CodeEntry, CodeSet, Decision, DocumentVersion, PredictionRun
from coding_review.web import review_build, review_documents
from tests.coding_review.api_cases import Case, case

__all__ = ["case"]
pytestmark = pytest.mark.django_db


def fields(row: Any) -> dict[str, Any]:
    return {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}


@pytest.fixture
def decided(case: Case, coder: User) -> Case:
    first, second = list(case.entries.values())[:2]
    accept(coder, case.code_set.pk, first.pk)
    reject(coder, case.code_set.pk, second.pk, reason="not_documented")
    undo_latest(coder, case.code_set.pk)
    return case


def test_values_are_those_of_the_queryset(decided: Case) -> None:
    code_set, reading = decided.code_set.pk, decided.entries["I50.23"].reading_id
    reads: list[tuple[KeptValues, tuple[Any, ...]]] = [
        (queries._ENTRY_FACTS, (code_set,)),
        (queries._PLACES, (code_set,)),
        (queries._PLACES_ON, (code_set, decided.version.pk, 3, 1)),
        (counters._ENTRIES, (decided.encounter.pk,)),
        (undo._ACTS, (reading,)),
    ]
    for kept, values in reads:
        query = kept._build(*values)
        expected, rows = list(query), kept.rows(*values)
        assert expected
        if not query.ordered:
            # Groups come as the plan of each statement has them.
            expected, rows = sorted(expected, key=repr), sorted(rows, key=repr)
        assert rows == expected
        # Of others there is nothing: the first values do not stick.
        assert kept.rows(*(0 for _ in values)) == []


def test_the_order_of_aggregates_and_a_uuid(decided: Case) -> None:
    reading = decided.entries["I50.23"].reading_id
    batch = Decision.objects.filter(reading=reading).earliest("number").batch
    found = Decision.objects.filter(reading=reading).aggregate(
        last=Max("number"), same=Count("pk", filter=Q(batch=batch))
    )
    assert found == {"last": 3, "same": 1}
    assert deciding._DECIDED.rows(batch, reading) == [(3, 1)]
    assert deciding._DECIDED.rows(uuid.uuid4(), reading) == [(3, 0)]
    assert deciding._DECIDED.rows(batch, 0) == []


def test_models_are_those_of_the_queryset_with_what_stands_beside_them(decided: Case) -> None:
    entry = decided.entries["I50.23"]
    with transaction.atomic():
        kept = locks._ENTRIES.first(entry.pk, decided.code_set.pk)
        expected = locks._ENTRIES._build(entry.pk, decided.code_set.pk).get()
    assert kept is not None
    assert (kept, fields(kept)) == (expected, fields(expected))
    with CaptureNothing():
        for one, other in (
            (kept.reading, expected.reading),
            (kept.reading.code_set, expected.reading.code_set),
            (kept.reading.code_set.encounter, expected.reading.code_set.encounter),
            (kept.reading.code_set.release, expected.reading.code_set.release),
            (kept.suggestion, expected.suggestion),
            (kept.suggestion.run, expected.suggestion.run),
        ):
            assert (one, fields(one)) == (other, fields(other))
    kept.save()
    assert fields(CodeEntry.objects.get(pk=entry.pk)) == fields(expected)


def test_what_is_missing_beside_a_row_is_none(decided: Case) -> None:
    CodeEntry.objects.filter(pk=decided.entries["I50.23"].pk).update(suggestion=None)
    CodeSet.objects.filter(pk=decided.code_set.pk).update(release=None)
    with transaction.atomic():
        kept = locks._ENTRIES.first(decided.entries["I50.23"].pk, decided.code_set.pk)
    assert kept is not None
    with CaptureNothing():
        assert (kept.suggestion, kept.reading.code_set.release) == (None, None)


def test_a_deferred_column_is_read_when_it_is_asked_for(decided: Case) -> None:
    (version,) = review_documents._NEWEST.instances(decided.encounter.pk)
    assert version.get_deferred_fields() == {"text"}
    with CaptureNothing():
        assert version.document.encounter_id == decided.encounter.pk
    assert version.text == DocumentVersion.objects.get(pk=version.pk).text


def test_order_and_limit_stay(decided: Case) -> None:
    for number in range(review_build.RUNS_LOOKED_AT + 2):
        PredictionRun.objects.create(
            code_set=decided.code_set, engine="embedded", question_hash=f"{number:064}"
        )
    newest = PredictionRun.objects.filter(code_set=decided.code_set).order_by("-pk")
    kept = review_build._RUNS.instances(decided.code_set.pk)
    assert kept == list(newest[: review_build.RUNS_LOOKED_AT])


@pytest.mark.django_db(transaction=True)
def test_rows_are_locked_inside_a_transaction_only(decided: Case) -> None:
    entry = decided.entries["I50.23"]
    with transaction.atomic():
        assert locks._ENTRIES.first(entry.pk, decided.code_set.pk) == entry
    with pytest.raises(transaction.TransactionManagementError):
        locks._ENTRIES.first(entry.pk, decided.code_set.pk)


def test_a_value_that_the_sql_would_not_carry_is_refused(db: None) -> None:
    lost: KeptModels[CodeEntry] = KeptModels(lambda pk, _other: CodeEntry.objects.filter(pk=pk), int, int)
    changed = KeptValues(lambda pk: CodeEntry.objects.filter(code=pk).values_list("pk"), int)
    for read, values in ((lost, (1, 2)), (changed, (1,))):
        with pytest.raises(ValueError, match="not every value stands in the SQL"):
            read.rows(*values)
    one = KeptValues(lambda pk: CodeEntry.objects.filter(pk=pk).values_list("pk"), int)
    with pytest.raises(TypeError, match="takes 1 values"):
        one.rows(1, 2)


class CaptureNothing:
    """Inside it no query is made."""

    def __enter__(self) -> None:
        self._blocked = connection.execute_wrapper(self._refuse)
        self._blocked.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._blocked.__exit__(*error)

    @staticmethod
    def _refuse(_execute: Any, sql: str, *_more: Any) -> Any:
        raise AssertionError(f"a query: {sql}")
