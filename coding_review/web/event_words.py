"""An audit event in words a person understands: one row a type, so that no type is told as a list of fields."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User

from catalog.choices import ClaimType, CodeRole
from coding_review.choices import (
    AuthorityBasis,
    Confidentiality,
    DecisionAction,
    EntryState,
    GoldMode,
    GoldSetKind,
    GoldSetPurpose,
    GoldVerdict,
    HoldReason,
    Profession,
    ReopenReason,
    Role,
    Ruling,
    RunTrigger,
    SkipReason,
)
from coding_review.rules import overrides, reasons
from coding_review.rules.events import EVENTS
from coding_review.web import words
from modelops.choices import SynthesisKind, SynthesisWriter, TrainingStatus, WorkStatus

Data = Mapping[str, Any]
Names = Mapping[int, str]

# The fields of an event's data that name people.
_PEOPLE = ("owner_id", "owner_before", "owner_after", "user_id")


@dataclass(frozen=True, slots=True)
class EventWords:
    what: str
    detail: str


def name_of(user: User) -> str:
    return user.get_full_name() or user.get_username()


def names_in(events: Iterable[Data]) -> dict[int, str]:
    """The names of the people that events' data tell of, in one query."""
    ids = {data[field] for data in events for field in _PEOPLE if data.get(field)}
    return {user.pk: name_of(user) for user in User.objects.filter(pk__in=ids)}


def event_words(type_: str, data: Data, names: Names) -> EventWords:
    """A type that the tables no longer name keeps its rows in the log: it is told by its name."""
    if type_ == "decision":
        return EventWords(_decision_what(data), _joined(_decision_detail(data)))
    label = EVENTS[type_].label if type_ in EVENTS else type_
    return EventWords(label, _joined(DETAILS[type_](data, names)) if type_ in DETAILS else "")


def _joined(parts: Iterable[str]) -> str:
    return ", ".join(part for part in parts if part)


def _label(choices: Any, value: Any) -> str:
    """The label of a choice in lower case; a value that the table no longer has as it stands."""
    return (
        str(choices(value).label).lower() if value in choices.values else str(value or "").replace("_", " ")
    )


def _via(data: Data) -> str:
    return f"by {data['via']}" if data.get("via") else ""


def _version(data: Data) -> str:
    return f"version {data['version']}" if data.get("version") else ""


def _claim_type(data: Data) -> str:
    return _label(ClaimType, data["claim_type"]) if data.get("claim_type") else ""


def _sha(data: Data) -> str:
    return f"SHA-256 {data['sha256']}" if data.get("sha256") else ""


def _promotion(data: Data) -> list[str]:
    version, replaced = data.get("model_version_id"), data.get("replaced_id")
    return [
        str(data.get("engine", "")),
        f"model version {version}" if version else "the engine without a version",
        f"in place of {replaced}" if replaced and replaced != version else "",
        "against the gate" if data.get("overridden") else "",
    ]


def _rows(data: Data, one: str) -> str:
    return words.count(data["rows"], one) if data.get("rows") is not None else ""


def _format(data: Data) -> str:
    return str(data.get("format", "")).upper()


def _person(names: Names, pk: Any) -> str:
    return names.get(pk, "nobody" if pk is None else f"user {pk}")


def _project(data: Data) -> str:
    return f"gold project {data['project_id']}" if data.get("project_id") else ""


def _gold(choices: Any, data: Data, field: str) -> str:
    return _label(choices, data.get(field))


def _reason(data: Data) -> str:
    return reasons.label(data["reason"]) if data.get("reason") else ""


def _filters(data: Data) -> str:
    return "; ".join(f"{name} {value}" for name, value in data.get("filters", {}).items()) or "no filter"


def _counted(data: Data, *what: tuple[str, str]) -> list[str]:
    return [f"{data[name]} {word}" for name, word in what if data.get(name)]


# --- Decisions -----------------------------------------------------------------------------------------------

_FIELDS = {"poa": "POA", "role": "role", "sequence": "order"}


def _decision_what(data: Data) -> str:
    action = data.get("action", "")
    label = DecisionAction(action).label if action in DecisionAction.values else action
    again = " again" if data.get("redoes") else ""
    return f"{label}{again} {data.get('code_after') or data.get('code_before', '')}".strip()


def _decision_detail(data: Data) -> Iterable[str]:
    before, after = data.get("code_before"), data.get("code_after")
    if before and after and before != after:
        yield f"was {before}"
    if data.get("action") == DecisionAction.ADD and data.get("state_after") == EntryState.ACCEPTED:
        yield "by the coder's own search, where it was suggested"
    if data.get("reason"):
        label = reasons.label(data["reason"])
        yield f"{label[0].lower()}{label[1:]}"
    field = data.get("field")
    # A code that comes into the set gets the next place by itself; only a move is a decision about the order.
    if field and not (field == "sequence" and 0 in (data.get("value_before"), data.get("value_after"))):
        yield (
            f"{_FIELDS.get(field, field.replace('_', ' '))} {value_words(field, data.get('value_before'))} → "
            + value_words(field, data.get("value_after"))
        )


def value_words(field: str, value: Any) -> str:
    if value in (None, "", []):
        return "none"
    if field == "role":
        return _label(CodeRole, value)
    return ", ".join(str(each) for each in value) if isinstance(value, list) else str(value)


def _finding(data: Data) -> list[str]:
    codes = " ".join(str(code) for code in data.get("codes", ()))
    why = overrides.label(data.get("outcome", ""))
    return [str(data.get("check", "")).replace("_", " "), codes, f"{why[:1].lower()}{why[1:]}"]


# --- Everything else -----------------------------------------------------------------------------------------

DETAILS: dict[str, Callable[[Data, Names], Iterable[str]]] = {
    "encounter.received": lambda d, n: [words.count(len(d.get("documents", ())), "document"), _via(d)],
    "encounter.label_raised": lambda d, n: [
        f"{_label(Confidentiality, d.get('value_before'))} → {_label(Confidentiality, d.get('value_after'))}",
        _via(d),
    ],
    "document.received": lambda d, n: [
        f"document {d.get('document_id', '')}",
        _version(d),
        "late" if d.get("late") else "",
        _via(d),
    ],
    "document.updated": lambda d, n: [
        f"document {d.get('document_id', '')}",
        str(d.get("field", "")).replace("_", " "),
        _via(d),
    ],
    "encounter.updated": lambda d, n: [
        ", ".join(str(name).replace("_", " ") for name in d.get("fields", ())),
        _via(d),
    ],
    "document.alert_resolved": lambda d, n: [str(d.get("resolution", "")).replace("_", " ")],
    "prediction.queued": lambda d, n: [_label(RunTrigger, d.get("trigger")), str(d.get("engine", ""))],
    "prediction.finished": lambda d, n: [
        words.count(d.get("suggestions", 0), "suggestion"),
        *_counted(
            d,
            ("new", "new"),
            ("changed", "changed"),
            ("gone", "no longer suggested"),
            ("discarded", "discarded"),
        ),
        _joined([str(d.get("engine", "")), str(d.get("model_version", ""))]),
        str(d.get("release", "")),
    ],
    "prediction.failed": lambda d, n: [
        str(d.get("error_code", "")).replace("_", " "),
        f"attempt {d['attempts']}" if d.get("attempts") else "",
    ],
    "prediction.cancelled": lambda d, n: [str(d.get("engine", ""))],
    "prediction.fell_back": lambda d, n: [
        f"{d.get('engine', '')} in place of {d.get('fallback_from', '')}",
        str(d.get("error_code", "")).replace("_", " "),
    ],
    "encounter.opened": lambda d, n: ["read only" if d.get("read_only") else ""],
    "encounter.history_opened": lambda d, n: [],
    "encounter.claimed": lambda d, n: [_via(d)],
    "encounter.parked": lambda d, n: [f"kept for {_person(n, d.get('owner_id'))}"],
    "encounter.skipped": lambda d, n: [_label(SkipReason, d.get("reason"))],
    "encounter.reassigned": lambda d, n: [
        f"{_person(n, d.get('owner_before'))} → {_person(n, d.get('owner_after'))}"
    ],
    "encounter.held": lambda d, n: [
        _label(HoldReason, d.get("reason")),
        f"expected {d['expected_on']}" if d.get("expected_on") else "",
    ],
    "encounter.resumed": lambda d, n: [f"was on hold: {_label(HoldReason, d.get('reason'))}"],
    "encounter.returned": lambda d, n: [
        str(d.get("reason", "")).replace("_", " "),
        f"to {_person(n, d.get('owner_id'))}",
    ],
    "finding.overridden": lambda d, n: [
        *_finding(d),
        "carried over" if d.get("carried_from") else "",
    ],
    "finding.override_withdrawn": lambda d, n: _finding(d),
    "codeset.signed": lambda d, n: [
        _claim_type(d),
        _version(d),
        words.count(len(d.get("lines", ())), "line"),
        str(d.get("credential", "")),
        "another release stands in" if d.get("release_stands_in") else "",
        _sha(d),
    ],
    "codeset.reopened": lambda d, n: [_claim_type(d), _version(d), _label(ReopenReason, d.get("reason"))],
    "codeset.exported": lambda d, n: [_format(d), _rows(d, "line"), _sha(d)],
    "audit.searched": lambda d, n: [_filters(d), _rows(d, "decision")],
    "audit.exported": lambda d, n: [
        _format(d),
        _filters(d),
        _rows(d, "decision"),
        "with text" if d.get("with_text") else "",
        _sha(d),
    ],
    "audit.payload_purged": lambda d, n: [f"of event {d.get('event_id', '')}"],
    **dict.fromkeys(
        ("gold.adjudication_started", "gold.reading_started", "gold.project_opened", "gold.checks_seeded"),
        lambda d, n: [_project(d), *_counted(d, ("charts", "charts"), ("checks", "checks"))],
    ),
    "gold.project_created": lambda d, n: [_project(d), str(d.get("preset", "")), _gold(GoldMode, d, "mode")],
    "gold.codebook_added": lambda d, n: [str(d.get("name", "")), _version(d)],
    "gold.codebook_set": lambda d, n: [_project(d), _version(d)],
    "gold.reader_added": lambda d, n: [
        _project(d),
        _person(n, d.get("user_id")),
        _gold(Profession, d, "profession"),
        str(d.get("credential", "")),
    ],
    "gold.reader_qualified": lambda d, n: [
        _project(d),
        f"F1 {d['f1']}" if "f1" in d else "",
        "" if d.get("qualified") else "below the threshold",
    ],
    "gold.charts_sampled": lambda d, n: [
        _project(d),
        *_counted(d, ("charts", "charts"), ("population", "to draw from")),
        f"seed {d['seed']}" if "seed" in d else "",
    ],
    "gold.labels_imported": lambda d, n: [
        _project(d),
        *_counted(d, ("labels", "labels"), ("charts", "charts")),
    ],
    "gold.judged": lambda d, n: [str(d.get("code", "")), _gold(GoldVerdict, d, "verdict"), _reason(d)],
    "gold.code_added": lambda d, n: [str(d.get("code", ""))],
    "gold.addition_withdrawn": lambda d, n: [str(d.get("code", ""))],
    "gold.reading_finished": lambda d, n: _counted(d, ("judgements", "judged"), ("additions", "added")),
    "gold.reading_closed": lambda d, n: [
        _project(d),
        *_counted(d, ("readings", "readings"), ("lapsed", "lapsed")),
    ],
    "gold.ruled": lambda d, n: [str(d.get("code", "")), _gold(Ruling, d, "ruling")],
    "gold.adjudication_finished": lambda d, n: _counted(d, ("rulings", "rulings")),
    "gold.replied": lambda d, n: [_project(d)],
    **dict.fromkeys(
        ("gold.frozen", "gold.imported"),
        lambda d, n: [
            str(d.get("name", "")),
            _version(d),
            _gold(GoldSetKind, d, "kind"),
            f"for {_gold(GoldSetPurpose, d, 'purpose')}",
            _sha(d),
        ],
    ),
    "gold.chart_withdrawn": lambda d, n: [f"chart {d['chart_id']}" if d.get("chart_id") else ""],
    "gold.exported": lambda d, n: [
        f"gold set {d.get('gold_set_id', '')}",
        _rows(d, "chart"),
        "with text" if d.get("with_text") else "",
        _sha(d),
    ],
    "catalog.loaded": lambda d, n: [str(d.get("system", "")), str(d.get("release", ""))],
    "catalog.table_loaded": lambda d, n: [
        str(d.get(part)) for part in ("kind", "name", "edition") if d.get(part)
    ],
    "catalog.corrected": lambda d, n: [
        " ".join(str(d[part]) for part in ("system", "name", "edition") if d.get(part)),
        f"{d.get('field', '')}: {d.get('value_before') or 'open'} to {d.get('value_after') or 'open'}",
        f"{d['code_sets']} open code sets chosen anew" if d.get("code_sets") else "",
    ],
    "evaluation.queued": lambda d, n: [
        f"gold set {d.get('gold_set_id', '')}",
        f"engine {d['engine']}" if d.get("engine") else "an uploaded file",
        f"model version {d['model_version_id']}" if d.get("model_version_id") else "",
    ],
    "evaluation.cancelled": lambda d, n: [f"gold set {d.get('gold_set_id', '')}"],
    "evaluation.failed": lambda d, n: [
        f"gold set {d.get('gold_set_id', '')}",
        str(d.get("error_code", "")).replace("_", " "),
    ],
    "evaluation.stored": lambda d, n: [
        f"run {d.get('run_id', '')}",
        str(d.get("engine", "")),
        words.count(d.get("charts", 0), "chart"),
        str(d.get("catalog_release", "")),
    ],
    "evaluation.knowledge_stored": lambda d, n: [
        f"model version {d.get('model_version_id', '')}",
        str(d.get("stage", "")),
        ", ".join(str(task) for task in d.get("tasks", ())),
    ],
    "calibration.stored": lambda d, n: [
        f"{d.get('engine', '')} {d.get('model_version', '')}".strip(),
        words.count(d.get("codes", 0), "code"),
        words.count(d.get("charts", 0), "chart"),
    ],
    "quality.audited": lambda d, n: [
        str(d.get("month", "")),
        words.count(d.get("code_sets", 0), "code set"),
        f"not valid in {d.get('validity', 0)}",
        f"bundled in {d.get('bundling', 0)}",
    ],
    "model.files_compared": lambda d, n: [
        f"model version {d.get('model_version_id', '')}",
        "as its training left them" if d.get("whole") else "not those that its training left",
        _sha(d),
    ],
    "model.promoted": lambda d, n: _promotion(d),
    "model.rolled_back": lambda d, n: _promotion(d),
    "model.canary_set": lambda d, n: [*_promotion(d), f"{d.get('share') or 0:.0%} of charts"],
    "model.shadow_set": lambda d, n: [*_promotion(d), "on" if d.get("share") else "off"],
    "authority.recorded": lambda d, n: [
        _label(AuthorityBasis, d.get("basis")),
        str(d.get("reference", "")),
        "Part 2 records too" if d.get("covers_part2") else "",
        f"until {d['valid_until']}" if d.get("valid_until") else "",
    ],
    "authority.withdrawn": lambda d, n: [_label(AuthorityBasis, d.get("basis"))],
    "synthesis.asked": lambda d, n: [
        f"run {d.get('run_id', '')}",
        words.count(d.get("count", 0), "chart"),
        _label(SynthesisKind, d.get("kind")),
        f"writer {_label(SynthesisWriter, d.get('writer')).lower()}",
    ],
    "synthesis.cancel_asked": lambda d, n: [f"run {d.get('run_id', '')}"],
    "synthesis.ended": lambda d, n: [
        f"run {d.get('run_id', '')}",
        _label(WorkStatus, d.get("status")).lower(),
        words.count(d.get("charts", 0), "chart"),
        str(d.get("error_code", "")).replace("_", " "),
    ],
    "dataset.asked": lambda d, n: [
        str(d.get("name", "")),
        "counted alone" if d.get("only_looks") else "to be built",
        "signed-off charts" if d.get("signed_off") else "",
        words.count(len(d.get("gold_sets", ())), "gold set"),
        words.count(len(d.get("runs", ())), "run of synthetic charts", "runs of synthetic charts"),
    ],
    "dataset.cancel_asked": lambda d, n: [f"build {d.get('build_id', '')}"],
    "dataset.build_ended": lambda d, n: [
        f"build {d.get('build_id', '')}",
        _label(WorkStatus, d.get("status")).lower(),
        str(d.get("error_code", "")).replace("_", " "),
    ],
    "dataset.built": lambda d, n: [
        str(d.get("name", "")),
        _version(d),
        *_counted(d, ("train", "to train on"), ("validation", "to validate on")),
        _sha(d),
    ],
    "words_in_doubt.listed": lambda d, n: [
        *_counted(
            d, ("charts", "charts of real patients"), ("doubtful", "in doubt"), ("words", "words not decided")
        ),
    ],
    "dataset.exported": lambda d, n: [
        str(d.get("name", "")),
        _version(d),
        _format(d),
        _rows(d, "example"),
        _sha(d),
    ],
    "training.queued": lambda d, n: [
        f"job {d.get('job_id', '')}",
        str(d.get("method", "")),
        f"dataset {d.get('dataset_id', '')}",
    ],
    "training.cancel_asked": lambda d, n: [f"job {d.get('job_id', '')}"],
    **dict.fromkeys(
        ("training.resumed", "training.begun"),
        lambda d, n: [
            f"job {d.get('job_id', '')}",
            f"attempt {d['attempt']}" if d.get("attempt") else "",
        ],
    ),
    "training.ended": lambda d, n: [
        f"job {d.get('job_id', '')}",
        _label(TrainingStatus, d.get("status")).lower(),
        f"step {d['step']}" if d.get("step") else "",
        str(d.get("error_code", "")).replace("_", " "),
        _sha(d),
    ],
    "access.granted": lambda d, n: [
        _person(n, d.get("user_id")),
        _label(Role, d.get("role")),
        str(d.get("work_group", "")),
        _label(Confidentiality, d.get("ceiling")),
    ],
    "preference.set": lambda d, n: [
        {"single_keys": "single keys", "read_first": "read first"}.get(d.get("field", ""), ""),
        "on" if d.get("value_after") else "off",
    ],
    "session.signed_in": lambda d, n: [],
    "session.signed_out": lambda d, n: [],
    "session.refused": lambda d, n: [],
    "token.issued": lambda d, n: [],
    "token.revoked": lambda d, n: [],
}
