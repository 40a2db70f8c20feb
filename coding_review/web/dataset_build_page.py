"""What the page of a dataset's build shows, as plain data, and how it comes from the row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from coding_review.dataset_asked import from_json
from coding_review.models import DatasetBuild, Facility, GoldSet
from coding_review.web import amounts, words
from coding_review.web.datasets_page import Group, facts_of, figures_of, groups_of
from coding_review.web.synthesis_words import TONES
from coding_review.web.training_build import person
from coding_review.web.training_page import Fact, Figure
from modelops.choices import WorkStatus
from modelops.models import SynthesisRun

_HOW: Mapping[str, str] = {
    "id": "the same chart",
    "patient": "the same patient",
    "document": "the same document, letter by letter",
    "near_duplicate": "nearly the same text",
}
_SHOWN_IDS = 20


@dataclass(frozen=True, slots=True)
class Leaks:
    """`count`: charts to leave out; `sets`: gold set and how many of them are in it; `how`: by what they were found."""

    count: int
    sets: tuple[tuple[str, str], ...]
    how: tuple[tuple[str, str], ...]
    ids: tuple[str, ...]
    more: int


@dataclass(frozen=True, slots=True)
class BuildPage:
    """`figures`, `facts` and `groups`: what it would have, where it was looked at."""

    pk: int
    name: str
    title: str
    status: str
    tone: str
    polls: bool
    stopping: bool
    step: str
    percent: int
    since: str
    error: str
    asked: tuple[Fact, ...]
    figures: tuple[Figure, ...]
    facts: tuple[Fact, ...]
    groups: tuple[Group, ...]
    leaks: Leaks | None
    may_build: bool
    dataset: int | None
    dataset_title: str
    built_before: bool


def build_page(build: DatasetBuild) -> BuildPage:
    found: Mapping[str, Any] = build.found
    looked = build.only_looks and build.status == WorkStatus.DONE
    return BuildPage(
        pk=build.pk,
        name=build.name,
        title=f"What {build.name} would have" if build.only_looks else f"Building {build.name}",
        status=build.get_status_display(),
        tone=TONES[build.status],
        polls=build.is_open,
        stopping=build.cancel_asked_at is not None,
        step=build.step,
        percent=build.percent,
        since=f"{words.moment(build.created_at)}, {person(build.created_by)}",
        error=build.error,
        asked=_asked(build),
        figures=figures_of(found["statistics"]) if looked else (),
        facts=facts_of(found) if looked else (),
        groups=groups_of(found, found["statistics"]) if looked else (),
        leaks=_leaks(found["leaks"]) if "leaks" in found else None,
        may_build=looked,
        dataset=build.dataset_id,
        dataset_title=str(build.dataset) if build.dataset else "",
        built_before=found.get("new") is False,
    )


def _leaks(told: Mapping[str, Any]) -> Leaks:
    ids = told["examples"]
    return Leaks(
        len(ids),
        tuple((name, amounts.count(count)) for name, count in told["sets"].items()),
        tuple((_HOW.get(how, how), amounts.count(count)) for how, count in told["how"].items()),
        tuple(ids[:_SHOWN_IDS]),
        max(0, len(ids) - _SHOWN_IDS),
    )


def _asked(build: DatasetBuild) -> tuple[Fact, ...]:
    asked = from_json(build.asked)
    chosen, options = asked.chosen, asked.options
    sets = GoldSet.objects.filter(pk__in=asked.gold_sets).order_by("pk")
    runs = SynthesisRun.objects.filter(pk__in=asked.runs).order_by("pk")
    days = " to ".join(
        day.isoformat() if day else other
        for day, other in ((chosen.since, "the beginning"), (chosen.until, "today"))
    )
    places = Facility.objects.filter(pk__in=chosen.facilities).order_by("name")
    which = [
        days if chosen.since or chosen.until else "",
        ", ".join(kind.replace("_", " ") for kind in chosen.claim_types),
        ", ".join(place.name for place in places),
    ]
    told = [
        Fact(
            "Signed-off charts",
            "; ".join(part for part in which if part) or "all" if asked.signed_off else "none",
        ),
        Fact("Gold sets", ", ".join(str(one) for one in sets) or "none"),
        Fact("Synthetic charts", ", ".join(run.name for run in runs) or "none"),
        Fact("Tokens as counted by", asked.folder.name),
        Fact("Prompt", options.prompt, code=True),
        Fact("Tokens of a pack", amounts.count(options.pack_tokens)),
        Fact("Composites", amounts.share(options.augment)),
        Fact("Codes that nobody decided about", options.unlabelled.replace("_", " ")),
    ]
    if asked.leave_out:
        told.append(Fact("Left out by name", words.count(len(asked.leave_out), "chart")))
    return tuple(told)
