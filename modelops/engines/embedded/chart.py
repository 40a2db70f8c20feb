"""What is known of a chart as a whole before single mentions are judged."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from catalog.choices import ClaimType
from modelops.engines.types import ChartText

_WEEKS = re.compile(
    r"(?i)\b(\d{1,2})\s*(?:w(?:ee)?ks?|w)\s*(?:and\s*)?(?:(\d)\s*(?:d(?:ays?)?)\b|(?=\s*(?:gestation|ga\b|iup|pregnan|ega|\+)))"
    r"|\b(?:GA|EGA|IUP|gestation(?:al age)?)(?:\s+(?:of|is|today|at|now))*\s*:?\s*(\d{1,2})\s*(?:w(?:ee)?ks?|w)\b"
    r"|\b(\d{1,2})\s+([0-6])/7\b"
)
_PREGNANT = re.compile(
    r"(?i)\b(?:prenatal|antepartum|antenatal|pregnan(?:t|cy)|gravida|G\d+\s?P\d+|IUP|EDC|EDD|intrauterine pregnancy|"
    r"L&D|labor and delivery|cesarean|postpartum|trimester)\b"
)
_NOT_PREGNANT = re.compile(r"(?i)\bnot pregnant|pregnancy test neg|hcg neg|denies pregnancy")
_DELIVERED = re.compile(
    r"(?i)\b(?:liveborn|vaginal delivery|spontaneous delivery|NSVD|SVD|cesarean delivery|delivered (?:by|via|a|at)|"
    r"viable (?:fe)?male|repeat c[- ]?section|apgars?)\b"
)
_NEWBORN = re.compile(
    r"(?i)\b(?:newborn|neonat(?:e|al)|NICU|nursery|born (?:at|via|by)|birth ?weight|apgars?)\b"
)
_SUBSEQUENT = re.compile(
    r"(?i)\b(?:routine healing|healing (?:well|as expected|routinely)|weeks? (?:out|after|post|s/p|status post)|"
    r"aftercare|cast (?:is )?off|home health|physical therapy evaluation|"
    r"post[- ]?op(?:erative)? (?:visit|check)|fracture clinic|bridging callus)\b"
)
_NONPROVIDERS = re.compile(
    r"(?i)\b(?:r\.?n\.?|lpn|nurse(?! practitioner)|nursing|dieti[ct]ian|rd|ldn|social work(?:er)?|l?msw|lcsw|"
    r"case manage(?:r|ment)|(?:physical|occupational|speech|respiratory) therap(?:y|ist)|pt|ot|slp|rt|pharmd|"
    r"pharmac(?:ist|y)|medical assistant|ma|chw|community health worker|technician|tech|chaplain|paramedic|emt|"
    r"emergency medical technician|wocn|student)\b"
)
_PROVIDERS = re.compile(
    r"(?i)\b(?:physician|m\.?d\.?|d\.?o\.?|nurse practitioner|n\.?p\.?|aprn|crna|midwife|cnm|pa(?:-c)?|resident|"
    r"attending|hospitalist|surgeon|dentist|dpm|psychologist|provider)\b"
)
_REPORTS = re.compile(r"(?i)\b(?:pathology|radiology|imaging|laboratory|cytology|microbiology)\b")
_SEX_WORDS = {"F": "female", "M": "male"}
# "stay" documents that state the diagnoses at the end of a stay.
_SUMMARY = re.compile(r"(?i)discharge|transfer summary|death summary|final")
_SUMMARY_TITLE = re.compile(r"(?im)^.{0,60}\b(?:discharge|death|discharge\s*/\s*transfer|transfer) summary\b")


@dataclass(frozen=True, slots=True)
class ChartFacts:
    """Facts that choose between codes; `words` are normal words that hold for the whole chart."""

    inpatient_facility: bool
    stay: bool
    sex: str
    age_years: float | None
    year: int | None
    pregnant: bool
    delivered: bool
    newborn: bool
    grown: bool
    weeks: int | None
    subsequent: bool
    words: frozenset[str] = field(default_factory=frozenset)

    @property
    def trimester(self) -> str:
        if self.weeks is None:
            return ""
        return "first" if self.weeks < 14 else "second" if self.weeks < 28 else "third"


def facts(chart: ChartText) -> ChartFacts:
    text = "\n".join(document.text for document in chart.documents)
    age = _years(chart)
    newborn = age is not None and age < 0.08 and _NEWBORN.search(text) is not None
    fertile = chart.sex != "M" and (age is None or 9 <= age <= 60) and not newborn
    mentions = len(_PREGNANT.findall(text)) if fertile else 0
    delivered = fertile and mentions > 1 and _DELIVERED.search(text) is not None
    weeks = _gestation(text) if fertile and mentions else None
    pregnant = (
        fertile
        and mentions > 0
        and _NOT_PREGNANT.search(text) is None
        and (weeks is not None or mentions > 2)
    )
    day = chart.discharge_date or chart.date_of_service or chart.admit_date
    found = ChartFacts(
        inpatient_facility=chart.claim_type == ClaimType.FACILITY_INPATIENT,
        stay=chart.setting in ("inpatient", "observation"),
        sex=chart.sex,
        age_years=age,
        year=day.year if day else None,
        pregnant=pregnant,
        delivered=delivered and pregnant,
        newborn=newborn,
        grown=age is not None and age >= 2,
        weeks=weeks if pregnant else None,
        subsequent=_SUBSEQUENT.search(text) is not None,
    )
    words: set[str] = set()
    if found.delivered:
        words.update(("childbirth", "complicating"))
    if found.trimester and found.pregnant:
        words.update((found.trimester, "trimester"))
    if found.sex in _SEX_WORDS:
        words.add(_SEX_WORDS[found.sex])
    return ChartFacts(
        **{name: getattr(found, name) for name in ChartFacts.__slots__ if name != "words"},
        words=frozenset(words),
    )


def _years(chart: ChartText) -> float | None:
    if chart.age is None:
        return None
    return chart.age / {"years": 1.0, "months": 12.0, "weeks": 52.0, "days": 365.0}.get(chart.age_unit, 1.0)


def _gestation(text: str) -> int | None:
    """The completed weeks named most often, the highest among equals; 4 to 44 are plausible."""
    counts: Counter[int] = Counter()
    for match in _WEEKS.finditer(text):
        weeks = next(int(group) for group in (match.group(1), match.group(3), match.group(4)) if group)
        if 4 <= weeks <= 44:
            counts[weeks] += 1
    if not counts:
        return None
    return max(counts, key=lambda weeks: (counts[weeks], weeks))


def is_nonprovider(author_role: str, document_type: str) -> bool:
    """Whether the author may not establish a diagnosis (I.B.14); an unknown author counts as a provider."""
    if author_role:
        return _PROVIDERS.search(author_role) is None and _NONPROVIDERS.search(author_role) is not None
    return _PROVIDERS.search(document_type) is None and _NONPROVIDERS.search(document_type) is not None


def is_report(document_type: str) -> bool:
    """Whether the document is a pathologist's or radiologist's report: on a facility inpatient claim the
    attending must adopt its findings."""
    return _REPORTS.search(document_type) is not None


def is_summary(document_type: str, text: str) -> bool:
    """Whether the document states the diagnoses at the end of the stay."""
    return _SUMMARY.search(document_type) is not None or _SUMMARY_TITLE.search(text[:600]) is not None
