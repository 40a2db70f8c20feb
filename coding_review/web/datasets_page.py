"""What the pages of datasets show, as plain data, and how it comes from a dataset version's manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from coding_review.web import amounts, words
from coding_review.web.training_build import person
from coding_review.web.training_page import Fact, Figure
from modelops.models import DatasetVersion

# Reasons for which a chart is left out, in words; what is not here is shown as its id says.
_REASONS: Mapping[str, str] = {
    "near_duplicate": "nearly the same text as another example",
    "too_long": "longer than a pack",
    "composite_too_long": "composite longer than a pack",
    "not_deidentified": "of a real patient, and not de-identified",
    "unlabelled_codes": "codes that nobody decided about",
    "code_not_in_release": "a code that its release does not have",
    "label_without_evidence": "a label without evidence",
    "named_to_stay_out": "named to stay out",
    "same_id": "the same chart from another source",
    "bad_line": "a line that cannot be read",
    "restricted_without_authority": "restricted, without a recorded authority",
    "part2_without_authority": "Part 2 record, without a recorded authority",
    "no_document": "no document that counts",
    "composite_near_duplicate": "composite of nearly the same charts",
    "doubtful_possible_name": "a word that may be a name (manage.py words_in_doubt lists them): not de-identified",
    "doubtful_odd_date": "what may be a date and is none: not de-identified",
    "held_out": "in a gold set that models are measured on",
}
_ASSISTANCE: Mapping[str, str] = {
    "none": "none: read without suggestions",
    "after_first_read": "suggestions after a first reading",
    "full": "suggestions shown from the start",
    "unknown": "not told",
    "not_applicable": "written chart, no reviewer",
}
_TOP = 12


@dataclass(frozen=True, slots=True)
class DatasetRow:
    pk: int
    title: str
    kind: str
    train: str
    validation: str
    codes: str
    sources: str
    left_out: str
    sha256: str
    built: str
    by: str


@dataclass(frozen=True, slots=True)
class Bar:
    """One counted thing; `share` of the largest, 0 to 100, for a <meter>."""

    label: str
    count: str
    share: int


@dataclass(frozen=True, slots=True)
class Group:
    """`key` names the section in the page."""

    key: str
    title: str
    bars: tuple[Bar, ...]
    note: str = ""
    codes: bool = False


@dataclass(frozen=True, slots=True)
class Spread:
    label: str
    least: str
    median: str
    mean: str
    p95: str
    most: str


@dataclass(frozen=True, slots=True)
class FileRow:
    name: str
    rows: str
    size: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Source:
    kind: str
    name: str
    examples: str
    sha256: str


@dataclass(frozen=True, slots=True)
class DatasetPage:
    pk: int
    title: str
    kind: str
    built: str
    sha256: str
    figures: tuple[Figure, ...]
    facts: tuple[Fact, ...]
    files: tuple[FileRow, ...]
    sources: tuple[Source, ...]
    groups: tuple[Group, ...]
    spreads: tuple[Spread, ...]
    holds_phi_source: bool
    jobs: tuple[Fact, ...]


def dataset_row(dataset: DatasetVersion) -> DatasetRow:
    statistics: Mapping[str, Any] = dataset.statistics
    examples = statistics.get("examples", {})
    left_out = dataset.manifest.get("left_out", {})
    return DatasetRow(
        pk=dataset.pk,
        title=str(dataset),
        kind=dataset.get_kind_display(),
        train=amounts.count(examples.get("train")),
        validation=amounts.count(examples.get("validation")),
        codes=amounts.count(statistics.get("codes", {}).get("distinct")),
        sources=", ".join(
            f"{n:,} {_plain(kind)}" for kind, n in sorted(statistics.get("by_source", {}).items())
        ),
        left_out=amounts.count(sum(left_out.values())),
        sha256=dataset.sha256[:12],
        built=words.moment(dataset.created_at),
        by=person(dataset.created_by),
    )


def dataset_page(dataset: DatasetVersion) -> DatasetPage:
    manifest: Mapping[str, Any] = dataset.manifest
    statistics: Mapping[str, Any] = dataset.statistics
    return DatasetPage(
        pk=dataset.pk,
        title=str(dataset),
        kind=dataset.get_kind_display(),
        built=f"{words.moment(dataset.created_at)}, {person(dataset.created_by)}",
        sha256=dataset.sha256,
        figures=figures_of(statistics),
        facts=facts_of(manifest),
        files=tuple(
            FileRow(
                name,
                amounts.count(told.get("rows")),
                _size(told.get("bytes")),
                str(told.get("sha256", "")),
            )
            for name, told in sorted(manifest.get("files", {}).items())
        ),
        sources=tuple(
            Source(
                _plain(str(source.get("kind", ""))),
                str(source.get("source", "")),
                amounts.count(source.get("examples")),
                str(source.get("sha256", ""))[:12],
            )
            for source in manifest.get("sources", ())
        ),
        groups=groups_of(manifest, statistics),
        spreads=tuple(
            spread
            for label, told in (
                ("Labels of an example", statistics.get("labels_per_example")),
                ("Lines of an example", statistics.get("lines")),
                ("Tokens of an example", statistics.get("tokens", {}).get("per_example")),
            )
            if told
            for spread in (_spread(label, told),)
        ),
        holds_phi_source=bool(manifest.get("deidentified", {}).get("charts", 0)),
        jobs=tuple(
            Fact(
                f"Job {job.pk}",
                f"{job.name}, {job.get_status_display().lower()}",
                reverse("web:training", args=[job.pk]),
            )
            for job in dataset.training_jobs.order_by("-pk")[:10]
        ),
    )


def figures_of(statistics: Mapping[str, Any]) -> tuple[Figure, ...]:
    examples, patients = statistics.get("examples", {}), statistics.get("patients", {})
    codes, tokens = statistics.get("codes", {}), statistics.get("tokens", {})
    packing = statistics.get("packing", {})
    return (
        Figure(
            "examples to train on",
            amounts.count(examples.get("train")),
            f"{amounts.count(statistics.get('composites'))} of them composites",
        ),
        Figure(
            "examples to validate on",
            amounts.count(examples.get("validation")),
            f"of {_counted(patients.get('validation'), 'patient')}, none of them in training",
        ),
        Figure(
            "distinct codes",
            amounts.count(codes.get("distinct")),
            f"{_counted(statistics.get('labels'), 'label')}; {_counted(codes.get('once'), 'code')} once",
        ),
        Figure(
            "useful tokens in packs",
            amounts.share(packing.get("useful")),
            f"{amounts.short_count(tokens.get('all'))} tokens, {_counted(packing.get('packs'), 'pack')} of "
            f"{amounts.count(packing.get('size'))}; {amounts.share(packing.get('useful_unpacked'))} unpacked",
        ),
    )


def facts_of(manifest: Mapping[str, Any]) -> tuple[Fact, ...]:
    split, check = manifest.get("split", {}), manifest.get("leak_check", {})
    sets = check.get("sets", ())
    replaced = manifest.get("deidentified", {}).get("replaced", {})
    told = [
        Fact("Prompt", str(manifest.get("prompt_version", "")), code=True),
        Fact("Tokenizer's SHA-256", f"{str(manifest.get('tokenizer_sha256', ''))[:16]}…", code=True),
        Fact(
            "Split",
            f"{amounts.share(split.get('validation'))} to validate on, by a stable hash of the patient",
        ),
        Fact(
            "Compared with",
            f"{words.count(len(sets), 'gold set')}, {_counted(check.get('charts'), 'chart')}: "
            f"{_counted(check.get('leaks'), 'leak')}"
            if sets
            else "no gold set: none was there when it was built",
        ),
        Fact(
            "De-identified",
            _counted(manifest.get("deidentified", {}).get("charts"), "chart")
            + (f"; replaced {_listed(replaced)}" if replaced else ""),
        ),
        Fact("Codes that nobody decided about", _plain(str(manifest.get("unlabelled", "")))),
        Fact(
            "Composites",
            f"{amounts.share(manifest.get('augment'))} of the training examples, of one sex, age band and claim type",
        ),
    ]
    if check.get("charts_without_text"):
        told.append(
            Fact("Gold charts compared by id alone", f"{check['charts_without_text']:,}: their text is gone")
        )
    return tuple(told)


def groups_of(manifest: Mapping[str, Any], statistics: Mapping[str, Any]) -> tuple[Group, ...]:
    codes: Mapping[str, Any] = statistics.get("codes", {})
    frequent = dict(codes.get("most_frequent", ())[:_TOP])
    found = (
        Group(
            "left-out",
            "Refused and left out",
            bars({_REASONS.get(k, _plain(k)): n for k, n in manifest.get("left_out", {}).items()}),
            "Charts that gave no example, by why. None is left out without being counted.",
        ),
        Group(
            "assistance",
            "What the reviewer was shown",
            bars({_ASSISTANCE.get(k, _plain(k)): n for k, n in statistics.get("assistance", {}).items()}),
            "Labels, by the assistance under which they were set.",
        ),
        Group(
            "origins", "Where labels come from", bars(_plain_keys(statistics.get("origins", {}))), "Labels."
        ),
        Group(
            "frequent",
            "Most frequent codes",
            bars(frequent, ordered=False),
            f"{_counted(codes.get('only_in_validation'), 'code')} "
            f"{'stands' if codes.get('only_in_validation') == 1 else 'stand'} in validation alone.",
            codes=True,
        ),
        Group("chapters", "First letters of codes", bars(codes.get("chapters", {})), "Labels.", codes=True),
    )
    return tuple(group for group in found if group.bars or group.key == "left-out")


def bars(counted: Mapping[str, int], *, ordered: bool = True) -> tuple[Bar, ...]:
    """The most first, unless they are in their order already."""
    most = max(counted.values(), default=0)
    items = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0])) if ordered else counted.items()
    return tuple(Bar(label, f"{n:,}", round(100 * n / most) if most else 0) for label, n in items)


def _spread(label: str, told: Mapping[str, float]) -> Spread:
    form = [f"{told.get(name, 0):,.4g}" for name in ("min", "median", "mean", "p95", "max")]
    return Spread(label, *form)


def _plain_keys(counted: Mapping[str, int]) -> dict[str, int]:
    return {_plain(key): n for key, n in counted.items()}


def _counted(number: int | None, one: str) -> str:
    return f"{amounts.count(number)} {one if number == 1 else one + 's'}"


def _plain(key: str) -> str:
    return key.replace("_", " ")


def _listed(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{_plain(key)} {n:,}" for key, n in counted.items())


def _size(value: int | None) -> str:
    if value is None:
        return amounts.ABSENT
    return f"{value / 1024:,.0f} KiB" if value < 1024 * 1024 else f"{value / 1024**2:,.1f} MiB"
