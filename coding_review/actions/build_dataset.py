"""Build a dataset version from what people decided and from written charts, and export one that was built."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.crypto import salted_hmac

from catalog.choices import CodeSystem
from catalog.errors import NoRelease
from catalog.queries import latest_release
from coding_review import audit, feedback
from coding_review.auth import require
from coding_review.choices import Domain
from coding_review.errors import Altered, DatasetRefused, InvalidDecision
from coding_review.exports.files import Written
from coding_review.held_out import Held, held, held_out_charts
from coding_review.models import GoldSet
from coding_review.rules import reasons
from coding_review.rules.permissions import BUILD_DATASET, EXPORT_PHI
from modelops.datasets import files
from modelops.datasets.build import (
    GATHERING,
    WRITING,
    Assembled,
    Gathered,
    Leaking,
    NothingLeft,
    Options,
    Tools,
    assemble,
    unwatched,
)
from modelops.datasets.chat_tokens import BadTokenizer, ChatTokens
from modelops.datasets.code_titles import CodeTitles, catalog_words
from modelops.datasets.decided_words import BadDecidedWords, DecidedWords, read_decided
from modelops.datasets.deidentify import Deidentifier
from modelops.datasets.from_catalog import catalog_stages
from modelops.datasets.ordinary_words import OrdinaryWords
from modelops.datasets.written import written_charts
from modelops.engines.llm.code_prompts import CODE_PROMPTS
from modelops.models import DatasetVersion

_LOCK = 0x64617461
# In place of a code: those of the other sources' labels.
LABELS = "labels"


@dataclass(frozen=True, slots=True)
class Sources:
    """`gold_sets` by primary key. `written`: name and lines of each set of synthetic charts. `leave_out`: ids of
    examples that stay out, as a refusal names them. `chosen`: which of the signed code sets. `catalog`: whose pairs
    and variations come before the notes, for a curriculum: codes, none named for all of the latest release, LABELS for
    those that the other sources' labels name."""

    signed_off: bool = False
    gold_sets: tuple[int, ...] = ()
    written: tuple[tuple[str, Callable[[], Iterable[str]]], ...] = ()
    leave_out: frozenset[str] = field(default_factory=frozenset)
    chosen: feedback.Chosen = field(default_factory=feedback.Chosen)
    catalog: tuple[str, ...] | None = None


def build_dataset(
    actor: Any,
    name: str,
    sources: Sources,
    *,
    tokenizer: Path,
    options: Options | None = None,
    at: Callable[[str], None] = unwatched,
) -> tuple[DatasetVersion, bool]:
    """The version, and whether it is new: what was built before, letter by letter, is not kept twice.

    The files are written before the row; where the row fails they lie unused under their hash. Whoever builds sees no
    text, so no access to encounters is asked for. `actor` None is the operator of the server. `at` is told each step
    as it begins, and what it raises ends the building.

    Raises NotAllowed; InvalidDecision (name, options, tokenizer, no source, a gold set that may not train);
    DatasetRefused (an example is in a gold set that models are measured on, or none is left); Altered; OSError.
    """
    options = options or Options()
    assembled = _assembled(actor, name, sources, tokenizer, options, at)
    at(WRITING)
    try:
        written = files.write(assembled, name, Path(settings.DATASETS_DIR), site_key())
    except files.AlteredDataset as error:
        raise Altered(str(error)) from error
    return _stored(actor, name, options.kind, written)


def look_at_dataset(
    actor: Any,
    name: str,
    sources: Sources,
    *,
    tokenizer: Path,
    options: Options | None = None,
    at: Callable[[str], None] = unwatched,
) -> dict[str, Any]:
    """What the manifest would say; nothing is written. Raises as build_dataset does."""
    return dict(_assembled(actor, name, sources, tokenizer, options or Options(), at).facts)


def _assembled(
    actor: Any, name: str, sources: Sources, tokenizer: Path, options: Options, at: Callable[[str], None]
) -> Assembled:
    if actor is not None:
        require(actor, BUILD_DATASET)
    check_name(name)
    if options.prompt not in CODE_PROMPTS:
        raise InvalidDecision("There is no such prompt.", field="prompt")
    try:
        tokens = ChatTokens(tokenizer)
    except BadTokenizer as error:
        raise InvalidDecision(str(error), field="tokenizer") from error
    at(GATHERING)
    titles = CodeTitles()
    decided = decided_words()
    gathered = gather(sources, held(), titles)
    tools = Tools(
        tokens.count,
        tokens.sha256,
        titles.titles,
        Deidentifier(site_key(), ordinary_words(gathered, decided)),
        decided.sha256,
    )
    try:
        return assemble(gathered, held_out_charts(), options, tools, at)
    except Leaking as error:
        raise DatasetRefused(
            str(error), examples=sorted({leak.example for leak in error.leaks})[:100], leaks=error.leaks
        ) from error
    except NothingLeft as error:
        raise DatasetRefused(str(error)) from error


def check_name(name: str) -> None:
    """Raises InvalidDecision."""
    if files.NAME.fullmatch(name) is None:
        raise InvalidDecision("A name has up to 60 small letters, digits and hyphens.", field="name")


@transaction.atomic
def _stored(actor: Any, name: str, kind: str, written: files.Written) -> tuple[DatasetVersion, bool]:
    # Two builds under one name get two numbers, one after the other.
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    before = DatasetVersion.objects.filter(name=name, sha256=written.sha256).first()
    if before is not None:
        return before, False
    number = DatasetVersion.objects.filter(name=name).aggregate(n=Max("version"))["n"] or 0
    manifest = dict(written.manifest)
    version = DatasetVersion.objects.create(
        name=name,
        version=number + 1,
        kind=kind,
        manifest=manifest,
        sha256=written.sha256,
        statistics=manifest["statistics"],
        path=written.path,
        created_by=actor,
    )
    examples = manifest["statistics"]["examples"]
    audit.record(
        "dataset.built",
        actor=actor,
        data={
            "dataset_id": version.pk,
            "name": name,
            "version": version.version,
            "kind": kind,
            "sha256": written.sha256,
            "train": examples["train"],
            "validation": examples["validation"],
            "sources": [str(source["source"]) for source in manifest["sources"]],
        },
    )
    return version, True


def export_dataset(
    actor: Any, dataset: DatasetVersion, *, format: str, write: Callable[[Path], Written]
) -> Written:
    """`write` is given the dataset's folder, whose files are what was built, and says what it wrote.

    Rows hold text of charts: where any was a real patient's, without identifiers or not, the right to export PHI is
    needed too. `actor` None is the operator of the server.

    Raises NotAllowed, Altered.
    """
    if actor is not None:
        require(actor, BUILD_DATASET)
        if dataset.manifest["deidentified"]["charts"]:
            require(actor, EXPORT_PHI)
    folder = Path(settings.DATASETS_DIR) / dataset.path
    try:
        files.verify(folder, dataset.sha256)
    except files.AlteredDataset as error:
        raise Altered(str(error), dataset_id=dataset.pk) from error
    written = write(folder)
    with transaction.atomic():
        audit.record(
            "dataset.exported",
            actor=actor,
            data={
                "dataset_id": dataset.pk,
                "name": dataset.name,
                "version": dataset.version,
                "format": format,
                "sha256": written.sha256,
                "rows": written.rows,
            },
        )
    return written


def site_key() -> bytes:
    """What surrogates and patients' marks follow from. It never leaves the site."""
    return salted_hmac(
        "coding_review.datasets", "key", secret=settings.DEIDENTIFICATION_KEY, algorithm="sha256"
    ).digest()


def decided_words() -> DecidedWords:
    """Raises InvalidDecision where the file cannot be read as one."""
    try:
        return read_decided(Path(settings.DEIDENTIFICATION_WORDS))
    except BadDecidedWords as error:
        raise InvalidDecision(str(error), field="sources") from error


def gather(sources: Sources, kept_out: Held, titles: CodeTitles) -> Gathered:
    """Raises InvalidDecision."""
    today = timezone.localdate()
    parts: list[Gathered] = []
    if sources.signed_off:
        parts.append(feedback.signed_off(kept_out, titles, today, sources.chosen))
    for pk in sources.gold_sets:
        chosen = GoldSet.objects.filter(pk=pk).first()
        if chosen is None:
            raise InvalidDecision("There is no such gold set.", field="sources")
        parts.append(feedback.gold_set(chosen, kept_out, titles, today))
    for name, lines in sources.written:
        parts.append(written_charts(lines(), name, titles, domains=Domain.values, reasons=reasons.LABELS))
    if sources.catalog is not None:
        parts.append(_from_catalog(sources.catalog, parts, titles))
    if not parts:
        raise InvalidDecision("Name what the dataset is built from.", field="sources")
    return _joined(parts, sources.leave_out)


def _from_catalog(codes: tuple[str, ...], others: Sequence[Gathered], titles: CodeTitles) -> Gathered:
    try:
        release = latest_release(CodeSystem.ICD10CM)
    except NoRelease as error:
        raise InvalidDecision("No release of ICD-10-CM is loaded.", field="sources") from error
    wanted: set[str] | None = set(codes) or None
    if LABELS in codes:
        wanted = {label.code for part in others for example in part.examples for label in example.labels}
    return catalog_stages(release, titles, wanted)


def _joined(parts: Sequence[Gathered], leave_out: frozenset[str]) -> Gathered:
    """An id that comes twice is the same chart of the same source: the first stands."""
    left_out: Counter[str] = Counter()
    examples = {}
    for part in parts:
        left_out.update(part.left_out)
        for example in part.examples:
            if example.id in leave_out:
                left_out["named_to_stay_out"] += 1
            elif example.id in examples:
                left_out["same_id"] += 1
            else:
                examples[example.id] = example
    return Gathered(
        list(examples.values()),
        [source for part in parts for source in part.sources],
        {name: known for part in parts for name, known in part.known.items()},
        dict(left_out),
    )


def ordinary_words(gathered: Gathered, decided: DecidedWords) -> OrdinaryWords:
    def texts() -> Iterator[tuple[str, str]]:
        for example in gathered.examples:
            for document in example.chart.documents:
                yield example.patient, document.text
            for label in example.labels:
                yield example.patient, label.rationale

    if not any(example.phi for example in gathered.examples):
        return OrdinaryWords(())
    names = {word for known in gathered.known.values() for word in known.name_words()}
    return OrdinaryWords.learned(texts(), catalog_words(), names=names, decided=decided)
