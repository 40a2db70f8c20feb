"""Names that people give: what cannot be seen, turns the writing round or never ends is refused."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User

from coding_review.actions.gold_exchange import import_gold
from coding_review.actions.gold_project import add_codebook_version, create_gold_project
from coding_review.errors import InvalidDecision, InvalidProtocol
from coding_review.models import AuditEvent, Codebook, GoldProject, GoldSet
from coding_review.rules.gold_presets import Protocol
from coding_review.rules.names import fault_of_name

NOT_SEEN = ("", "  ", "a\nb", "a\0b", "exe.\u202egnp", "a\u200bb", "no\u00a0break", "\ufeffa", "a" * 81)


@pytest.mark.parametrize("name", NOT_SEEN)
def test_what_no_name_holds(name):
    assert fault_of_name(name, 80) == "A name has 1 to 80 characters that can be seen."


@pytest.mark.parametrize("name", ["Frailty 2026", " Étude <b>{{ x }}</b> ", "=1+1", "a" * 80, "研究"])
def test_what_a_name_may_hold(name):
    assert fault_of_name(name, 80) == ""


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["a\u202eb", "a\0b", "a" * 121])
def test_gold_projects_codebooks_and_sets_go_by_it(lead: User, name: str) -> None:
    codebook = add_codebook_version(lead, name="Frailty", text="Approve what the note supports.")
    for act in (
        lambda: create_gold_project(lead, name=name, protocol=Protocol(), codebook_id=codebook.pk),
        lambda: add_codebook_version(lead, name=name, text="Other."),
    ):
        with pytest.raises(InvalidProtocol) as refused:
            act()
        assert refused.value.data["field"] == "name"
    with pytest.raises(InvalidProtocol) as refused:
        create_gold_project(
            lead, name="Study", protocol=Protocol(), codebook_id=codebook.pk, label_origin=name * 2
        )
    assert refused.value.data["field"] == "label_origin"
    with pytest.raises(InvalidDecision) as wrong:
        import_gold(lead, [], name=name, purpose="evaluation")
    assert wrong.value.data["field"] == "name"
    assert [book.name for book in Codebook.objects.all()] == ["Frailty"]
    assert not GoldProject.objects.exists()
    assert not GoldSet.objects.exists()
    assert AuditEvent.objects.filter(type__startswith="gold.").count() == 1
